# The backup's database under another name, compared with the manifest.

restore_database() { # restore_database NAME: into a new database of that name, compared with the manifest
    local differs
    create_like_current "$1" | super 2>"$scratch/error" || give_up failed "The database $1 cannot be created: $(last_error "$scratch/error")" "Nothing was changed. Check PostgreSQL: systemctl status 'postgresql*'"
    role_client pg_restore --no-owner --no-privileges -1 -d "$1" \
        <"$dump" 2>"$scratch/error" || give_up failed "The dump in the backup cannot be restored: $(last_error "$scratch/error")" "Nothing was changed. Check PostgreSQL and its disk: systemctl status 'postgresql*'; df"
    compare "$1"
    case $? in
        0) ;;
        2) give_up failed "The restored database could not be compared with the manifest of the backup: $differs" "Nothing was changed. Check PostgreSQL: systemctl status 'postgresql*'" ;;
        *) give_up failed "The restored database differs from the manifest of the backup: $differs" "Nothing was changed. Try an older backup." ;;
    esac
    compare_files "$1"
}

compare() { # compare DATABASE: rows and checksums against the manifest; sets differs; 2: PostgreSQL refused
    local table rest wanted
    census_queries | as_role "$1" >"$scratch/census" 2>"$scratch/error" || { differs=$(last_error "$scratch/error"); return 2; }
    differs=$(while read -r table rest; do
        case " $COUNTED post " in *" $table "*) ;; *) say "The database returned unexpected row counts."; continue ;; esac # the role's words
        wanted=$(in_manifest "$table")
        [ "$rest" = "$wanted" ] || { [ "$table" = post ] && [ -z "$wanted" ]; } || # a backup of an older bundle names none
            say "$table has $rest in the restored database and $wanted in the manifest."
    done <"$scratch/census")
    for table in $COUNTED; do [ -n "$(in_database "$table")" ] || differs="$differs $table was not counted."; done
    [ -z "$differs" ]
}

in_database() { awk -v name="$1" '$1 == name { print $2 }' "$scratch/census"; }

drop_database() { end_sessions "$1" 2>/dev/null; super "DROP DATABASE IF EXISTS \"$1\"" >/dev/null 2>&1; }

drop_restored() { # drop_restored DATABASE: one that a restore made; with messages that were posted to it, it is kept instead
    local number epoch posted
    number=${1##*_}
    epoch=$(date -u -d "$(say "$number" | sed 's/\(....\)\(..\)\(..\)\(..\)\(..\)\(..\)/\1-\2-\3 \4:\5:\6/')" +%s) || return 1
    posted=$(role_value "$1" "SELECT to_regclass('posts') IS NOT NULL") || return 1
    [ "$posted" = f ] || posted=$(role_value "$1" "SELECT count(*) <> 0 FROM posts WHERE createat > $epoch * 1000::bigint") || return 1
    if [ "$posted" = f ]; then
        drop_database "$1"
    else
        rename_database "$1" "${1%_restored_*}_replaced_$number"
    fi
}

remove_leftovers() { # what a restore or a drill left that was killed, or cut by the power: the directory last, for while it is there, the boot comes here again
    local leftover
    super "SELECT datname FROM pg_database WHERE datname ~ '^$(say "$database" | cut -c1-38)_restored_[0-9]{14}\$'" >"$scratch/left" || return 1
    while read -r leftover; do drop_restored "$leftover" </dev/null || return 1; done <"$scratch/left"
    drop_database "${database}_drill" || return 1
    rm -rf "$state"/.restore-* "$own/drill"
}
