# What systemd runs.

work() {
    take_lock
    [ ! -e "$own/open" ] || give_up failed "A restore was interrupted and is not undone yet." "systemctl status mattermost-restore-back"
    started=$(date +%s)
    config=$state/config/config.json
    version=$(readlink "$install/current") || give_up refused "No Mattermost is installed in $install." "Deploy first."
    rm -rf "$staging" && mkdir -p "$staging" || give_up failed "$staging cannot be made." "Is the disk full?"
    trap 'rm -rf "$staging" "$scratch"' EXIT
    open_repository
    list_files
    check_room
    dump_database
    list_files # again: what was stored before the dump's instant must be in it
    driver='' stored=$(wc -l <"$staging/files")
    refuse_hollow
    write_manifest
    begin_repository
    keep_it
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

tell() {
    what="$(value_of "$report" reason) $(value_of "$report" advice)"
    [ "$(value_of "$report" result)" != 'done' ] || what="The backup ended without a report. See journalctl -u mattermost-backup."
    good=$(value_of "$own/last-good" ended)
    text="The backup of Mattermost on $name failed: $what Last good backup: ${good:-none}."
    say "$text"
    say "$text" | MATTERMOST_TELL_SETTINGS=$settings_file mattermost-tell "Backup of $name failed" || exit 4
}
