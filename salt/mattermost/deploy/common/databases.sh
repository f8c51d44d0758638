# What is done to whole databases.

wait_for_database() { # wait_for_database SECONDS
    local start
    start=$(uptime_centi)
    until super 'SELECT 1' >/dev/null 2>&1; do
        [ $(($(uptime_centi) - start)) -lt $(($1 * 100)) ] || return 1
        sleep 1
    done
}

has_database() { # has_database NAME: 0 yes, 1 no, 2 nobody knows
    local there
    there=$(super "SELECT 1 FROM pg_database WHERE datname = '$1'") || return 2
    [ -n "$there" ]
}

replaced_name() { say "$(say "$database" | cut -c1-38)_replaced_$1"; } # replaced_name ID: of the database that a restore or a move replaced

end_sessions() { # end_sessions DATABASE: all that it has now; a query that looks at no signal, as XPath does, is killed, and PostgreSQL then starts anew
    local told left tries
    told=$(super "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$1' AND pid <> pg_backend_pid()" | sed 's/ .*/,/' | tr -d '\n')
    [ -n "$told" ] || return 0
    tries=0
    while left=$(super "SELECT pid FROM pg_stat_activity WHERE datname = '$1' AND pid IN (${told%,})") && [ -n "$left" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 50 ]; then
            say "A session in the database $1 did not end. Its process was killed, and PostgreSQL starts again." >&2
            # shellcheck disable=SC2016 # the inner shell's arguments, one word for each process
            printf '%s\n' "$left" | as_postgres sh -c 'while read -r pid; do kill -KILL "$pid"; done'
            sleep 1
            wait_for_database 600
            return
        fi
        sleep 0.2 2>/dev/null || sleep 1
    done
}

# kept as lists of names, quoted where they have to be; an empty name is written otherwise than it is kept
LISTS="'search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries', 'shared_preload_libraries', 'unix_socket_directories'"
# but the role may have put anything else in there (SET ... FROM CURRENT): then all of it is one name, and never words of a statement
NAME='("([^"]|"")*"|[a-z_][a-z0-9_]*)'
# nor a word such as select, which is no name without quotes
RESERVED="SELECT FROM regexp_split_to_table(kept, ', ') word WHERE word !~ '\"' AND quote_ident(word) <> word"

database_properties() { # database_properties NAME: statements that give it what the server's has and neither a copy nor a dump: privileges, own settings
    cat <<END
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', '$1') FROM pg_database WHERE datname = '$database' AND datacl IS NOT NULL
\\gexec
SELECT format('GRANT %s ON DATABASE %I TO %s', privilege_type, '$1', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
 FROM pg_database, aclexplode(datacl) WHERE datname = '$database'
\\gexec
SELECT format('ALTER %s DATABASE %I SET %I TO %s', CASE setrole WHEN 0 THEN '' ELSE 'ROLE ' || quote_ident(pg_get_userbyid(setrole)) || ' IN' END,
 '$1', setting, CASE WHEN setting IN ($LISTS) AND kept ~ '^$NAME(, $NAME)*\$' AND NOT EXISTS ($RESERVED) THEN regexp_replace(kept, '(^|, )""(?=,|\$)', '\\1''''', 'g') ELSE quote_literal(kept) END)
 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(setconfig) item,
 LATERAL (SELECT split_part(item, '=', 1) setting, substr(item, strpos(item, '=') + 1) kept) of_item WHERE datname = '$database'
\\gexec
END
}

create_like_current() { # create_like_current NAME: statements that make an empty database like the server's
    cat <<END
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', '$1', '$role',
 pg_encoding_to_char(encoding), datcollate, datctype) FROM pg_database WHERE datname = '$database'
\\gexec
SELECT format('COMMENT ON DATABASE %I IS %L', '$1', shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = '$database'
\\gexec
END
    database_properties "$1"
}

ids() { # ids DATABASE TABLE: in an order that costs no disk, by its index
    # shellcheck disable=SC2034 # for role_client
    local role_options='-c enable_sort=off -c enable_seqscan=off' client_seconds=21900
    as_role "$1" "COPY (SELECT id FROM $2 ORDER BY id) TO STDOUT"
}

# shellcheck disable=SC2154 # the program sets scratch
only_in() { # only_in TABLE DATABASE OTHER: how many rows of DATABASE's TABLE are not in OTHER's; takes no disk
    local these those count
    rm -f "$scratch/these" "$scratch/those"
    mkfifo "$scratch/these" "$scratch/those" || return 1
    ids "$2" "$1" >"$scratch/these" 2>/dev/null &
    these=$!
    ids "$3" "$1" >"$scratch/those" 2>/dev/null &
    those=$!
    # both come in one order, whichever that is: only what the other side has not brought yet is held in memory
    count=$(awk -v these="$scratch/these" -v those="$scratch/those" 'BEGIN {
        do {
            if (left = (getline id <these) > 0) { if (id in other) delete other[id]; else own[id] = 1 }
            if (right = (getline id <those) > 0) { if (id in own) delete own[id]; else other[id] = 1 }
        } while (left || right)
        for (id in own) count++
        print count + 0
    }')
    wait "$these" && wait "$those" && say "$count"
}
