# The proof that the newest backup could be restored.

drill() { # sets scratch_database, which the trap drops
    local started
    started=$(date +%s)
    scratch_database=${database}_drill
    trap 'drop_database "$scratch_database" && rm -rf "$own/drill"; rm -rf "$scratch"' EXIT
    find_snapshot latest
    read_manifest
    check_room "$own"
    fetch "$own/drill"
    restore_database "$scratch_database"
    write_report 'done' "The backup $snapshot restores: every count and checksum is the manifest's." "$(mounted)" <<END
snapshot=$snapshot
seconds=$(($(date +%s) - started))
version=$(wants version)
users=$(found users)
channels=$(found channels)
posts=$(found posts)
fileinfo=$(found fileinfo)
files=$(wants files)
END
}
