# Questions to PostgreSQL.

# shellcheck disable=SC2034 # for who counts
CHECKSUM="coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)" # of a whole table t, whatever the order of its rows

as_postgres() { runuser -u postgres -- "$@"; }

# shellcheck disable=SC2329 # move.sh has its own: a source's server may be anywhere
client() { as_postgres "$psql" -h "$socket_dir" -p "$database_port" "$@"; }

sql() { client -XAtq -F ' ' -v ON_ERROR_STOP=1 -d "$1" -f -; } # sql DATABASE: statements on standard input, values on standard output

one() { say "$2" | sql "$1"; } # one DATABASE STATEMENT: its values
