# The server as systemd sees it, and the markers that let nginx and systemd know of a switch.

inspect_service() { # sets active, sub, pid, result, reload, job
    local key value
    active='' sub='' pid='' result='' reload='' job=''
    while IFS='=' read -r key value; do
        case $key in
            ActiveState) active=$value ;;
            SubState) sub=$value ;;
            MainPID) pid=$value ;;
            Result) result=$value ;;
            NeedDaemonReload) reload=$value ;;
            Job) job=${value#0} ;;
        esac
    done <<END
$(systemctl show "$service" -p ActiveState -p SubState -p MainPID -p Result -p NeedDaemonReload -p Job 2>/dev/null)
END
    case $active in
        inactive | failed) [ -z "$job" ] || active=waiting ;; # its start is queued behind something else
    esac
}

stop_server() { # while the journal is open nobody else can start it again
    rm -f "$runtime/may-start"
    close_site
    stop_unit "$service" || return 1
    systemctl reset-failed "$service" 2>/dev/null
    return 0
}

start_server() { # the marker lets the unit start although the journal is open; sets since
    mkdir -p "$runtime" && : >"$runtime/may-start" || return 1
    inspect_service
    [ "$reload" != yes ] || systemctl daemon-reload || return 1
    open_socket || return 1
    systemctl reset-failed "$service" 2>/dev/null
    since=$(date '+%Y-%m-%d %H:%M:%S')
    systemctl --no-block start "$service"
}

let_users_in() { # from here on users post to the version that is watched: an interruption does not roll it back any more, a failure does
    if [ -e "$journal" ] && ! is_undoing && ! recorded serving; then record serving "$remarks" || return 1; fi
    end_maintenance
}

end_maintenance() { # a restore that is not proved ends it itself, and a move: what is posted before that would be lost
    is_open restore || is_moving || rm -f "$maintenance"
}
