# What systemd runs.

PATIENCE=${MATTERMOST_PATIENCE:-1800} # seconds

take_turn() { # nothing else changes the server or its database while it is backed up; what does is waited for
    local until open
    until=$(($(uptime_centi) + PATIENCE * 100))
    exec 9>"$own/lock"
    flock -w "$PATIENCE" 9 || give_up refused "Another backup, restore, drill, upgrade, rollback or change of the backup password was still running after $PATIENCE s." "Wait until that has ended. Then run on the host: mattermost-backup now"
    for open in switch postgresql; do # of one that was interrupted and is being ended, without the lock
        while is_open "$open"; do
            [ "$(uptime_centi)" -lt "$until" ] || give_up refused "An upgrade or rollback was interrupted and has not ended yet." "Read the reason on the host: journalctl -u mattermost-$open. When the upgrade or rollback has ended, run there: mattermost-backup now"
            sleep 1
        done
    done
}

work() { # sets config, version, driver, stored
    local started
    take_turn
    [ ! -e "$own/open" ] || give_up failed "A restore was interrupted and has not been rolled back yet." "See: systemctl status mattermost-restore-back"
    date '+%Y-%m-%d %H:%M:%S %z' >"$report.begun"
    started=$(date +%s)
    config=$state/config/config.json
    version=$(readlink "$install/current") || give_up refused "No Mattermost is installed in $install." "To install it, run $(deploy_command)"
    rm -rf "$staging" && mkdir -p "$staging" || give_up failed "$staging cannot be created." "Check the disk: df"
    rm -f "$own/stored"
    trap 'rm -rf "$staging" "$scratch" "$own/stored"' EXIT
    open_repository
    list_files
    check_room
    refuse_unreadable
    dump_database
    [ "$(readlink "$install/current")" = "$version" ] || give_up failed "Mattermost $version was replaced by another version during the dump." "Run on the host: mattermost-backup now"
    list_files # again: what was stored before the dump's instant must be in it
    driver='' stored=$(wc -l <"$staging/files")
    refuse_incomplete
    write_manifest
    begin_repository
    store_backup
    forget_rejected
    check_and_prune
    write_report 'done' "Backup $snapshot of $name is in $shown_repository." '' <<END
snapshot=$snapshot
seconds=$(($(date +%s) - started))
bytes=$(summary total_bytes_processed)
added=$(summary data_added)
version=$version
users=$(count users)
posts=$(count posts)
files=$stored
END
    cp "$report" "$own/last-good.new" && mv -f "$own/last-good.new" "$own/last-good"
}

report_killed_run() ( # a run that ended without a word of its own, by its timeout or a kill, has a report too; the lock ends with the parentheses
    [ -e "$report.begun" ] && exec 9>"$own/lock" && flock -w 2 9 && [ -e "$report.begun" ] || return 0
    write_report failed "The backup that began at $(cat "$report.begun") was stopped before its end (systemd: $(systemctl show -p Result mattermost-backup.service | cut -d= -f2))." \
        "Read the reason: journalctl -u mattermost-backup. Check that the repository $shown_repository answers: mattermost-backup list. docs/backup.md says how long a run may take." </dev/null
)

notify() {
    local what last_good text
    report_killed_run
    what="$(value_of "$report" reason) $(value_of "$report" advice)"
    case $(value_of "$report" result) in
        refused | failed) ;;
        *) what="The backup ended without a report. See: journalctl -u mattermost-backup" ;;
    esac
    last_good=$(value_of "$own/last-good" ended)
    text="The backup of Mattermost on $name failed: $what Last good backup: ${last_good:-none}."
    say "$text"
    say "$text" | MATTERMOST_TELL_SETTINGS=$settings_file mattermost-tell "Backup of $name failed" || exit 4
}
