# What systemd runs.

close_journal() {
    rm -f "$no_start" "$hold"
    mv -f "$journal" "$own/last-journal" && flush "$own"
}

recover() { # what a kill or a power cut left in the journal; sets id, psql
    id=$(sed -n 's/^begin //p' "$journal")
    if is_undoing; then # first: what failed may be the flush of a record
        roll_back "$(undo_reason "The upgrade of PostgreSQL")"
    elif recorded healthy; then
        finish
    elif recorded serving; then # people may have posted to it: undone only if it does not come up well
        psql=$new_bin/psql
        if start_cluster new && { mattermost-switch check >/dev/null 2>&1 || start_server; }; then
            rm -f "$no_start"
            record healthy
            finish
        else
            roll_back "After an interruption the Mattermost server did not start with PostgreSQL $new_version: ${why:-$(start_failure)}"
        fi
    else
        roll_back "The upgrade was interrupted after its step '$(tail -n 1 "$journal" | cut -d' ' -f1)'."
    fi
}

work() { # sets id
    mkdir -p "$own" "$runtime" || fail 4 "$own cannot be created. Check the disk: df"
    lock || fail 75 "Another upgrade of PostgreSQL is running. See: mattermost-postgresql status"
    [ ! -e "$journal" ] || { hold_packages 0; recover; } # what is open ends in any case: its steps are repeatable
    while [ -e "$request" ]; do
        read -r id _ <"$request"
        rm -f "$request"
        upgrade
    done
}
