# The two clusters: asked, started, stopped, whether they start at boot; and the old one, kept until somebody removes it.

# What lies in PostgreSQL's directories is read, written and removed with its rights: root would follow the links that it made.

is_running() { # is_running DATA: whether a postmaster lives on it
    local pid
    pid=$(as_postgres timeout 10 head -n 1 "$1/postmaster.pid" 2>/dev/null) && is_number "$pid" && kill -0 "$pid" 2>/dev/null
}

is_starting() { # is_starting UNIT: its start is queued, or not ended: Debian's is long at work before there is a postmaster
    systemctl show "$1" -p ActiveState -p Job 2>/dev/null | grep -qxE 'ActiveState=activating|Job=[1-9][0-9]*'
}

start_cluster() { # start_cluster old|new: and wait until it takes connections, also if it runs already; sets psql
    local service_ data bin tries found
    eval "service_=\$${1}_service data=\$${1}_data bin=\$${1}_bin"
    systemctl reset-failed "$service_" 2>/dev/null
    systemctl --no-block start "$service_" || return 1 # Debian's start says so two seconds late
    tries=0
    until as_postgres "$bin/pg_isready" -q -h "$socket_dir" -p "$port"; do
        tries=$((tries + 1))
        [ "$tries" -lt 3000 ] || return 1 # ten minutes: before a recovery reads anything it flushes every file that there is
        is_starting "$service_" || is_running "$data" || return 1
        sleep 0.2 2>/dev/null || sleep 1
    done
    psql=$bin/psql
    found=$(super 'SHOW data_directory') && [ "$found" = "$data" ]
}

SESSION_PATIENCE=10 # seconds for sessions that were told to end; mattermost_database_cluster.py has it too

stop_cluster() { # stop_cluster old|new: also if a query looks at no signal, as XPath does; PostgreSQL recovers from that when it starts again
    local service_ data bin mode=fast
    eval "service_=\$${1}_service data=\$${1}_data bin=\$${1}_bin"
    systemctl --no-block stop "$service_" 2>/dev/null
    if is_running "$data" && ! as_postgres "$bin/pg_ctl" stop -D "$data" -m fast -t "$SESSION_PATIENCE" >/dev/null 2>&1; then
        # no longer "in production": it writes what is in memory, for which it has its time
        ! as_postgres "$bin/pg_controldata" -D "$data" | grep -q '^Database cluster state: *in production$' || mode=immediate
        as_postgres "$bin/pg_ctl" stop -D "$data" -m "$mode" -t 600 >/dev/null 2>&1
    fi
    stop_unit "$service_" 2>/dev/null
    ! is_running "$data"
}

at_boot() { # at_boot old|new yes|no: whether the cluster starts by itself; Debian asks start.conf, others the unit
    local config enable word
    eval "config=\$${1}_config enable=\$${1}_enable"
    if [ -e "$config/start.conf" ]; then
        if [ "$2" = yes ]; then word=auto; else word=disabled; fi
        # shellcheck disable=SC2016 # the inner shell's arguments
        as_postgres sh -c 'umask 022; rm -f "$1.new" && echo "$2" >"$1.new" && mv -f "$1.new" "$1"' sh "$config/start.conf" "$word" &&
            flush "$config/start.conf" && flush "$config"
    elif [ "$2" = yes ]; then
        systemctl --quiet enable "$enable"
    else
        systemctl --quiet disable "$enable"
    fi
}

leave_no_settings() { # leave_no_settings CONFIG: pg_dropcluster leaves files that it did not make
    [ ! -e "$1/postgresql.conf" ] || return 0
    as_postgres rm -rf "${1:?}/conf.d" && as_postgres rmdir "$1" "$(dirname "$1")" 2>/dev/null
    return 0
}

forget() { # forget MAJOR: the one way in which an old cluster is removed
    local data config
    [ ! -e "$journal" ] || fail 2 "An upgrade of PostgreSQL is running. See: mattermost-postgresql status"
    grep -q "^$1 " "$own/kept" 2>/dev/null || fail 2 "No cluster of PostgreSQL '$1' is kept. To list the kept clusters: mattermost-postgresql status"
    read -r _ _ _ data config <<END
$(grep "^$1 " "$own/kept" | head -n 1)
END
    ! is_running "$data" || fail 2 "The old cluster in $data is running. To find its unit: systemctl list-units 'postgresql*'. Stop that unit (systemctl stop UNIT), then run the same command again."
    if [ ! -e "$data/PG_VERSION" ]; then
        say "$data was already removed."
    elif [ -e "$config/start.conf" ]; then
        pg_dropcluster "$1" "$(basename "$config")" || fail 4 "$data could not be removed completely. Run the same command again."
        leave_no_settings "$config"
    else
        as_postgres find "${data:?}" -xdev -mindepth 1 -delete && as_postgres rmdir "$data" || fail 4 "$data could not be removed completely. Run the same command again."
    fi
    grep -v "^$1 " "$own/kept" >"$own/kept.new"
    publish "$own/kept"
    say "The old cluster of PostgreSQL $1 was deleted. You can also remove the packages of PostgreSQL $1."
}

keep() { # keep MAJOR SERVING DATA CONFIG: a stopped cluster stays until somebody has it forgotten; repeatable
    ! grep -q "^$1 " "$own/kept" 2>/dev/null || return 0
    { [ ! -e "$own/kept" ] || cat "$own/kept"; say "$1 $2 $(date +%Y-%m-%d) $3 $4"; } >"$own/kept.new" && publish "$own/kept"
}
