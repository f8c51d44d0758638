# Questions to PostgreSQL.

sql() { # sql DATABASE: statements on standard input, values on standard output
    runuser -u postgres -- "$psql" -XAtq -v ON_ERROR_STOP=1 -h "$socket_dir" -p "$database_port" -d "$1" -f -
}

one() { # one DATABASE STATEMENT: its one value
    say "$2" | sql "$1"
}

wait_for_database() { # wait_for_database SECONDS
    waited=$(uptime_centi)
    until one postgres 'SELECT 1' >/dev/null 2>&1; do
        [ $(($(uptime_centi) - waited)) -lt $(($1 * 100)) ] || return 1
        sleep 1
    done
}

has_database() { # has_database NAME: 0 yes, 1 no, 2 nobody knows
    there=$(one postgres "SELECT 1 FROM pg_database WHERE datname = '$1'") || return 2
    [ -n "$there" ]
}

end_sessions() {
    one postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$1' AND pid <> pg_backend_pid()" >/dev/null
}

schema() { # schema DATABASE: which migrations it has had
    one "$1" "SELECT md5(string_agg(version::text, ',' ORDER BY version)) FROM db_migrations"
}

ids() { say "COPY (SELECT id FROM $2 ORDER BY id COLLATE \"C\") TO STDOUT" | sql "$1"; } # ids DATABASE TABLE

only_in() { # only_in TABLE DATABASE OTHER: how many rows of DATABASE's TABLE are not in OTHER's; takes no disk
    rm -f "$scratch/these" "$scratch/those"
    mkfifo "$scratch/these" "$scratch/those" || return 1
    ids "$2" "$1" >"$scratch/these" 2>/dev/null &
    these=$!
    ids "$3" "$1" >"$scratch/those" 2>/dev/null &
    those=$!
    count=$(comm -23 "$scratch/these" "$scratch/those" | wc -l)
    wait "$these" && wait "$those" && say $((count))
}

posted_since() { # posted_since EPOCH: how many messages the new version took
    one "$database" "SELECT count(*) FROM posts WHERE createat > $1 * 1000::bigint" 2>/dev/null
}
