# What people and Salt run: they ask, systemd does.

request_of() { # request_of [SNAPSHOT [overwrite] [from VERSION]]: what systemd is asked for, and `parse_request` takes apart
    local request="${1:-latest}"
    [ "$#" = 0 ] || shift
    while [ "$#" -gt 0 ]; do
        case $1 in
            overwrite) request=$request:overwrite ;;
            from) request=$request:from-${2:-}; [ "$#" = 1 ] || shift ;;
            *) fail 2 "There is no argument $1. To see the arguments, run: mattermost-restore" ;;
        esac
        shift
    done
    say "$request"
}

parse_request() { # parse_request SNAPSHOT[:overwrite][:from-VERSION]; sets wanted_snapshot, overwrite, older
    wanted_snapshot=${1%%:*} overwrite='' older=-
    case :$1: in *:overwrite:*) overwrite=yes ;; esac
    case $1 in *:from-*) older=${1##*:from-} ;; esac
}

run_by_systemd() { # run_by_systemd WHAT: systemd does it, so it goes on when the caller is gone
    local rc before
    before=$(stat -c "%i %y" "$report" 2>/dev/null)
    systemctl start "mattermost-restore@$1.service"
    rc=$?
    [ "$rc" = 0 ] || [ "$(stat -c "%i %y" "$report" 2>/dev/null)" != "$before" ] || # killed: the report is that of an earlier one
        fail 4 "The $kind was interrupted. mattermost-restore-back.service rolls back or completes what it had begun. See: journalctl -u 'mattermost-restore*'"
    cat "$report"
    [ "$rc" = 0 ] || exit 4
}

work() { # sets manifest
    if [ "$1" = back ]; then
        lock || exit 75 # systemd starts it again
        recover || exit 75
        return
    fi
    take_lock
    manifest=$scratch/manifest
    recover || give_up failed "No restore or drill can begin: PostgreSQL does not answer, or an earlier restore or drill could not be rolled back or cleaned up yet." "Check PostgreSQL: systemctl status 'postgresql*'. See also: journalctl -u 'mattermost-restore*'"
    ! is_open postgresql || give_up refused "An upgrade of PostgreSQL has not ended yet." "Read the reason on the host: journalctl -u mattermost-postgresql"
    case $1 in
        drill) drill ;;
        *) parse_request "$1" && restore "$wanted_snapshot" ;;
    esac
}

recover() { # what a kill or a power cut left, and says how it was ended; sets lacking
    local outcome
    outcome='' lacking=''
    if [ -e "$own/open" ] || [ -e "$own/undone" ]; then
        outcome="$(cat "$own/why" 2>/dev/null || say "A restore was interrupted.") The restore was rolled back. The server runs with its previous data."
    elif [ -e "$own/restored" ]; then
        outcome="A restore was interrupted after it had replaced the data. The server runs with the data of the backup."
    fi
    roll_back && remove_leftovers || return 1
    [ -n "$outcome" ] || return 0
    local report="$own/restore-report" # also when this is a drill
    write_report failed "$outcome${lacking:+ $lacking}" "To see which data is kept: mattermost-kept list" </dev/null
}
