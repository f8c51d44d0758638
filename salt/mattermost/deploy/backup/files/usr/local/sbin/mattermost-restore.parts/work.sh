# What people and Salt run: they ask, systemd does.

instance() { # instance [SNAPSHOT [overwrite] [from VERSION]]: what systemd is asked for, and `take_words` takes apart
    asked=${1:-latest}
    [ "$#" = 0 ] || shift
    while [ "$#" -gt 0 ]; do
        case $1 in
            overwrite) asked=$asked:overwrite ;;
            from) asked=$asked:from-${2:-}; [ "$#" = 1 ] || shift ;;
            *) fail 2 "There is no word $1; without one, the help is printed." ;;
        esac
        shift
    done
    say "$asked"
}

take_words() { # take_words SNAPSHOT[:overwrite][:from-VERSION]: sets wanted_snapshot, overwrite and older
    wanted_snapshot=${1%%:*} overwrite='' older=-
    case :$1: in *:overwrite:*) overwrite=yes ;; esac
    case $1 in *:from-*) older=${1##*:from-} ;; esac
}

ask() { # ask WHAT: systemd does it, so it goes on when the caller is gone
    systemctl start "mattermost-restore@$1.service"
    rc=$?
    cat "$report"
    [ "$rc" = 0 ] || exit 4
}

work() {
    take_lock
    manifest=$scratch/manifest
    back || fail 4 "An interrupted restore could not be undone."
    case $1 in
        back) ;;
        drill) drill ;;
        *) take_words "$1" && restore "$wanted_snapshot" ;;
    esac
}
