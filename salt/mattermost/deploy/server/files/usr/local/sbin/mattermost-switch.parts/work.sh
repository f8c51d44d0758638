# What systemd runs.

close_journal() {
    mv -f "$journal" "$own/last-journal" && flush "$own"
    rm -f "$runtime/may-start"
}

recover() { # what a kill or a power cut left in the journal; sets id, from, to, kind, source
    local last
    read -r _ id from to kind source <<END
$(sed -n 's/^begin /begin /p' "$journal")
END
    [ "$from" != - ] || from=''
    kind=${kind:-to}
    last=$(tail -n 1 "$journal")
    if is_undoing; then # first: what failed may be the flush of a record
        roll_back "$(undo_reason "$(name_of_switch)")"
    elif recorded healthy; then
        inspect_service
        [ "$active" = active ] || start_server
        finish
    elif recorded serving; then # people have posted to it: undone only if it does not come up well again
        inspect_service
        [ "$active" = active ] || start_server || { roll_back "$service could not be started."; return; }
        watch "$to" "$settle" || { roll_back "$why"; return; }
        record healthy || { roll_back "$unwritten"; return; }
        finish
    else
        recorded stopped || look_before
        roll_back "$(name_of_switch) was interrupted after its step '${last%% *}'."
    fi
}

name_of_switch() {
    case $kind in back) say "The rollback to $to" ;; *) say "The upgrade to $to" ;; esac
}

work() { # sets id, kind, to, from
    mkdir -p "$own" "$runtime" || fail 4 "$own cannot be created. Check the disk: df"
    lock || fail 75 "Another upgrade or rollback is running, or mattermost-kept is deleting data. mattermost-switch.service tries again by itself. See: mattermost-switch status"
    [ ! -e "$journal" ] || recover
    while [ -e "$request" ]; do
        read -r id kind to <"$request"
        [ "$kind" = restart ] || rm -f "$request" # the journal says from here on what is to be done; a restart is just done again
        if is_restoring "$kind"; then
            from=$(current)
            write_report refused "A restore of a backup is running or is being rolled back." "Wait until it has ended. See on the host: journalctl -u 'mattermost-restore*'"
        elif is_moving; then
            from=$(current)
            write_report refused "The server of this host is stopped, because it is being moved to a new host." "Wait until the move has ended. See: systemctl status mattermost-move"
        else
            case $kind in
                to) upgrade ;;
                back) go_back ;;
                restart) restart ;;
            esac
            let_backups_in
        fi
        [ "$kind" != restart ] || rm -f "$request"
    done
}

is_restoring() { # is_restoring KIND: what is asked for would meddle with a restore, which itself asks for a restart
    if [ "$1" = restart ]; then [ -e "$work/backup/closed" ]; else is_open restore; fi
}
