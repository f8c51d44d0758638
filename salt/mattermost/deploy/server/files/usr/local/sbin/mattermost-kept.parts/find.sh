# What there is: $scratch/databases, folders, names and versions, and what each of them is.

retained_databases() { # lines: KIND_ID DATABASE KIB
    local short shorter
    short=$(say "$database" | cut -c1-40)
    shorter=$(say "$database" | cut -c1-38)
    super "SELECT substring(datname FROM '[a-z]+_[0-9]{14}\$') || ' ' || datname || ' ' || pg_database_size(oid) / 1024 FROM pg_database
        WHERE datname ~ '^${short}_(before|failed|newer)_[0-9]{14}\$' AND shobj_description(oid, 'pg_database') LIKE 'mattermost-switch: %'
        OR datname ~ '^${shorter}_replaced_[0-9]{14}\$'"
}

retained_folders() { # lines: KIND_ID FOLDER
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

find_retained() { # $scratch/databases, folders, names (newest first), versions (newest first, but the current one)
    local now folder version
    retained_databases >"$scratch/databases" || fail 4 "PostgreSQL does not answer, so its databases cannot be listed. See: systemctl status 'postgresql*'"
    retained_folders >"$scratch/folders"
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

describe() { # describe KIND_ID: in words
    local facts
    facts=$(folder_of "$1")/facts
    case $1 in
        before_*) say "of $(value_of "$facts" from), before the upgrade to $(value_of "$facts" to)" ;;
        newer_*) say "of $(value_of "$facts" from), replaced by a rollback to $(value_of "$facts" to)" ;;
        failed_*) say "left by a failed upgrade or rollback" ;;
        replaced_*) say "replaced by a restore or a move" ;;
    esac
}

messages_only_in() { # messages_only_in KIND_ID: how many the server's database lacks; counted once, but none may become some by a restore
    local counted number place
    counted=$own/messages/$1
    number=$(cat "$counted" 2>/dev/null)
    if [ "${number:-0}" = 0 ]; then
        rm -f "$counted"
        place=$(database_of "$1")
        [ -n "$place" ] || { say 0; return; }
        number=$(only_in posts "$place" "$database") || return 1
        [ "$number" = 0 ] || { mkdir -p "$own/messages" && say "$number" >"$counted"; }
    fi
    say "$number"
}

list() {
    local name folder kib version
    find_retained
    while read -r name; do
        folder=$(folder_of "$name")
        kib=$(awk -v name="$name" '$1 == name { print $3 }' "$scratch/databases")
        [ -z "$folder" ] || kib=$((${kib:-0} + $(du -sk "$folder" | cut -f1)))
        say "$name: $(days_of "$name") days, $(((kib + 1023) / 1024)) MiB, $(describe "$name")"
        [ ! -e "$own/messages/$name" ] || say "  holds $(cat "$own/messages/$name") messages that exist nowhere else"
    done <"$scratch/names"
    while read -r version; do
        say "$version: $(days_old "$(stat -c %Z "$install/$version")") days, $(($(du -sk "$install/$version" | cut -f1) / 1024)) MiB, version"
    done <"$scratch/versions"
}
