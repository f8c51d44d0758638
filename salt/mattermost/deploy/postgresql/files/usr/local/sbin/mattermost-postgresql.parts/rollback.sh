# The automatic rollback: everything as it was before, from wherever the journal ends.

roll_back() { # roll_back REASON: from wherever the journal ends
    local reason="$1" lost
    note_undo "$reason"
    stop_server || fail 4 "$service cannot be stopped. mattermost-postgresql.service tries again. See: systemctl status $service"
    count_lost
    stop_cluster new || fail 4 "$new_service cannot be stopped. mattermost-postgresql.service tries again. See: systemctl status $new_service"
    at_boot new no
    recorded serving || remove_new # nobody ever used it, and it may be what fills the disk that the old one needs to start
    name_old_cluster || fail 4 "The units and settings of PostgreSQL $old_version cannot be restored yet. mattermost-postgresql.service tries again. See: journalctl -u mattermost-postgresql"
    at_boot old yes
    start_cluster old || fail 4 "$old_service does not start, and mattermost-postgresql.service tries again. See: journalctl -u $old_service"
    record old-back
    rm -f "$hold"
    start_server || reason="${reason%.}. PostgreSQL $old_version is restored, but the Mattermost server is not healthy with that version either: $why"
    rm -f "$own/next"
    if [ "$lost" = 0 ]; then
        remove_new
    else
        [ "$lost" != unknown ] || lost='An unknown number of'
        reason="${reason%.}. $lost messages posted after the upgrade are only in $new_data. To delete that directory when nobody needs it: mattermost-postgresql forget $new_version"
        keep "$new_version" "$old_version" "$new_data" "$new_config"
    fi
    write_report undone "$reason" "PostgreSQL $old_version serves again with its previous data. Correct the cause, then run $(upgrade_command)"
    close_journal
}

remove_new() { # repeatable
    $new_remove >/dev/null 2>&1
    leave_no_settings "$new_config"
}

count_lost() { # how many messages only the new cluster has; in the journal, for later on it is stopped; sets lost, psql
    local was now
    lost=0
    recorded serving || return
    if ! recorded lost; then
        psql=$new_bin/psql was=$(awk '$1 == "posts" { print $2 }' "$own/before")
        if start_cluster new && find_role &&
            now=$(role_number "$database" 'SELECT count(*) FROM posts') && is_number "$was"; then
            lost=$((now - was))
        else
            lost=unknown
        fi
        record lost "$lost" || return
    fi
    lost=$(sed -n 's/^lost //p' "$journal")
}
