# Whether the server of a version is healthy, now and for a while.

fetch() { # fetch PATH: sets code; head and body are files, of a few MiB at most
    code=$(exec 2>/dev/null; ulimit -f 4096; curl -s --noproxy '*' -m 15 -D "$scratch/head" -o "$scratch/body" -w '%{http_code}' "http://127.0.0.1:$port$(site_path)$1")
    [ -n "$code" ] || code=000
}

healthy() { # healthy VERSION: 0 yes; 1 not (yet), 2 never; sets why
    local code found unhealthy edition
    : >"$scratch/head"
    fetch '/api/v4/system/ping?get_server_status=true'
    if [ "$code" = 000 ]; then
        why="The server does not answer on 127.0.0.1:$port."
        return 1
    fi
    found=$(tr -d '\r' <"$scratch/head" | sed -n 's/^[Xx]-[Vv]ersion-[Ii][Dd]: *//p')
    case $found in
        "$1".*) ;;
        '') why="The program on 127.0.0.1:$port (status $code) does not identify itself as Mattermost."; return 1 ;;
        *) why="The server says that it is version $(one_line "$found" | cut -d. -f1-3), not $1."; return 2 ;;
    esac
    if [ "$code" != 200 ]; then
        unhealthy=$(tr ',' '\n' <"$scratch/body" | sed -n 's/.*"\([a-z]*_status\)":"UNHEALTHY".*/\1/p' | tr '\n' ' ')
        why="Mattermost $1 runs but is not healthy (status $code${unhealthy:+, ${unhealthy% } unhealthy})."
        return 1
    fi
    fetch '/api/v4/config/client?format=old'
    found=$(enterprise_ready "$install/$1")
    if ! grep -q "\"BuildEnterpriseReady\":\"$found\"" "$scratch/body"; then
        if [ "$found" = true ]; then edition=Enterprise; else edition=Team; fi
        why="The installed Mattermost $1 is the $edition Edition, but the server that was started does not report this edition."
        return 2
    fi
    fetch /
    if [ "$code" != 200 ]; then
        why="Mattermost $1 does not serve its web page (status $code)."
        return 1
    fi
    if is_chosen && ! reads_post; then
        why="Mattermost $1 $why."
        return 1
    fi
}

migration_progress() { # what changes while a migration is at work; "busy" when a statement is
    role_value "$database" 2>/dev/null <<'END'
SELECT to_regclass('db_migrations') IS NOT NULL AS has_migrations, to_regclass('db_lock') IS NOT NULL AS has_lock \gset
\if :has_migrations
SELECT count(*) FROM db_migrations;
\endif
\if :has_lock
SELECT max(expireat) FROM db_lock;
\endif
SELECT DISTINCT 'busy' FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
 AND backend_type = 'client backend' AND application_name <> 'pg_dump' AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock' AND now() - query_start > '1 s';
END
}

watch() { # watch VERSION SETTLE: until it is healthy, and still is SETTLE seconds later; sets outage_end, remarks, post, and why when it fails
    local last_progress first_pid progress_at ready_at healthy_at inspected_at ask_at step now progress
    last_progress='' first_pid='' progress_at=$(uptime_centi) ready_at='' healthy_at='' inspected_at=0 ask_at=0 step=10
    while :; do
        inspect_service
        now=$(uptime_centi)
        case $active/$sub in
            */auto-restart | failed/* | inactive/*)
                why="Mattermost $1 ended (${result:-unknown}) during the health check${healthy_at:+, after it had been healthy}."
                return 1
                ;;
            active/*)
                if [ -n "$first_pid" ] && [ "$pid" != "$first_pid" ]; then
                    why="The process of Mattermost $1 ended and was started again during the health check."
                    return 1
                fi
                first_pid=$pid
                [ -n "$ready_at" ] || ready_at=$now
                if [ "$now" -ge "$ask_at" ]; then # seldom, for the server may limit the rate of requests
                    healthy "$1"
                    case $? in
                        0)
                            if [ -z "$healthy_at" ]; then
                                healthy_at=$now outage_end=$now
                                remarks="$(remarks | tr '\n' ' ')" post='' # which somebody may change from here on
                                let_users_in || { why=$unwritten; return 1; }
                            fi
                            [ $((now - healthy_at)) -lt $(($2 * 100)) ] || return 0
                            step=100
                            ;;
                        2) return 1 ;;
                        *)
                            healthy_at=''
                            [ $((now - ready_at)) -lt $((unhealthy_timeout * 100)) ] || return 1
                            [ "$step" -ge 100 ] || step=$((step * 3 / 2))
                            ;;
                    esac
                    ask_at=$((now + step))
                fi
                ;;
            *)
                why="Mattermost $1 was not ready after $start_timeout s, and no migration was running."
                if [ $((now - inspected_at)) -ge 100 ]; then
                    inspected_at=$now
                    progress=$(migration_progress)
                    case $progress in *busy*) progress_at=$now ;; esac
                    [ "$progress" = "$last_progress" ] || { last_progress=$progress; progress_at=$now; }
                fi
                [ $((now - progress_at)) -lt $((start_timeout * 100)) ] || return 1
                ;;
        esac
        sleep 0.1 2>/dev/null || sleep 1
    done
}
