# shellcheck shell=sh
# shellcheck disable=SC2154 # code and scratch: of what comes before
# Make a bot in a private channel of a team of its own, over the local socket, and keep all of it for as long as standard input is open, at most
# $patience seconds. Then it is deleted for good, whatever ended it; what a run left that was killed is deleted by the next one.
# It follows tools.sh and socket.sh. Prints `ready TOKEN CHANNEL`, and at the end `gone`; or `failed WORDS`, where the word `taken` says that somebody else has the name. Read by verify/round_trip.py.
: "${socket:?}" "${patience:?}"

own=${own:-/run/mattermost-verify} # root's alone, in memory: the token and the password are nowhere else
name=mattermost-verify
mail=$name@localhost # tells ours from an account and a team of somebody else that has the name
nobody=nobody00000000000000000000 # the ID of no account; see make_ownerless

refuse() {
    say "failed $*"
    exit 1
}

ask() { # ask METHOD PATH [BODY]: sets code; the answer is in the file values
    printf '%s' "${3:-}" >"$scratch/body"
    ask_locally "$2" "$1" "$scratch/body"
    json_values >"$scratch/values"
}

text_in() { sed -n "s/^$1 \"\(.*\)\"\$/\1/p" "$scratch/values" | head -n 1; } # text_in NAME: as it is written there

make() { # make WHAT PATH BODY
    ask POST "$2" "$3"
    case $code in
        200 | 201) ;;
        000) refuse "The server does not answer on its local socket $socket." ;;
        *) refuse "The server refused to create the test $1 (status $code): $(one_line "$(text_in message)")" ;;
    esac
}

make_ownerless() { # make_ownerless ACCOUNT: a bot that was an account owns itself, and a server that deactivates or deletes such a one never comes to an end
    ask POST "bots/$1/assign/$nobody"
}

delete_all() { # sets why; the account first: its token ends with it, and its files are deleted with it
    local kind id
    for kind in users/username teams/name; do
        ask GET "$kind/$name"
        [ "$code" != 404 ] || continue
        why="The server answered status $code on its local socket."
        [ "$code" = 200 ] || return 1
        why=taken
        [ "$(text_in email)" = "$mail" ] || return 1
        id=$(value_in id)
        if [ "$kind" = users/username ]; then
            make_ownerless "$id"
            why="The server refused to change the owner of the test bot (status $code)."
            case $code in 200 | 404) ;; *) return 1 ;; esac # 404: it is no bot yet
        fi
        ask DELETE "${kind%%/*}/$id?permanent=true"
        ask GET "$kind/$name"
        why="The server did not delete $kind/$name (status $code)."
        [ "$code" = 404 ] || return 1
    done
}

end() { # sets why; the server may be starting again just now
    trap '' HUP INT TERM
    for _ in 1 2 3 4 5 6; do
        if delete_all; then
            why=''
            break
        fi
        sleep "${pause:-5}"
    done
    rm -rf "$scratch"
    if [ -z "$why" ]; then say gone; else say "failed $why"; fi
}

trap '' PIPE # who listens may be gone: what is made is deleted nevertheless
[ -S "$socket" ] || refuse "The server has no local socket $socket."
[ -d "$own" ] || mkdir -m 700 "$own"
lock || refuse "Another round trip is in progress on this host. Start again when it has ended."
rm -rf "$own"/tmp.* # of a run that was killed
export TMPDIR="$own"
make_scratch
delete_all || refuse "$why"
trap end EXIT
make account users "{\"username\":\"$name\",\"email\":\"$mail\",\"disable_welcome_email\":true,\"password\":\"Aa1!$(head -c 34 /dev/urandom | od -An -tx1 | tr -d ' \n')\"}"
[ "$(text_in roles)" = system_user ] || refuse "The server gave the test account the roles $(one_line "$(text_in roles)"), as it does while there is no administrator. Create one first."
user=$(value_in id)
make bot "users/$user/convert_to_bot" '{}'
make_ownerless "$user"
make team teams "{\"name\":\"$name\",\"display_name\":\"$name\",\"email\":\"$mail\",\"type\":\"I\"}"
team=$(value_in id)
make "membership of the team" "teams/$team/members" "{\"team_id\":\"$team\",\"user_id\":\"$user\"}"
make channel channels "{\"team_id\":\"$team\",\"name\":\"$name\",\"display_name\":\"$name\",\"type\":\"P\"}"
channel=$(value_in id)
make "membership of the channel" "channels/$channel/members" "{\"user_id\":\"$user\"}"
make token "users/$user/tokens" "{\"description\":\"$name\"}"
say "ready $(value_in token) $channel"
timeout "$patience" cat >/dev/null || :
