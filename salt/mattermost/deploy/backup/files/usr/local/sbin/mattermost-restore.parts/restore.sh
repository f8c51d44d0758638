# The restore.

newer_posts() { one "$database" "SELECT count(*) FROM posts WHERE createat > $(wants newest)"; }

refuse_newer() { # posts since the backup, unless told
    newer=$(newer_posts) || give_up failed "The messages in the database $database cannot be counted." "systemctl status postgresql"
    [ -n "$overwrite" ] || [ "$newer" = 0 ] && return
    give_up refused "The server holds $newer messages that are newer than the backup $snapshot." \
        "To go back to the backup nevertheless: pillar='{\"restore\": {\"snapshot\": \"$snapshot\", \"overwrite\": true}}'. They are kept aside then."
}

restore_secrets() { # those that the server's data needs; what belongs to this host alone stays its own
    for file in "$fetched$settings/secrets"/*; do
        [ -f "$file" ] || continue
        case $file in */database-password | */backup-password) continue ;; esac
        cp -p "$file" "$settings/secrets/" || return 1
    done
    rm -f "$settings/first-admin-login" # of an account that the restored database does not know
    [ ! -f "$fetched$settings/first-admin-login" ] || cp -p "$fetched$settings/first-admin-login" "$settings/" || return 1
    [ -n "$certificates" ] && [ ! -e "$certificates/live/$name" ] && [ -d "$fetched$certificates/live/$name" ] || return 0
    mkdir -p "$certificates" && chmod 755 "$certificates" && cp -a "$fetched$certificates/." "$certificates/"
}

restore() { # restore SNAPSHOT
    started=$(date +%s)
    id=$(date -u +%Y%m%d%H%M%S)
    set_names
    trap 'rm -rf "$state/.restore-$id" "$scratch"; [ -e "$own/open" ] || drop_database "$new_database"' EXIT
    find_snapshot "$1"
    read_manifest
    version=$(readlink "$install/current")
    case $(wants version) in
        "$version" | "$older") ;;
        *) give_up refused "The backup $snapshot is of Mattermost $(wants version), here is ${version:-none}." \
            "mattermost.restore, from the controller, says whether this version takes it over." ;;
    esac
    [ ! -e "$work/switch/journal" ] || give_up refused "A switch of versions is at work." "Wait for it: mattermost-switch status"
    refuse_newer
    check_room "$state"
    fetch "$state/.restore-$id"
    restore_database "$new_database"
    : >"$closed" && : >"$hold"
    systemctl stop "$service" || { rm -f "$closed" "$hold"; give_up failed "$service cannot be stopped." "systemctl status $service"; }
    newer=$(newer_posts)
    if [ -z "$overwrite" ] && [ "$newer" != 0 ]; then
        rm -f "$closed" "$hold"
        systemctl start "$service"
        give_up refused "Messages were posted while the backup was fetched." "Start again with overwrite: they are kept aside."
    fi
    exchange && mattermost-switch restart >"$scratch/started" 2>&1 || {
        why=$(sed -n 's/^reason=//p' "$scratch/started" 2>/dev/null)
        back || fail 4 "The restore failed and what was there could not be put back yet; start mattermost-restore-back.service again."
        give_up failed "The restored server did not come up: ${why:-a step of the exchange failed.}" "What was there before serves again."
    }
    rm -f "$own/open" "$closed" "$hold"
    restore_secrets || say "The secrets of the backup could not be put in $settings." >&2
    [ "$(one "$database" "SELECT count(*) >= $(wants posts | cut -d' ' -f1) FROM posts")" = t ] ||
        give_up failed "The restored server holds fewer messages than the backup $snapshot." "What it replaced is in $aside and the database $kept_database."
    write_report 'done' "The backup $snapshot of Mattermost $(wants version) is restored and $version serves it." \
        "What it replaced is in $aside and the database $kept_database; when nothing is missed: mattermost-switch forget replaced_$id." <<END
snapshot=$snapshot
seconds=$(($(date +%s) - started))
version=$version
users=$(found users)
channels=$(found channels)
posts=$(found posts)
fileinfo=$(found fileinfo)
files=$(wants files)
newer=$newer
aside=$aside
database=$kept_database
END
}
