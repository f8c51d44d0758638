# A backup found, judged and fetched; nothing of the server is touched.

newest_snapshot() { # newest_snapshot FILE LATER: the number of the newest, but of none that a clock which was ahead dated after LATER
    local time number run epoch newest="0" found="" later="$2"
    tr ',' '\n' <"$1" | sed -n 's/.*"\(time\|short_id\)":"\([^"]*\)".*/\1 \2/p; s/^"\(run-[0-9-]*\)".*/run \1/p' |
        awk '$1 == "time" { time = $2; run = "-" } $1 == "run" { run = $2 } $1 == "short_id" { print time, $2, run }' >"$scratch/snapshots"
    while read -r time number run; do
        epoch=$(date -d "$time" +%s 2>/dev/null) || continue
        if [ "$epoch" -gt "$later" ]; then
            say "Backup $number is skipped: its date ($time) is in the future." >&2
        elif rejected "$number" || rejected "$run"; then
            say "Backup $number is skipped: it may contain files that are not the server's." >&2
            say "$number" >"$scratch/passed"
        elif [ "$epoch" -ge "$newest" ]; then
            newest=$epoch found=$number
        fi
    done <"$scratch/snapshots"
    say "$found"
}

find_snapshot() { # find_snapshot NAME: sets snapshot
    local later="999999999999"
    case $1 in
        latest) set -- --tag mattermost --host "$name" && later=$(($(date +%s) + 3600)) ;;
        *[!0-9a-f]* | '') give_up refused "$1 is not the number of a backup." "To list the numbers: mattermost-backup list" ;;
    esac
    restic_says snapshots --json "$@" >"$scratch/found" ||
        give_up failed "The backup repository cannot be opened: $(last_error "$scratch/error")" "Check mattermost:backup:repository and mattermost:backup:password (on this host in $RESTIC_PASSWORD_FILE)."
    rm -f "$scratch/passed"
    snapshot=$(newest_snapshot "$scratch/found" "$later")
    [ -n "$snapshot" ] || [ ! -e "$scratch/passed" ] ||
        give_up refused "The backup $(cat "$scratch/passed") may contain files that are not the server's." "Restore another backup. To list the backups: mattermost-backup list"
    [ -n "$snapshot" ] || give_up refused "The repository has no such backup of $name." "To list the backups of that name: mattermost-backup list. To list those of all names: mattermost-backup restic snapshots"
}

refuse_manifest() { # refuse_manifest KEY
    give_up refused "In the manifest of the backup $snapshot, the value of $1 is not valid: '$(in_manifest "$1")'." "mattermost-backup did not make that manifest, or somebody changed it later. Try another backup."
}

read_manifest() { # what is in it comes from the repository, and some of it from the database before: nothing is counted with before it is looked at
    local present key
    restic_says dump "$snapshot" "$staging/manifest" >"$manifest" ||
        give_up refused "The backup $snapshot has no manifest: $(last_error "$scratch/error")" "mattermost-backup did not make that backup, or made it on a host with other paths. Try another backup."
    [ "$(in_manifest format)" = 1 ] || give_up refused "Backup $snapshot has format $(in_manifest format), which this version of the bundle does not support." "Deploy this host with a newer version of the bundle."
    for key in postgresql newest dump_bytes files_bytes files; do
        is_number "$(in_manifest "$key")" || refuse_manifest "$key"
    done
    is_number "$(in_manifest posts | cut -d' ' -f1)" || refuse_manifest posts
    case $(in_manifest version) in '' | *[!0-9.]*) refuse_manifest version ;; esac
    [ "$(in_manifest state)" = "$state" ] && [ "$(in_manifest settings)" = "$settings" ] ||
        give_up refused "The backup comes from a host with the directories $(in_manifest state) and $(in_manifest settings). This host has $state and $settings." "Restore on a new host (docs/restore.md), with mattermost:paths:state set to $(in_manifest state) and mattermost:paths:settings set to $(in_manifest settings)."
    [ "$(in_manifest edition)" != enterprise ] || [ "$(enterprise_ready "$install/current")" = true ] ||
        give_up refused "Backup $snapshot comes from the Enterprise Edition, and this host has the Team Edition." "Set mattermost:release:edition: enterprise, deploy a new host with that setting, and restore on the new host."
    present=$(super "SELECT current_setting('server_version_num')") || give_up failed "PostgreSQL does not answer." "Check PostgreSQL: systemctl status 'postgresql*'"
    [ $((present / 10000)) -ge $(($(in_manifest postgresql) / 10000)) ] ||
        give_up refused "The backup comes from PostgreSQL $(($(in_manifest postgresql) / 10000)), and this host has PostgreSQL $((present / 10000))." "Restore on a host with the same or a newer PostgreSQL."
}

