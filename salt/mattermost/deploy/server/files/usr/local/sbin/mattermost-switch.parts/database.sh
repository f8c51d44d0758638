# What is asked of the server's database and of its copies.

schema() { # schema DATABASE: which migrations it has had
    one "$1" "SELECT md5(string_agg(version::text, ',' ORDER BY version)) FROM db_migrations"
}

ids() { say "COPY (SELECT id FROM $2 ORDER BY id COLLATE \"C\") TO STDOUT" | sql "$1"; } # ids DATABASE TABLE

only_in() { # only_in TABLE DATABASE OTHER: how many rows of DATABASE's TABLE are not in OTHER's; takes no disk
    local these those count
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
