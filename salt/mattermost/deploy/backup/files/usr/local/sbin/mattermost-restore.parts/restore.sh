# The restore, and the proof that the newest backup could be restored.

PATIENCE=${MATTERMOST_PATIENCE:-1200} # seconds for a deploy; one that waits for the restore's own lock gives up after half of them

newer_posts() { role_number "$database" "SELECT count(*) FROM posts WHERE createat > $(in_manifest newest)"; }

refuse_newer() { # posts since the backup, unless told; sets newer
    newer=$(newer_posts) || give_up failed "The messages in the database $database cannot be counted." "Check PostgreSQL: systemctl status 'postgresql*'"
    [ -n "$overwrite" ] || [ "$newer" = 0 ] && return
    give_up refused "The server has $newer messages that are newer than the backup $snapshot." \
        "To restore the backup and keep a copy of these messages, run $(overwrite_command)"
}

restore_command() { # restore_command ARGUMENTS HERE: what restores the same backup; ARGUMENTS of the orchestration, HERE of this program
    if is_alone; then say "on this host: mattermost-restore to $snapshot $2"; else command_of "mattermost.restore$1" ''; fi
}

overwrite_command() { restore_command " pillar='{\"restore\": {\"snapshot\": \"$snapshot\", \"overwrite\": true}}'" "overwrite$([ "$older" = - ] || say " from $older")"; } # what restores it in spite of newer messages

blocking_part() { # says what cannot change places with a restored directory
    local part
    for part in data plugins client-plugins; do
        mountpoint -q "$state/$part" || continue
        say "$state/$part is a mount point, and a restore cannot replace it. Mount that disk at $state instead, with everything from $state on it."
        return
    done
    fixed_part
}

restore_secrets() { # those that the server's data needs; what belongs to this host alone stays its own
    local file
    for file in "$fetched$settings/secrets"/*; do
        case $file in */database-password | */backup-password) continue ;; esac
        is_secret "${file##*/}" || continue
        take_file "$file" "$settings/secrets/${file##*/}" || return 1
    done
    rm -f "$settings/first-admin-login" # of an account that the restored database does not know
    take_file "$fetched$settings/first-admin-login" "$settings/first-admin-login" && take_certificates "$fetched$certificates"
}

roll_back_and_fail() { # roll_back_and_fail RESULT REASON ADVICE: what was there before serves again, or will
    [ ! -e "$own/open" ] || mark "$own/why" "$2" # for who has to go on with it
    roll_back || give_up failed "$2 The previous state could not be restored yet." "mattermost-restore-back.service keeps trying. See: systemctl status mattermost-restore-back"
    give_up "$@"
}

clean_up() { # what is open or not ended needs what was fetched
    local marker
    rm -rf "$scratch"
    for marker in open undone restored; do [ ! -e "$own/$marker" ] || return; done
    drop_database "$new_database" && rm -rf "$fetched"
}

restore() { # restore SNAPSHOT; sets id
    local started why version newer
    started=$(date +%s)
    id=$(date -u +%Y%m%d%H%M%S)
    set_names
    trap clean_up EXIT
    why=$(blocking_part)
    [ -z "$why" ] || give_up refused "A restore on this host is not possible." "$why"
    find_snapshot "$1"
    read_manifest
    version=$(readlink "$install/current")
    case $(in_manifest version) in
        "$version" | "$older") ;;
        *) give_up refused "The backup $snapshot comes from Mattermost $(in_manifest version), and this host has ${version:-none}." \
            "If the backup's version is the older one, run $(restore_command " pillar='{\"restore\": {\"snapshot\": \"$snapshot\"}}'" "${overwrite:+overwrite }from $(in_manifest version)"). Otherwise upgrade this host first." ;;
    esac
    ! is_open switch || give_up refused "An upgrade or rollback is running." "Wait for its end: mattermost-switch wait. Then start the restore again."
    ! is_open rotation || give_up refused "The database password is being changed." "Wait until that has ended. Then start the restore again. To see the change: systemctl status mattermost-rotate"
    ! is_moving || give_up refused "This server is being moved to another host." "Wait until the move has ended. To see it: systemctl status mattermost-move"
    refuse_newer
    check_room "$state"
    fetch "$fetched"
    restore_database "$new_database"
    hold_runs_out "$PATIENCE" || roll_back_and_fail refused "A deploy is running on this host ($(cat "$run_lock"))." "Start the restore again when the deploy has ended."
    begin_exchange || roll_back_and_fail failed "The restore could not begin to replace the server's data." "An upgrade or a change of the database password may be running, or the disk is full. See: mattermost-switch status; systemctl status mattermost-rotate; df $work"
    stop_unit "$service" || roll_back_and_fail failed "$service cannot be stopped." "See: systemctl status $service"
    newer=$(newer_posts) || roll_back_and_fail failed "The messages in the database $database cannot be counted." "Check PostgreSQL: systemctl status 'postgresql*'"
    [ -n "$overwrite" ] || [ "$newer" = 0 ] ||
        roll_back_and_fail refused "Messages were posted while the restore fetched the backup." "To restore the backup and keep a copy of these messages, run $(overwrite_command)"
    exchange || roll_back_and_fail failed "The restored server did not start: its data could not be put in place." "The previous server serves again. See: journalctl -u 'mattermost-restore@*'"
    mattermost-switch restart >"$scratch/started" 2>&1 ||
        roll_back_and_fail failed "The restored server did not start: $(value_of "$scratch/started" reason)" "The previous server serves again. See: journalctl -u 'mattermost-restore@*'"
    [ "$(role_value "$database" "SELECT count(*) >= $(in_manifest posts | cut -d' ' -f1) FROM posts")" = t ] ||
        roll_back_and_fail failed "The restored server has fewer messages than the backup $snapshot." "The previous server serves again. See: journalctl -u 'mattermost-restore@*'"
    decide restored && finish || fail 4 "The restore could not be completed yet. mattermost-restore-back.service tries again. See: journalctl -u mattermost-restore-back"
    write_report 'done' "The backup $snapshot of Mattermost $(in_manifest version) is restored, and Mattermost $version serves it.${lacking:+ $lacking}" \
        "The previous data is in $replaced and in the database $replaced_database. To delete the previous data when nobody needs it: mattermost-kept forget replaced_$id" <<END
snapshot=$snapshot
seconds=$(($(date +%s) - started))
version=$version
users=$(in_database users)
channels=$(in_database channels)
posts=$(in_database posts)
fileinfo=$(in_database fileinfo)
files=$(in_manifest files)
newer=$newer
aside=$replaced
database=$replaced_database
END
}

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
    write_report 'done' "The backup $snapshot can be restored: each count and checksum matches its manifest." "$(blocking_part)" <<END
snapshot=$snapshot
seconds=$(($(date +%s) - started))
version=$(in_manifest version)
users=$(in_database users)
channels=$(in_database channels)
posts=$(in_database posts)
fileinfo=$(in_database fileinfo)
files=$(in_manifest files)
END
}
