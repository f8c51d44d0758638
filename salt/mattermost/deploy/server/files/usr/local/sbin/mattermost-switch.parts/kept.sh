# What upgrades, going back and restores keep aside: to be listed, removed by hand, and removed when the settings say so.
#
# Each is named KIND_ID, ID the time: before (an upgrade: database unless it had no migration, and configuration), failed (the database
# that a failed switch left), newer (what going back replaced), replaced (what a restore replaced: database and files); and old
# versions by their number. What holds messages that the server's database lacks goes by itself only when keep_messages is empty.

kept_databases() { # lines: KIND_ID DATABASE KIB
    local short shorter
    short=$(say "$database" | cut -c1-40)
    shorter=$(say "$database" | cut -c1-38)
    one postgres "SELECT substring(datname FROM '[a-z]+_[0-9]{14}\$') || ' ' || datname || ' ' || pg_database_size(oid) / 1024 FROM pg_database
        WHERE datname ~ '^${short}_(before|failed|newer)_[0-9]{14}\$' AND shobj_description(oid, 'pg_database') LIKE 'mattermost-switch: %'
        OR datname ~ '^${shorter}_replaced_[0-9]{14}\$'"
}

kept_folders() { # lines: KIND_ID FOLDER
    local folder number
    for folder in "$own"/before/* "$own"/newer/* "$state"/replaced-*; do
        [ -d "$folder" ] || continue
        number=${folder##*[/-]}
        case $folder in
            "$own"/before/*) number=before_$number ;;
            "$own"/newer/*) number=newer_$number ;;
            *) number=replaced_$number ;;
        esac
        say "$number $folder"
    done
}

look_for_kept() { # $scratch/databases, folders, names (newest first), versions (newest first, but the current one)
    local now folder version
    kept_databases >"$scratch/databases" || fail 4 "PostgreSQL does not say which databases it has."
    kept_folders >"$scratch/folders"
    cut -d' ' -f1 "$scratch/databases" "$scratch/folders" | sort -u | sort -t_ -k2r >"$scratch/names"
    now=$(current)
    for folder in "$install"/*; do
        version=${folder##*/}
        ! is_version "$version" || [ "$version" = "$now" ] || say "$version"
    done | sort -t. -k1,1nr -k2,2nr -k3,3nr >"$scratch/versions"
}

database_of() { awk -v name="$1" '$1 == name { print $2 }' "$scratch/databases"; }

folder_of() { awk -v name="$1" '$1 == name { print $2 }' "$scratch/folders"; }

days_old() { # days_old SECONDS-SINCE-1970
    say $((($(date +%s) - $1) / 86400))
}

days_of() { # days_of KIND_ID
    local number
    number=${1##*_}
    days_old "$(date -u -d "$(say "$number" | cut -c1-8) $(say "$number" | cut -c9-10):$(say "$number" | cut -c11-12)" +%s)"
}

what_is() { # what_is KIND_ID: in words
    local facts
    facts=$(folder_of "$1")/facts
    case $1 in
        before_*) say "of $(value_of "$facts" from), before the upgrade to $(value_of "$facts" to)" ;;
        newer_*) say "of $(value_of "$facts" from), replaced by going back to $(value_of "$facts" to)" ;;
        failed_*) say "left by a failed switch" ;;
        replaced_*) say "replaced by a restore" ;;
    esac
}

messages_only_in() { # messages_only_in KIND_ID: how many the server's database lacks; counted once, but none may become some by a restore
    local known number place
    known=$own/messages/$1
    number=$(cat "$known" 2>/dev/null)
    if [ "${number:-0}" = 0 ]; then
        rm -f "$known"
        place=$(database_of "$1")
        [ -n "$place" ] || { say 0; return; }
        number=$(only_in posts "$place" "$database") || return 1
        [ "$number" = 0 ] || { mkdir -p "$own/messages" && say "$number" >"$known"; }
    fi
    say "$number"
}

