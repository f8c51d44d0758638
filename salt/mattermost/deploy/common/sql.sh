# Questions to PostgreSQL.

as_postgres() { runuser -u postgres -- "$@"; }

sql() { # sql DATABASE: statements on standard input, values on standard output
    as_postgres "$psql" -XAtq -F ' ' -v ON_ERROR_STOP=1 -h "$socket_dir" -p "$database_port" -d "$1" -f -
}

one() { say "$2" | sql "$1"; } # one DATABASE STATEMENT: its values
