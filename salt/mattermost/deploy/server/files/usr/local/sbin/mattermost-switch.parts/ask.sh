# What people and Salt run: they ask, systemd does, they read the report.

has_report() { grep -q "^id=$id\$" "$report" 2>/dev/null; }

run_by_systemd() { # run_by_systemd KIND VERSION: and wait for the report; sets id
    local idle
    mkdir -p "$own" "$runtime" || fail 4 "$own cannot be created. Check the disk: df"
    [ "$1" = restart ] || wait_for_backup
    systemctl is-active --quiet mattermost-switch.service || rm -f "$request" # of a caller that died before it could start it
    id=$(date -u +%Y%m%d%H%M%S)
    while grep -qs "^id=$id\$" "$report"; do
        sleep 1
        id=$(date -u +%Y%m%d%H%M%S)
    done
    say "$id $1 $2" >"$request.$$"
    ln "$request.$$" "$request" 2>/dev/null || { rm -f "$request.$$"; fail 2 "This request was refused, because an earlier upgrade, rollback or restart has not ended yet. See: systemctl status mattermost-switch"; }
    rm -f "$request.$$"
    case $(systemctl show mattermost-switch.service -p NeedDaemonReload) in *=yes) systemctl daemon-reload ;; esac
    systemctl start mattermost-switch.service || { rm -f "$request"; fail 4 "mattermost-switch.service does not start. See: systemctl status mattermost-switch"; }
    idle=0
    until has_report; do
        if systemctl is-active --quiet mattermost-switch.service; then
            idle=0
        elif [ "$idle" -lt 50 ]; then
            idle=$((idle + 1)) # between two tries the unit is inactive for a second
        elif [ -e "$request" ] || [ -e "$journal" ]; then
            systemctl start mattermost-switch.service
        else
            fail 4 "The upgrade, rollback or restart ended without a report. See: journalctl -u mattermost-switch"
        fi
        sleep 0.1 2>/dev/null || sleep 1
    done
    cat "$report"
    case $(sed -n 's/^result=//p' "$report") in
        done) exit 0 ;;
        refused) exit 2 ;;
        undone) exit 3 ;;
        waiting) exit 5 ;;
        *) exit 4 ;;
    esac
}

wait_for_end() {
    while [ -e "$journal" ]; do
        ! grep -q '^result=waiting$' "$report" 2>/dev/null ||
            fail 5 "An earlier upgrade or rollback has not ended: $(sed -n 's/^reason=//p' "$report") $(sed -n 's/^advice=//p' "$report")"
        systemctl is-active --quiet mattermost-switch.service || systemctl start mattermost-switch.service
        sleep 0.5 2>/dev/null || sleep 1
    done
}

status() {
    local version
    inspect_service
    version=$(current)
    say "version: ${version:-none}"
    say "service: $active ($sub)"
    if [ -e "$journal" ]; then
        say "upgrade or rollback: running or interrupted; its journal:"
        sed 's/^/  /' "$journal"
    fi
    [ ! -e "$report" ] || { say "last upgrade, rollback or restart:"; sed 's/^/  /' "$report"; }
}
