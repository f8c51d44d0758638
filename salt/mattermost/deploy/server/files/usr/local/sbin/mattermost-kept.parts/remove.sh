# Retention: which old versions and copies the settings no longer keep, and how they go; one by hand.

remove() { # remove NAME: a version, or a database with its folder; repeatable
    local place
    if is_version "$1"; then
        rm -rf "${install:?}/$1"
        return
    fi
    place=$(folder_of "$1")
    [ -z "$place" ] || rm -rf "$place" || return 1
    place=$(database_of "$1")
    [ -z "$place" ] || super "DROP DATABASE IF EXISTS \"$place\"" || return 1
    rm -f "$own/messages/$1"
}

forget() { # forget NAME [anyway]
    local name anyway number
    name=${1:-} anyway=${2:-}
    name=${name#"${database}"_}
    take_lock
    find_retained
    grep -qxF "$name" "$scratch/names" "$scratch/versions" || fail 2 "No copy and no old version has the name '$name'. To see their names: mattermost-kept list"
    if ! is_version "$name" && [ "$anyway" != anyway ]; then
        number=$(messages_only_in "$name") || fail 4 "The messages in $name cannot be counted, so $name was not deleted. To delete $name without counting: mattermost-kept forget $name anyway"
        [ "$number" = 0 ] || fail 2 "$name contains $number messages that exist nowhere else, so $name was not deleted. To delete $name with these messages: mattermost-kept forget $name anyway"
    fi
    remove "$name" || fail 4 "$name could not be removed completely. Run the same command again."
    say "removed=$name"
}

take_lock() { # not while a switch is at work or waits for its end
    mkdir -p "$own" || fail 4 "$own cannot be created. Check the disk: df"
    exec 8>"$own/lock"
    flock -w 60 8 || fail 5 "An upgrade, rollback or restart is running, so nothing was deleted. Wait until it has ended, then run the same command again. See: systemctl status mattermost-switch"
    [ ! -e "$journal" ] || fail 5 "An upgrade or rollback was interrupted, so nothing was deleted. To have it finished or rolled back: mattermost-switch wait"
    ! is_open restore || fail 5 "A restore is running or is being rolled back, so nothing was deleted. See: journalctl -u 'mattermost-restore*'"
}

expired() { # names that the settings no longer keep
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

expired_versions() { # those older than the current one beyond `keep`, and newer ones that nobody has gone to for keep_days
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
    [ "${1:-}" = try ] || take_lock
    find_retained
    expired >"$scratch/old"
    while read -r name; do
        number=0
        if [ -n "$keep_messages" ]; then number=$(messages_only_in "$name") || number='an unknown number of'; fi
        if [ "$number" != 0 ]; then
            say "stays=$name holds $number messages that exist nowhere else"
        elif [ "${1:-}" = try ]; then
            say "would=$name"
        elif remove "$name"; then
            say "removed=$name"
        fi
    done <"$scratch/old"
    expired_versions >"$scratch/old"
    while read -r version; do
        if [ "${1:-}" = try ]; then say "would=$version"; else remove "$version" && say "removed=$version"; fi
    done <"$scratch/old"
}
