# The repository: open and with room for what comes; the backup in it, and old ones out of it.

open_repository() { # sets first: not empty when the repository is to be made
    local reason
    if restic_says cat config >/dev/null; then
        restic_says unlock -q >/dev/null || : # only locks whose holder is gone
        first=''
        return
    fi
    reason=$(last_error "$scratch/error")
    if grep -q 'wrong password' "$scratch/error"; then
        give_up failed "The password in $RESTIC_PASSWORD_FILE does not open the repository $shown_repository." \
            "Set mattermost:backup:password to the password of that repository, or set another mattermost:backup:repository. Then run $(deploy_command)"
    fi
    if [ -e "$own/known" ] && [ "$(cat "$own/known")" = "$repository" ]; then
        give_up failed "The repository $shown_repository contained backups, but cannot be opened now: $reason" \
            "Check its disk or network. Only if the repository is lost, run on the host: rm $own/known (the next backup then creates a new repository)."
    fi
    case $repository in
        /*)
            if [ -d "$repository" ] && [ -n "$(ls -A "$repository")" ]; then
                give_up failed "$repository is not empty, and restic cannot open it as a repository: $reason" "If that is a damaged repository, see docs/backup.md. Otherwise set another directory in mattermost:backup:repository, then run $(deploy_command)"
            fi
            ;;
    esac
    grep -qi -e 'unable to open config file' -e 'is there a repository' -e 'does not exist' "$scratch/error" ||
        give_up failed "The repository $shown_repository cannot be reached: $reason" "Check mattermost:backup:repository and mattermost:backup:environment. After a change, run $(deploy_command)"
    first=yes
}

begin_repository() { # only now that there is something worth keeping
    [ -n "$first" ] || return 0
    restic_says init -q >/dev/null || give_up failed "The repository $shown_repository cannot be created: $(last_error "$scratch/error")" "Check mattermost:backup:repository, and whether this host may write there. After a change of the setting, run $(deploy_command)"
}

check_room() {
    local size bytes wanted room
    size=$(super "SELECT pg_database_size('$database') / 1024") ||
        give_up failed "PostgreSQL does not report the size of the database $database." "Check PostgreSQL: systemctl status 'postgresql*'"
    bytes=$(awk '{ n += $1 } END { printf "%d", n / 1024 }' "$staging/files")
    wanted=$((size + 32768))
    room=$(kib_free "$own")
    [ "$room" -gt "$wanted" ] ||
        give_up refused "The dump needs $((wanted / 1024)) MiB in $own, and only $((room / 1024)) MiB are free." "Free some space on that disk."
    case $repository in
        /*)
            [ -z "$first" ] || wanted=$((wanted + bytes))
            [ "$(df -Pk "$own" | awk 'NR == 2 { print $1 }')" != "$(df -Pk "$(existing "$repository")" | awk 'NR == 2 { print $1 }')" ] ||
                wanted=$((wanted + size))
            room=$(kib_free "$repository")
            [ "$room" -gt "$wanted" ] ||
                give_up refused "The backup may need $((wanted / 1024)) MiB on the disk of $repository, and only $((room / 1024)) MiB are free." \
                    "Free some space on that disk, or remove old backups on the host: mattermost-backup restic forget --prune NUMBER (for the numbers: mattermost-backup list). Or set mattermost:backup:repository to another place and run $(deploy_command)"
            ;;
    esac
}

store_backup() { # sets snapshot, run
    local attempt rc
    set -- "$staging" "$state/config" "$state/data" "$state/plugins" "$state/client-plugins" "$settings"
    [ -z "$certificates" ] || [ ! -d "$certificates" ] || set -- "$@" "$certificates"
    name_others "$scratch/before"
    run=run-$(date +%s)-$$ # a tag: noted before there is a backup, so that none is restored whose run was cut before it was judged
    reject "$run" || give_up failed "$own cannot be written." "Check the disk: df"
    export RESTIC_PROGRESS_FPS=0.2 # what `progress` reads: a line in 5 s, not 60 in each
    for attempt in 1 2; do # 3: a file went away while it was read; the second time restic does not know of it any more
        restic_says backup --json --tag mattermost --tag "$run" --host "$name" --exclude "$own/cache" --exclude "$state/data/testfile" "$@" >"$own/stored"
        rc=$?
        snapshot=$(summary snapshot_id | cut -c1-8)
        [ -z "$snapshot" ] || refuse_foreign
        [ "$rc" = 3 ] && [ "$attempt" = 1 ] && [ -n "$snapshot" ] || break
    done
    case $rc:$snapshot in
        0: | 3:) give_up failed "restic did not say which backup it wrote, so that backup could not be checked." "Check the free space in $own. Then run on the host: mattermost-backup now" ;;
        1?[0-9]:*) ;; # killed: who knows what it had written
        *) forget_note "$run" ;;
    esac
    [ "$rc" = 0 ] || give_up failed "restic could not write the backup: $(last_error "$scratch/error")" "Check the repository $shown_repository: free space, permissions, network."
    say "$repository" >"$own/known"
}

name_others() { # name_others FILE: what lies there and is not the server's, named as restic's JSON does
    find "$state/data" "$state/plugins" "$state/client-plugins" ! -user "$user" -printf '%p\0' 2>/dev/null | as_lines |
        sed 's/\\/\\\\/g; s/"/\\"/g; s/&/\\u0026/g; s/</\\u003c/g; s/>/\\u003e/g' | LC_ALL=C sort >"$1" || give_up failed "$1 cannot be written." "Check the disk: df"
}

refuse_foreign() { # restic opens each file by its path: the server can exchange a folder for a link meanwhile, and have what root alone may read in its next restore
    local found removed
    reject "$snapshot" || { remove_backup "$snapshot"; give_up failed "$own cannot be written." "Check the disk: df"; }
    rm -f "$scratch/read"
    { restic_says ls --json "$snapshot" && : >"$scratch/read"; } |
        grep -F -e "\"path\":\"$state/data/" -e "\"path\":\"$state/plugins/" -e "\"path\":\"$state/client-plugins/" | grep -vF "\"uid\":$(id -u "$user")," |
        sed -n 's/.*"path":"\(\([^"\\]\|\\.\)*\)".*/\1/p' >"$scratch/foreign" || rm -f "$scratch/read"
    [ -e "$scratch/read" ] ||
        give_up failed "restic cannot list the files of the backup $snapshot: $(last_error "$scratch/error")" "Check the repository $shown_repository, and that ${TMPDIR:-/tmp} is not full."
    [ -s "$scratch/foreign" ] || { forget_note "$snapshot"; return; }
    name_others "$scratch/after"
    LC_ALL=C comm -12 "$scratch/before" "$scratch/after" >"$scratch/others" && # somebody could lay one there afterwards
        { found=$(grep -m 1 -vxF -f "$scratch/others" "$scratch/foreign") || [ "$?" = 1 ]; } ||
        give_up failed "The files in the backup $snapshot could not be compared with the files of the server." "Check the free space in ${TMPDIR:-/tmp}. Then run on the host: mattermost-backup now"
    [ -n "$found" ] || { forget_note "$snapshot"; return; }
    removed='That backup was removed.'
    { remove_backup "$snapshot" && accept "$snapshot"; } || removed='That backup could not be removed from the repository. Never restore that backup.'
    accept "$run" # by its number it is noted, or gone
    give_up failed "Backup $snapshot contains $found, which is not a file of the server. $removed" \
        "If you did not put that file there yourself during the backup, somebody may control the account $user and replace folders by links. See docs/break-in.md."
}

