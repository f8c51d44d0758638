# The backup in the repository, and old ones out of it.

keep_it() { # sets snapshot
    local attempt rc
    set -- "$staging" "$state/config" "$state/data" "$state/plugins" "$state/client-plugins" "$settings"
    [ -z "$certificates" ] || [ ! -d "$certificates" ] || set -- "$@" "$certificates"
    for attempt in 1 2; do # 3: a file went away while it was read; the second time restic does not know of it any more
        restic_says backup --json --tag mattermost --host "$name" --exclude "$own/cache" --exclude "$state/data/testfile" "$@" >"$scratch/summary"
        rc=$?
        [ "$rc" = 3 ] && [ "$attempt" = 1 ] || break
    done
    [ "$rc" = 0 ] || give_up failed "restic could not write the backup: $(last_error "$scratch/error")" "Look at the repository $shown_repository: room, rights, network."
    say "$repository" >"$own/known"
    snapshot=$(summary snapshot_id | cut -c1-8)
}

summary() { grep '"summary"' "$scratch/summary" | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }

check_and_prune() { # nothing is removed from a repository that is damaged
    restic_says check -q >/dev/null ||
        give_up failed "The backup $snapshot was written, but the repository $shown_repository is damaged: $(last_error "$scratch/error")" \
            "Look at its disk; docs/backup.md says how to mend it or to begin a new one. No old backup was removed."
    restic_says forget -q --tag mattermost --host "$name" --group-by host --keep-daily "${keep_daily:-7}" \
        --keep-weekly "${keep_weekly:-4}" --keep-monthly "${keep_monthly:-6}" --prune >/dev/null ||
        give_up failed "The backup $snapshot was made, but old ones could not be removed: $(last_error "$scratch/error")" "Look at the room and rights of the repository $shown_repository."
}
