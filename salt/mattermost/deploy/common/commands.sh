# The commands that sentences name, as they work for this host: where Salt is run, by what it was deployed last (mattermost_engine.note).

# shellcheck disable=SC2154 # the program sets work
command_of() { # command_of ORCHESTRATION STATE: the orchestration if one reaches this host, else the state
    local engine='' minion=''
    [ ! -r "$work/engine" ] || read -r engine minion <"$work/engine"
    case $engine in
        masterless) say "on this host: salt-call --local state.apply $2" ;;
        minion) say "on the Salt master: salt $minion state.apply $2" ;;
        master) say "on the Salt master: salt-run state.orchestrate $1" ;;
        *) say "on the controller: salt-run state.orchestrate $1" ;;
    esac
}

deploy_command() { command_of 'mattermost.ssl (or .non-ssl)' mattermost; }

is_alone() { grep -Eq '^(masterless|minion) ' "$work/engine" 2>/dev/null; } # no orchestration reaches this host
