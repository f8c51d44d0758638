# What is backed up: the files as they lie there, the database at one instant, and the manifest of both.

list_files() { # what the server has stored, one line a file: bytes, name; it goes on serving, so one may go away while they are listed
    local rc
    # each look of its own at its health makes data/testfile and removes it
    rc=$({ {
        # nothing of a server's lies as deep: the paths of folders in one another grow with the square of their number, and would fill the disk
        find "$state/data" -maxdepth 64 -type f ! -path "$state/data/testfile" -printf '%s %P\0' 2>"$scratch/error"
        say "$?" >&3
    } | { as_lines >"$staging/files" || say 2 >&3; }; } 3>&1)
    [ "$rc" = 0 ] && return
    [ "$rc" = 1 ] && [ -d "$state/data" ] && [ -s "$scratch/error" ] && ! grep -qv ': No such file or directory$' "$scratch/error" ||
        give_up refused "The files in $state/data cannot be listed: $(last_error "$scratch/error")" "Check that directory and its disk: ls -ld $state/data; df"
}

refuse_unreadable() { # what somebody else put into the database and the role may not read would be missing in its dump
    as_role "$database" >"$scratch/unreadable" 2>"$scratch/error" <<END ||
SET search_path = pg_catalog;
$UNREADABLE;
END
        give_up failed "The account $SQL_ACCOUNT cannot log in to the database $database as the role $role: $(last_error "$scratch/error")" \
            "Check PostgreSQL: systemctl status 'postgresql*'. If PostgreSQL is running, deploy again: run $(deploy_command)"
    [ ! -s "$scratch/unreadable" ] || give_up refused "A backup would be incomplete, because the role $role cannot read: $(cat "$scratch/unreadable")." \
        "For each table, run in the database $database: ALTER TABLE ... OWNER TO $role (or GRANT SELECT ON ... TO $role), and GRANT USAGE ON SCHEMA ... TO $role. Or move the table to another database."
}

refuse_odd_census() { # these lines become the manifest, by which root counts later
    local number="(0|[1-9][0-9]{0,17})" row
    row="($(say "$COUNTED" | tr ' ' '|')) $number -?[0-9]{1,60}"
    [ "$(grep -cxE "schema $number?|(newest|postgresql) $number|post ($POST_FORM)|$row" "$staging/census")" = 8 ] && [ "$(wc -l <"$staging/census")" = 8 ] &&
        [ "$(cut -d' ' -f1 "$staging/census" | sort -u | wc -l)" = 8 ] ||
        give_up failed "The database $database returned unexpected row counts: $(head -c 300 "$staging/census")" "Check the functions, views and rules in that database. Some of them are not Mattermost's."
}

dump_database() { # counts and dump of the same instant, although the server goes on writing; ten minutes for what holds a lock on a table
    local rc
    as_role "$database" 3>"$staging/database.dump" 4>"$staging/dump-status" 2>"$scratch/error" >"$staging/census" <<END
SET lock_timeout = 600000;
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout') \\g /dev/null
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \\gset
\\setenv SNAPSHOT :snapshot
SELECT 'schema', max(version)::bigint FROM db_migrations;
SELECT 'newest', coalesce(max(createat), 0) FROM posts;
SELECT 'postgresql', current_setting('server_version_num');
$(census_queries)
\\! "$bin_dir/pg_dump" -U "$role" -Fc -Z $compression --lock-wait-timeout=600000 --snapshot="\$SNAPSHOT" -h "$socket_dir" -p "$database_port" "$database" >&3 4>&- </dev/null; echo \$? >&4
COMMIT;
END
    rc=$?
    [ "$rc" = 0 ] && [ "$(cat "$staging/dump-status")" = 0 ] ||
        give_up failed "The database $database could not be dumped: $(last_error "$scratch/error")" "Check PostgreSQL and its disk: systemctl status 'postgresql*'; df"
    rm -f "$staging/dump-status"
    refuse_odd_census
}

count() { awk -v name="$1" '$1 == name { print $2 }' "$staging/census"; }

refuse_incomplete() { # a backup that looks whole and is not is worse than none; sets driver, stored
    local table
    runuser -u "$SQL_ACCOUNT" -- "$bin_dir/pg_restore" --list <"$staging/database.dump" >"$scratch/contents" 2>"$scratch/error" ||
        give_up refused "The dump of the database cannot be read back: $(last_error "$scratch/error")" "Check the disk of $own: df"
    for table in $COUNTED; do
        grep -q "TABLE DATA [^ ]* $table " "$scratch/contents" ||
            give_up refused "The dump contains no table $table." "Check that $database (mattermost:database:name) is the server's database."
    done
    [ -s "$config" ] || give_up refused "$config is missing or empty." "To restore that file, run on the host: mattermost-backup restic dump --host $name latest $config >$config; then run $(deploy_command)"
    driver=$(config_value "$config" FileSettings DriverName)
    [ "${driver:-local}" = local ] || return 0
    stored=$(wc -l <"$staging/files")
    if [ "$(count fileinfo)" -gt 0 ] && [ "$stored" = 0 ]; then
        give_up refused "The database lists $(count fileinfo) files, but $state/data has none." "Check that the disk with the files is mounted there."
    fi
}

write_manifest() {
    {
        say "format=1"
        say "name=$name"
        say "version=$version"
        say "edition=$(runuser -u "$user" -- "$install/current/bin/mattermost" version 2>/dev/null | sed -n 's/^Build Enterprise Ready: *//p' | sed 's/^false$/team/; s/^true$/enterprise/')"
        say "platform=$platform"
        say "state=$state"
        say "settings=$settings"
        say "store=${driver:-local}"
        say "dump_bytes=$(stat -c %s "$staging/database.dump")"
        say "dump_sha256=$(sha256sum <"$staging/database.dump" | cut -d' ' -f1)"
        say "files=$stored"
        say "files_bytes=$(awk '{ n += $1 } END { printf "%d", n }' "$staging/files")"
        say "keys=$(keys_fingerprint "$config")"
        sed 's/ /=/' "$staging/census"
    } >"$staging/manifest"
    grep -q '^posts=[0-9]' "$staging/manifest" || give_up failed "The manifest could not be written." "Check the disk of $own: df"
}
