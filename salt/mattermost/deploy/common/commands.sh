# The commands that sentences name, as they work for this host: where Salt is run, by what it was deployed last (mattermost_engine.note).

# shellcheck disable=SC2154 # the program sets work
command_of() { # command_of ORCHESTRATION STATE [ssh]: its orchestration, else its state; ssh: an orchestration that no minion can be reached by
    local engine='' minion=''
    [ ! -r "$work/engine" ] || read -r engine minion <"$work/engine"
    case $engine${3:-} in
        masterless*) say "on this host: salt-call --local state.apply $2" ;;
        minionssh) say "on the Salt master: salt $minion state.apply $2" ;;
        minion) say "on the Salt master: salt-run state.orchestrate $1" ;;
        *) say "on the controller: salt-run state.orchestrate $1" ;;
    esac
}

deploy_command() { command_of 'mattermost.ssl (or .non-ssl)' mattermost; }

is_masterless() { grep -q '^masterless' "$work/engine" 2>/dev/null; }