kept() {
    local name folder kib version
    look_for_kept
    while read -r name; do
        folder=$(folder_of "$name")
        kib=$(awk -v name="$name" '$1 == name { print $3 }' "$scratch/databases")
        [ -z "$folder" ] || kib=$((${kib:-0} + $(du -sk "$folder" | cut -f1)))
        say "$name: $(days_of "$name") days, $(((kib + 1023) / 1024)) MiB, $(what_is "$name")"
        [ ! -e "$own/messages/$name" ] || say "  holds $(cat "$own/messages/$name") messages that are nowhere else"
    done <"$scratch/names"
    while read -r version; do
        say "$version: $(days_old "$(stat -c %Z "$install/$version")") days, $(($(du -sk "$install/$version" | cut -f1) / 1024)) MiB, version"
    done <"$scratch/versions"
}

remove() { # remove NAME: a version, or a database with its folder; repeatable
    local place
    if is_version "$1"; then
        rm -rf "${install:?}/$1"
        return
    fi
    place=$(folder_of "$1")
    [ -z "$place" ] || rm -rf "$place" || return 1
    place=$(database_of "$1")
    [ -z "$place" ] || one postgres "DROP DATABASE IF EXISTS \"$place\"" || return 1
    rm -f "$own/messages/$1"
}

forget() { # forget NAME [anyway]
    local name anyway number
    name=${1:-} anyway=${2:-}
    name=${name#"${database}"_}
    alone
    look_for_kept
    grep -qxF "$name" "$scratch/names" "$scratch/versions" || fail 2 "There is no ${name:-name} to forget; mattermost-switch kept shows what there is."
    if ! is_version "$name" && [ "$anyway" != anyway ]; then
        number=$(messages_only_in "$name") || fail 4 "The messages in $name cannot be counted; with the word anyway it is removed nevertheless."
        [ "$number" = 0 ] || fail 2 "$name holds $number messages that are nowhere else: mattermost-switch forget $name anyway."
    fi
    remove "$name" || fail 4 "$name could not be removed whole; try again."
    say "removed=$name"
}

alone() { # not while a switch is at work or waits for its end
    mkdir -p "$own" || fail 4 "$own cannot be made."
    exec 8>"$own/lock"
    flock -w 60 8 || fail 4 "Another switch is at work."
    [ ! -e "$journal" ] || fail 5 "A switch was interrupted; mattermost-switch wait ends it."
    [ ! -e "$work/backup/open" ] || fail 5 "A restore is at work or is being undone; see mattermost-restore status."
}

too_old() { # names that the settings no longer keep
    local left newest_failed name
    left=$keep newest_failed=''
    while read -r name; do
        case $name in
            before_*)
                [ "$left" -le 0 ] || { left=$((left - 1)); continue; }
                ;;
            failed_*)
                if [ -z "$newest_failed" ]; then
                    newest_failed=$name
                    [ "$(days_of "$name")" -ge "$keep_days" ] || continue
                fi
                ;;
            *) [ "$(days_of "$name")" -ge "$keep_days" ] || continue ;;
        esac
        say "$name"
    done <"$scratch/names"
}

versions_too_old() { # those older than the current one beyond `keep`, and newer ones that nobody has gone to for keep_days
    local now left version
    now=$(current) left=$keep
    while read -r version; do
        if is_older "$version" "${now:-0.0.0}"; then
            left=$((left - 1))
            [ "$left" -lt 0 ] || continue
        elif [ -z "$now" ] || [ "$(days_old "$(stat -c %Z "$install/$version")")" -lt "$keep_days" ]; then
            continue
        fi
        grep -qsxF "from=$version" "$own"/before/*/facts "$own"/newer/*/facts || say "$version"
    done <"$scratch/versions"
}

prune() { # prune [try]
    local name number version
    [ "${1:-}" = try ] || alone
    look_for_kept
    too_old >"$scratch/old"
    while read -r name; do
        number=0
        if [ -n "$keep_messages" ]; then number=$(messages_only_in "$name") || number='an unknown number of'; fi
        if [ "$number" != 0 ]; then
            say "stays=$name holds $number messages that are nowhere else"
        elif [ "${1:-}" = try ]; then
            say "would=$name"
        elif remove "$name"; then
            say "removed=$name"
        fi
    done <"$scratch/old"
    versions_too_old >"$scratch/old"
    while read -r version; do
        if [ "${1:-}" = try ]; then say "would=$version"; else remove "$version" && say "removed=$version"; fi
    done <"$scratch/old"
}