forget_note() { accept "$1" || give_up failed "$own cannot be written." "Check the disk: df"; }

remove_backup() { # remove_backup NUMBER: restic's forget ends well also for what it could not read, and badly for what is gone
    local left
    restic_says forget -q "$1" </dev/null >/dev/null
    left=$(restic_says list snapshots </dev/null) && ! say "$left" | grep -q "^$1"
}

forget_rejected() { # what earlier runs could not remove, or did not come to judge; only now that there is a sound one
    local what number numbers
    [ -s "$(rejections)" ] || return 0
    while read -r what; do
        numbers=$what
        case $what in
            run-*)
                numbers=$(restic_says snapshots --json --tag "$what" --host "$name" </dev/null) || continue
                numbers=$(say "$numbers" | tr ',' '\n' | sed -n 's/.*"short_id":"\([^"]*\)".*/\1/p')
                ;;
        esac
        for number in $numbers; do remove_backup "$number" || continue 2; done
        accept "$what"
    done <"$(rejections)"
    return 0
}

progress() { # how far the backup is that runs, in words; nothing where that is not known
    if grep -q '"summary"' "$own/stored" 2>/dev/null; then
        say 'all files are stored, and the repository is being checked'
    elif [ -s "$own/stored" ]; then
        sed -n 's/^{"message_type":"status",.*"percent_done":\([0-9.]*\),.*"total_bytes":\([0-9]*\).*/\1 \2/p' "$own/stored" |
            awk '{ share = $1; bytes = $2 } END { if (NR) printf "%d %% of %d MiB stored\n", share * 100, bytes / 1048576 }'
    elif [ -e "$staging/database.dump" ]; then
        say "the dump of the database has $(($(stat -c %s "$staging/database.dump") / 1048576)) MiB"
    fi
}

summary() { grep '"summary"' "$own/stored" | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }

check_and_prune() { # nothing is removed from a repository that is damaged
    restic_says check -q >/dev/null ||
        give_up failed "Backup $snapshot was written, but the repository $shown_repository is damaged: $(last_error "$scratch/error")" \
            "Check the disk of the repository. docs/backup.md says how to repair a repository or begin a new one. No old backup was removed."
    [ "$prune" != no ] || return 0
    [ ! -s "$(rejections)" ] || # it would be the one that is kept of its day
        give_up failed "Backup $snapshot was made. These backups must never be restored, but could not be removed, so no old backup was removed either: $(one_line "$(cat "$(rejections)")")" \
            "Check the permissions of the repository $shown_repository. Then remove each of them on the host: mattermost-backup restic forget NUMBER. For an entry that begins with run-, find its number with: mattermost-backup list"
    restic_says forget -q --tag mattermost --host "$name" --group-by host --keep-daily "$keep_daily" \
        --keep-weekly "$keep_weekly" --keep-monthly "$keep_monthly" --prune >/dev/null ||
        give_up failed "Backup $snapshot was made, but old backups could not be removed: $(last_error "$scratch/error")" "Check the free space and the permissions of the repository $shown_repository."
}
