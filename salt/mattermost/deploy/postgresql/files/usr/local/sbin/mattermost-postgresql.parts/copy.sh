# The data brought over, and counted on both sides.

CENSUS="SELECT 'databases', string_agg(datname, ',' ORDER BY datname), 0 FROM pg_database;
SELECT format('SELECT %L, count(*), %s FROM %s t', c.oid::regclass,
 CASE WHEN relname IN ('users', 'channels', 'posts', 'fileinfo') THEN 'coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)' ELSE '0' END, c.oid::regclass)
 FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
\\gexec"

census() { say "$CENSUS" | sql "$database" >"$own/$1.new" && publish "$own/$1"; } # census NAME: rows of each table, checksums of the great ones

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

last_words() { grep -v '^[[:space:]]*$' "$own/copy.log" 2>/dev/null | grep -v -i -e 'consult the last few lines' -e '^-*$' -e ' ok$' | tail -n 6; }

why_not() { # the new cluster's own reason
    local told
    # shellcheck disable=SC2086 # a glob
    told=$(cat $new_logs 2>/dev/null | grep -E 'FATAL|PANIC' | tail -n 1)
    say "${told:-see journalctl -u $new_service}"
}
