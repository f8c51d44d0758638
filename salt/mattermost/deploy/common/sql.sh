# The two ways to PostgreSQL. The server's role is hostile: what it makes in a database that it owns (functions, casts, views, rules,
# triggers) runs with the rights of whoever reads there. So the superuser never goes into such a database, and the role's own session is
# held by an account of the operating system that is neither the server's nor PostgreSQL's.

# shellcheck disable=SC2034 # for who counts
CHECKSUM="coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)" # of a whole table t, whatever the order of its rows
# shellcheck disable=SC2034 # the same
TABLE_NAME="CASE WHEN relname ~ '^[a-z0-9_]+\$' THEN relname::text ELSE 'table_' || md5(relname) END" # of pg_class, as a word without signs
SQL_ACCOUNT=mattermost-sql # made and let in by mattermost.deploy.database

# what the role locked or made endless ends, and a setting of its own keeps nobody from a restore: what it holds up is what it can read anyway (pg_dump and pg_restore have limits of their own)
ROLE_LIMITS='-c lock_timeout=600000 -c statement_timeout=21600000 -c default_transaction_read_only=off' # ms
# and values are written in one form, whatever the settings of the role: their checksums are compared with those of a different host
ROLE_LIMITS="$ROLE_LIMITS -c client_encoding=UTF8 -c bytea_output=hex -c extra_float_digits=0 -c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC"
SUPER_LIMITS='-c lock_timeout=60000' # ms: the role may hold itself, its database and the copies of it, in a transaction that does not end

CLIENT_SECONDS=72000 # 20 hours: what a query that PostgreSQL cannot interrupt (XPath) would hold up, which knows no limit of PostgreSQL's
CLIENT_MEMORY=1048576 # KiB: psql holds an answer whole, which may be of any size; what is large by itself is fetched in parts or copied
MOST_SAID=65536 # bytes of an answer that sh holds, and of what a program says on standard error

as_postgres() { runuser -u postgres -- "$@"; }

# shellcheck disable=SC3045 # dash, bash and busybox have it
bounded() { # bounded COMMAND: the role cannot have it use up the host's memory, nor fill a file with its messages
    local rc
    { rc=$({ { (ulimit -v "$CLIENT_MEMORY" && "$@" >&6 5>&- 6>&-); say "$?" >&5; } 2>&1 | head -c "$MOST_SAID" >&2; } 5>&1); } 6>&1
    return "${rc:-1}"
}

# shellcheck disable=SC2154,SC2329 # move.sh has its own: a source's server may be anywhere; who calls it sets role
role_client() { # role_client PROGRAM ARGUMENTS: psql, pg_dump or pg_restore, logged in as the role
    local client="${psql%/*}/$1"
    shift
    bounded runuser -u "$SQL_ACCOUNT" -- env "PGOPTIONS=$ROLE_LIMITS ${role_options:-}" timeout "${client_seconds:-$CLIENT_SECONDS}" "$client" -h "$socket_dir" -p "$database_port" -U "$role" "$@"
}

super() { # super [STATEMENT]: that, or those on standard input, as the superuser; values on standard output
    [ "$#" = 0 ] || { say "$1" | super; return "$?"; } # in a trap, return alone has the status of before it
    as_postgres env "PGOPTIONS=${PGOPTIONS:-} $SUPER_LIMITS -c search_path=pg_catalog" "$psql" -h "$socket_dir" -p "$database_port" \
        -XAtq -F ' ' -v ON_ERROR_STOP=1 -d postgres -f -
}

as_role() { # as_role DATABASE [STATEMENT]: the same as the role, in a database of its own; what comes out is the role's word
    [ "$#" = 1 ] || { say "$2" | as_role "$1"; return "$?"; }
    role_client psql -XAtq -F ' ' -v ON_ERROR_STOP=1 -d "$1" -f -
}

role_value() { # role_value DATABASE [STATEMENT]: the same, if it is short
    local value client_seconds=21900 # what ROLE_LIMITS give a statement, and a little
    value=$({ as_role "$@" && say .; } | head -c "$MOST_SAID")
    case $value in *.) say "${value%.}" ;; *) return 1 ;; esac # the last is missing after a failure, and in what is longer
}

role_number() { # role_number DATABASE STATEMENT: its one value, if that is a number
    local value
    value=$(role_value "$1" "$2") && is_number "$value" && say "$value"
}
