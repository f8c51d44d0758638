# The upgrade: the data brought over and counted on both sides, step by step, and its good end.

CENSUS="SELECT format('SELECT %L, count(*), %s FROM %s t',
 $TABLE_NAME,
 CASE WHEN relname IN ('users', 'channels', 'posts', 'fileinfo') THEN '$CHECKSUM' ELSE '0' END, c.oid::regclass)
 FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
\\gexec"

find_role() { role=$(super "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '$database'") && [ -n "$role" ]; } # the database's owner; sets role

census() { # census NAME: the databases, the rows of each table, checksums of the great ones
    find_role &&
        super "SELECT 'databases', string_agg(datname, ',' ORDER BY datname), 0 FROM pg_database" >"$own/$1.new" &&
        say "$CENSUS" | as_role "$database" >>"$own/$1.new" && publish "$own/$1"
}

copy() { # pg_upgrade, which copies; the old cluster is only read
    local scratch rc
    scratch=$(mktemp -d /var/tmp/mattermost-postgresql.XXXXXX) && chown postgres:postgres "$scratch" && chmod 700 "$scratch" || return 1
    cd "$scratch" || return 1
    as_postgres "$new_bin/pg_upgrade" -b "$old_bin" -B "$new_bin" -d "$old_data" -D "$new_data" -p 50432 -P 50433 -U postgres -s "$scratch" \
        -j "$(nproc)" -o "-c config_file=$old_config/postgresql.conf" -O "-c config_file=$new_config/postgresql.conf" >"$own/copy.log" 2>&1
    rc=$?
    cd / && rm -rf "$scratch"
    return "$rc"
}

copy_failure() { grep -v '^[[:space:]]*$' "$own/copy.log" 2>/dev/null | grep -v -i -e 'consult the last few lines' -e '^-*$' -e ' ok$' | tail -n 6; }

start_failure() { # the new cluster's own reason
    local message
    # shellcheck disable=SC2086 # a glob
    message=$(as_postgres timeout 10 cat $new_logs 2>/dev/null | grep -E 'FATAL|PANIC' | tail -n 1)
    say "${message:-see journalctl -u $new_service}"
}

upgrade_command() { command_of mattermost.postgresql mattermost.deploy.postgresql; }

upgrade() { # sets psql, role, outage_start
    local differs
    psql=$old_bin/psql
    [ "$(cat "$own/next" 2>/dev/null)" = "$new_version" ] && [ -e "$new_data/PG_VERSION" ] ||
        { write_report refused "No cluster of PostgreSQL $new_version was prepared for the upgrade." "To prepare a cluster and upgrade, run $(upgrade_command)"; return; }
    super 'SELECT 1' >/dev/null 2>&1 || { write_report refused "PostgreSQL $old_version does not answer." "See: systemctl status $old_service"; return; }
    find_role && as_role "$database" 'SELECT 1' >/dev/null 2>&1 ||
        { write_report refused "The account $SQL_ACCOUNT cannot log in to the database $database as its owner ${role:-(unknown)}." "Run $(deploy_command). Then run $(upgrade_command)"; return; }
    hold_packages "$PATIENCE" ||
        { write_report refused "$(package_manager) is installing packages on this host." "Wait until that has ended. Then run $(upgrade_command)"; return; }
    # the lock of the switch, until `begin` is on disk: neither a switch nor a change of the password begins meanwhile
    mkdir -p "$work/switch" && exec 7>"$work/switch/lock"
    flock -w 60 7 && ! is_open switch || { write_report refused "An upgrade or rollback of Mattermost is running." "Wait for its end: mattermost-switch wait. Then run $(upgrade_command)"; return; }
    ! is_open rotation ||
        { write_report refused "The database password is being changed." "Wait until that has ended. Then run $(upgrade_command). To see the change: systemctl status mattermost-rotate"; return; }
    ! is_moving ||
        { write_report refused "This server is being moved to another host." "Wait until the move has ended. To see it: systemctl status mattermost-move"; return; }
    # nor may a backup or restore, from wherever and for the first time on this host
    mkdir -p "$work/backup" && exec 8>"$work/backup/lock" && flock -n 8 && ! is_open restore ||
        { write_report refused "A backup, restore, drill or change of the backup password is running on this host." "Wait until that has ended. Then run $(upgrade_command). To see what runs: systemctl status mattermost-backup 'mattermost-restore*'"; return; }
    begin "$id" && exec 7>&- || fail 4 "The journal $journal could not be written. Free some space on that disk."
    outage_start=$(uptime_centi)
    stop_server || { roll_back "$service could not be stopped (journalctl -u $service)."; return; }
    record stopped || { roll_back "The journal $journal could not be written. Free some space on that disk."; return; }
    end_sessions "$database" # what a statement keeps of the server's holds up the stop of PostgreSQL, and takes the role's connections
    census before || { roll_back "The rows of each table could not be counted in PostgreSQL $old_version, before the copy. See: journalctl -u mattermost-postgresql"; return; }
    super CHECKPOINT >/dev/null 2>&1
    at_boot old no && stop_cluster old || { roll_back "$old_service could not be stopped (journalctl -u $old_service)."; return; }
    record old-stopped || { roll_back "The journal $journal could not be written. Free some space on that disk."; return; }
    copy || { roll_back "pg_upgrade failed: $(copy_failure)"; return; }
    record copied || { roll_back "The journal $journal could not be written. Free some space on that disk."; return; }
    name_new_cluster && at_boot new yes || { roll_back "The units and settings could not be changed to PostgreSQL $new_version. See: journalctl -u mattermost-postgresql"; return; }
    record switched || { roll_back "The journal $journal could not be written. Free some space on that disk."; return; }
    start_cluster new || { roll_back "PostgreSQL $new_version does not start: $(start_failure)"; return; }
    as_role "$database" 'ANALYZE' >/dev/null 2>&1 # no statistics come along, and without them queries are slow
    census after || { roll_back "The rows of each table could not be counted in PostgreSQL $new_version, after the copy. See: journalctl -u mattermost-postgresql"; return; }
    differs=$(diff "$own/before" "$own/after" | sed -n 's/^[<>] //p' | head -n 2)
    [ -z "$differs" ] || { roll_back "The data in the new cluster differs from the data in the old one: $differs"; return; }
    record serving || { roll_back "The journal $journal could not be written. Free some space on that disk."; return; }
    start_server || { roll_back "The Mattermost server did not start with PostgreSQL $new_version: $why"; return; }
    record healthy || { roll_back "The journal $journal could not be written. Free some space on that disk."; return; }
    finish
}

finish() {
    keep "$old_version" "$new_version" "$old_data" "$old_config"
    rm -f "$own/next"
    write_report 'done' "PostgreSQL $new_version serves the same data: $(awk '$1 == "posts" { print $2 }' "$own/before" 2>/dev/null) messages, and in every other table as many rows as before." \
        "PostgreSQL $old_version is stopped and kept in $old_data ($(du -sm "$old_data" | cut -f1) MiB). To delete the old cluster when nobody needs it: mattermost-postgresql forget $old_version"
    rm -rf "$saved" # before the journal closes: the next upgrade would go back to these
    close_journal
}
