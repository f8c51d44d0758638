#!/bin/sh
# What the official image does at its start: a cluster whose one superuser is the application's, trusted from inside.
set -e
as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
mkdir -p "$PGDATA"
chown postgres:postgres "$PGDATA" /run/postgresql
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
    chown postgres /tmp/password
    as_postgres initdb -D "$PGDATA" -E UTF8 --locale C -U "$POSTGRES_USER" --pwfile /tmp/password --auth-local trust --auth-host trust >/dev/null
    printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    printf "listen_addresses = '*'\nunix_socket_directories = '/run/postgresql'\n" >>"$PGDATA/postgresql.conf"
    printf 'CREATE DATABASE %s;\n' "$POSTGRES_DB" | as_postgres postgres --single -D "$PGDATA" postgres >/dev/null
fi
exec setpriv --reuid postgres --regid postgres --clear-groups "$@"