in_manifest() { value_of "$manifest" "$1"; }

check_room() { # check_room DIRECTORY
    local wanted room data
    wanted=$((($(in_manifest dump_bytes) + $(in_manifest files_bytes)) / 1024 + 65536))
    room=$(kib_free "$1")
    [ "$room" -gt "$wanted" ] || give_up refused "The backup needs $((wanted / 1024)) MiB in $1, and only $((room / 1024)) MiB are free." "Free some space on that disk."
    data=$(super 'SHOW data_directory')
    wanted=$(($(in_manifest dump_bytes) * 2 / 1024 + 65536))
    room=$(kib_free "$data")
    [ "$room" -gt "$wanted" ] || give_up refused "The database needs about $((wanted / 1024)) MiB in $data, and only $((room / 1024)) MiB are free." "Free some space on that disk."
}

fetch() { # fetch DIRECTORY: the backup's tree below it; sets fetched, dump
    fetched=$1
    rm -f "$scratch/read"
    { restic_says dump "$snapshot" / && : >"$scratch/read"; } | unpack "$fetched" 2>"$scratch/unpacked" && [ -e "$scratch/read" ] ||
        give_up failed "The backup $snapshot cannot be read completely: $(last_error "$scratch/unpacked") $(last_error "$scratch/error")" \
            "Check the free space in $(dirname "$fetched"). To find damage in the repository, run: mattermost-backup check. Or try an older backup."
    dump=$fetched$staging/database.dump
    [ "$(sha256sum <"$dump" 2>/dev/null | cut -d' ' -f1)" = "$(in_manifest dump_sha256)" ] ||
        give_up failed "The dump in the backup $snapshot does not match its manifest." "Try an older backup."
    [ "$(keys_fingerprint "$fetched$state/config/config.json")" = "$(in_manifest keys)" ] ||
        give_up failed "The keys in config.json of the backup $snapshot do not match its manifest." "Try an older backup."
    [ "$(wc -l <"$fetched$staging/files")" = "$(in_manifest files)" ] ||
        give_up failed "The list of files in the backup $snapshot does not match its manifest." "Try an older backup."
}

names() { # names DATABASE: the stored files that its messages name
    as_role "$1" <<'END'
SELECT count(*) = 2 AS previews FROM pg_attribute WHERE attrelid = 'fileinfo'::regclass AND attname IN ('thumbnailpath', 'previewpath') \gset
\set FETCH_COUNT 10000
SELECT regexp_replace(path, '^[./]*/', '') FROM fileinfo WHERE deleteat = 0 AND path <> '';
\if :previews
SELECT regexp_replace(stored, '^[./]*/', '') FROM fileinfo, unnest(ARRAY[thumbnailpath, previewpath]) stored WHERE deleteat = 0 AND stored <> '';
\endif
END
}

compare_files() { # compare_files DATABASE: what was stored when it was dumped and it names is there, in its length
    local missing
    find "$fetched$state/data" -maxdepth 64 -type f -printf '%s %P\0' 2>/dev/null | as_lines | sort >"$scratch/have"
    sort "$fetched$staging/files" | comm -23 - "$scratch/have" | cut -d' ' -f2- | sort >"$scratch/differ"
    names "$1" >"$scratch/named" 2>"$scratch/error" ||
        give_up failed "The list of files in the database $1 cannot be read: $(last_error "$scratch/error")" "Nothing was changed. Check PostgreSQL: systemctl status 'postgresql*'"
    missing=$(sort "$scratch/named" | comm -12 - "$scratch/differ" | head -n 1)
    [ -z "$missing" ] || give_up failed "Files are missing or incomplete in the backup. The first is $missing." "Nothing was changed. Try an older backup."
    # a new profile picture, an export: the server went on while it was copied
    [ ! -s "$scratch/differ" ] ||
        say "Files that changed or disappeared during the backup: $(($(wc -l <"$scratch/differ"))). That is normal: no message needs them. The first is $(head -n 1 "$scratch/differ")."
}

inspect() { # inspect SNAPSHOT: what whoever starts a restore has to know first
    local manifest="$scratch/manifest" report="$scratch/report" # the last restore's own stays
    if (find_snapshot "$1" && read_manifest && printf '%s\n' "snapshot=$snapshot" "version=$(in_manifest version)") >"$scratch/looked" 2>&1; then
        cat "$scratch/looked"
        say "here=$(readlink "$install/current")"
    else
        cat "$report" "$scratch/looked"
        exit 2
    fi
}
