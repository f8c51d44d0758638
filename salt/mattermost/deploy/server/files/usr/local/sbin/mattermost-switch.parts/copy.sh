# The safety copy of the database: made, put back, put aside, dropped.

copy_name() { # copy_name before|failed|newer ID
    say "$(say "$database" | cut -c1-40)_$1_$2"
}

check_room() { # before anything is stopped: the copy must fit; sets size (KiB), and why when it does not
    local free needed
    size=$(super "SELECT pg_database_size('$database') / 1024") || return 1
    needed=$((size + size / 10 + 65536))
    free=$(df -Pk "$(super 'SHOW data_directory')" | awk 'NR == 2 { print $4 }') || return 1
    [ "$free" -gt "$needed" ] && return 0
    why="The safety copy of the database needs $((needed / 1024)) MiB on PostgreSQL's disk, and only $((free / 1024)) MiB are free. Free some space on that disk."
    return 1
}

no_migrations() { # the new version's own word that the database has all its migrations; the running server lends its environment
    local line
    ! is_older "$to" 8.0.0 || return 1
    inspect_service
    [ "${pid:-0}" != 0 ] || return 1
    (
        tr '\0' '\n' <"/proc/$pid/environ" >"$scratch/environ" || exit 1
        while IFS= read -r line; do
            case $line in MM_*=*) export "${line?}" ;; esac
        done <"$scratch/environ"
        rm -f "$scratch/environ"
        cd "$install/$to" &&
            timeout 60 runuser -u "$(stat -c %U "$config")" -- "$install/$to/bin/mattermost" db migrate --dry-run </dev/null 2>/dev/null
    ) | grep -qx 'No migrations to apply\.'
}

choose_strategy() { # sets strategy: from some size on it is quicker to copy the files; PostgreSQL before 15 knows nothing else
    local number
    strategy=''
    [ "${size:-0}" -gt 102400 ] || return 0
    number=$(super 'SHOW server_version_num') && [ "${number:-0}" -ge 150000 ] || return 0
    strategy=' STRATEGY file_copy'
    super CHECKPOINT # now, while the server still serves, so that the one that a copy begins with is short
}

copy_database() { # copy_database NAME WORDS: the server's database under another name; sets error when it fails
    local name="$1" attempt
    for attempt in 1 2 3 4 5; do
        end_sessions "$database"
        error=$(super "CREATE DATABASE \"$name\" TEMPLATE \"$database\" OWNER \"$role\"$strategy" 2>&1) && break
        case $error in *'being accessed'*) [ "$attempt" != 5 ] || return 1 ;; *) return 1 ;; esac
        sleep 1
    done
    { say "COMMENT ON DATABASE \"$name\" IS 'mattermost-switch: $2';"; database_properties "$name"; } | super
}

drop_copy() { # drop_copy NAME: one that was not finished; still being made, it outlives the program that asked for it
    local name="$1"
    super "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE \"$name\"%' AND pid <> pg_backend_pid()" >/dev/null &&
        super "DROP DATABASE IF EXISTS \"$name\""
}

exchange() { # exchange ASIDE NAME COMMENT: the database goes aside, NAME takes its place, in one transaction; repeatable
    local attempt
    has_database "$2"
    case $? in
        1) return 0 ;; # done before
        2) return 1 ;;
    esac
    for attempt in 1 2 3 4 5; do
        end_sessions "$database"
        end_sessions "$2"
        super <<END && return 0
BEGIN;
SELECT format('COMMENT ON DATABASE %I IS %L', '$2', shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = '$database'
\gexec
COMMENT ON DATABASE "$database" IS '$3';
ALTER DATABASE "$database" RENAME TO "$1";
ALTER DATABASE "$2" RENAME TO "$database";
COMMIT;
END
        [ "$attempt" = 5 ] || sleep 1
    done
    return 1
}

failed_name() { # under which the database of a failed switch is kept
    if recorded swapping; then copy_name before "$source"; else copy_name failed "$id"; fi
}

roll_back_database() { # what a failed switch did to the database is undone; it is kept as $failed_database
    local saved
    saved=$(copy_name before "$id")
    [ "$kind" != back ] || saved=$(copy_name newer "$id")
    if recorded swapping; then
        exchange "$failed_database" "$saved" "mattermost-switch: $to before $from"
    elif recorded copied; then
        exchange "$failed_database" "$saved" "mattermost-switch: left by the failed change to $to"
    else
        drop_copy "$saved"
    fi
}

drop_failed() { # drop_failed KEEP: what failed switches left goes but the newest; never messages that are nowhere else
    local name
    super "SELECT datname FROM pg_database WHERE datname ~ '^$(say "$database" | cut -c1-40)_failed_[0-9]{14}\$'
        AND shobj_description(oid, 'pg_database') LIKE 'mattermost-switch: %' ORDER BY datname DESC OFFSET $1" >"$scratch/failed" || return
    while read -r name; do
        [ "$(only_in posts "$name" "$database")" != 0 ] || super "DROP DATABASE IF EXISTS \"$name\""
    done <"$scratch/failed"
}

schema() { # schema DATABASE: which migrations it has had
    local found
    found=$(role_value "$1" "SELECT md5(string_agg(version::text, ',' ORDER BY version)) FROM db_migrations") || return
    case $found in *[!0-9a-f]*) return 1 ;; esac
    say "$found"
}

posted_to_failed() { # how many messages the new version took, nothing where that cannot be asked; in what is kept, where they are also after a kill
    local epoch
    epoch=$(sed -n 's/^started \([0-9]*\) .*/\1/p' "$journal")
    [ -z "$epoch" ] || role_number "$failed_database" "SELECT count(*) FROM posts WHERE createat > $epoch * 1000::bigint" 2>/dev/null
}
