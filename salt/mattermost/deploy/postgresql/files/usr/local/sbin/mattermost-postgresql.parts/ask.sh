# What people and Salt run: they ask, systemd does, they read the report.

run_by_systemd() { # and wait for the report; sets id
    mkdir -p "$own" "$runtime" || fail 4 "$own cannot be created. Check the disk: df"
    id=$(date -u +%Y%m%d%H%M%S)-$$
    say "$id" >"$request.$$" && mv -f "$request.$$" "$request" || fail 4 "$request cannot be written. Check the disk: df"
    systemctl start mattermost-postgresql.service || { rm -f "$request"; fail 4 "mattermost-postgresql.service does not start. See: systemctl status mattermost-postgresql"; }
    wait_for_end
    grep -q "^id=$id\$" "$report" 2>/dev/null || fail 4 "The upgrade of PostgreSQL ended without a report. See: journalctl -u mattermost-postgresql"
    cat "$report"
    case $(sed -n 's/^result=//p' "$report") in
        'done') exit 0 ;;
        refused) exit 2 ;;
        undone) exit 3 ;;
        *) exit 4 ;;
    esac
}

wait_for_end() {
    while [ -e "$journal" ] || [ -e "$request" ] || systemctl is-active --quiet mattermost-postgresql.service; do
        systemctl is-active --quiet mattermost-postgresql.service || systemctl start mattermost-postgresql.service
        sleep 0.3 2>/dev/null || sleep 1
    done
}

status() {
    local old new day data
    if [ -e "$journal" ]; then
        say "upgrade: running or interrupted; its journal:"
        sed 's/^/  /' "$journal"
    fi
    [ ! -e "$report" ] || { say "last upgrade:"; sed 's/^/  /' "$report"; }
    [ ! -s "$own/kept" ] || {
        say "old clusters, each kept until you run mattermost-postgresql forget MAJOR:"
        while read -r old new day data _; do
            say "  $old, replaced by $new on $day: $data, $(du -sm "$data" 2>/dev/null | cut -f1) MiB"
        done <"$own/kept"
    }
}
