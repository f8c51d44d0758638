# The backup's database under another name, compared with the manifest.

restore_database() { # restore_database NAME: into a new database of that name, compared with the manifest
    create_beside "$1" | sql postgres 2>"$scratch/error" || give_up failed "The database $1 cannot be made: $(last_error "$scratch/error")" ''
    as_postgres "$bin_dir/pg_restore" --no-owner --no-privileges --role="$role" -1 -h "$socket_dir" -p "$database_port" -d "$1" \
        <"$dump" 2>"$scratch/error" || give_up failed "The dump cannot be restored: $(last_error "$scratch/error")" "Nothing was touched."
    compare "$1" || give_up failed "The restored database differs from the manifest: $differs" "Nothing was touched; try an older backup."
    compare_files "$1"
}

compare() { # compare DATABASE: rows and checksums against the manifest; differs says which
    say "$CENSUS" | sql "$1" >"$scratch/census" 2>"$scratch/error" || { differs=$(last_error "$scratch/error"); return 1; }
    differs=$(while read -r table rest; do
        [ "$rest" = "$(wants "$table")" ] || say "$table has $rest, wanted $(wants "$table")."
    done <"$scratch/census")
    [ -z "$differs" ]
}

found() { awk -v name="$1" '$1 == name { print $2 }' "$scratch/census"; }

drop_database() { one postgres "DROP DATABASE IF EXISTS \"$1\"" >/dev/null 2>&1; }
