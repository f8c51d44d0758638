# shellcheck shell=sh
# shellcheck disable=SC2154 # variables stand before it
# What a move or an import does on a host: laid into /run/mattermost-move by ssh, gone at the next boot. Needs no Python.
# Laid behind what the programs on a host share (deploy/common: tools.sh, sql.sh, databases.sh), whose functions it uses.
# The controller (salt/_states/mattermost_move) puts a host's own values before it, as variables: see
# moving.transfer.library.

program='' # what it fails by is the host, which the controller names
own=${own:-/run/mattermost-move}
root=${root:-} # tests have the units elsewhere
# while $maintenance is there, nginx serves the maintenance page; $left says that the source was left for good
staging=$state/.move
checksum=${checksum:-$CHECKSUM}

# ---- PostgreSQL, wherever it is --------------------------------------------------------------------------------------

# shellcheck disable=SC2034 # for sql.sh
psql=${bin_dir:-}/psql # for `super`, which only hosts of our own layout are asked by

role_client() { # role_client PROGRAM ARGUMENTS, in place of sql.sh's: as who may do everything with the database
    local program="$1"
    shift
    case $pg_kind in
        local) bounded runuser -u "$SQL_ACCOUNT" -- env "PGOPTIONS=$ROLE_LIMITS" timeout "$CLIENT_SECONDS" "$bin_dir/$program" -h "$socket_dir" -p "$database_port" -U "$role" "$@" ;;
        login) (
            export PGHOST="$pg_host" PGPORT="$database_port" PGUSER="$role" PGPASSWORD="$pg_password" # in no argument
            [ -n "$PGHOST" ] || unset PGHOST
            [ -n "$PGUSER" ] || unset PGUSER
            [ -n "$PGPASSWORD" ] || unset PGPASSWORD
            bounded runuser -u "$pg_system_user" -- env "PGOPTIONS=$ROLE_LIMITS" timeout "$CLIENT_SECONDS" "${bin_dir:+$bin_dir/}$program" "$@"
        ) ;;
        container)
            # shellcheck disable=SC2034 # for bounded: a program in Go wants much more than it uses
            CLIENT_MEMORY=unlimited
            bounded in_container "$program" -U "$role" "$@"
            ;;
    esac
}

in_container() { PGPASSWORD="$pg_password" timeout "$CLIENT_SECONDS" docker exec -i -e PGPASSWORD -e "PGOPTIONS=$ROLE_LIMITS" "$pg_container" "$@"; } # by its name: in no argument

census() { # census DATABASE: a line for each table: name, rows, checksum that does not depend on their order
    as_role "$1" <<END
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT format('SELECT %L, count(*), $checksum FROM %I.%I t',
  $TABLE_NAME, nspname, relname)
 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'public' AND relkind IN ('r', 'p') AND row_to_json(c)->>'relispartition' IS DISTINCT FROM 'true'
 ORDER BY relname
\\gexec
COMMIT;
END
}

hand_over() { # hand_over LIBRARY TAKE GIVE: the output of GIVE to TAKE of the host's other library, without a way over the controller
    local take_library="$1" take="$2"
    shift 2
    rm -f "$own/given"
    { "$@" && : >"$own/given"; } | sh -c ". '$take_library'; $take" >/dev/null && [ -e "$own/given" ]
}

dump() { role_client pg_dump --lock-wait-timeout=600000 -Fc -Z 1 --no-owner --no-privileges -d "$database"; }

give_config() { # the source's settings: its file, or where it keeps them in the database
    if [ -n "$config" ]; then (cd "$(dirname "$config")" && as_server cat "./${config##*/}"); else as_role "$database" 'SELECT value FROM configurations WHERE active'; fi
}

has_config() { # says so when the settings can be read
    if [ -n "$config" ]; then
        [ ! -s "$config" ] || say yes
    else
        as_role "$database" "SELECT 'yes' FROM configurations WHERE active" 2>/dev/null
    fi
}

# ---- looking ---------------------------------------------------------------------------------------------------------

mounts() { # which of the three folders is the root of a file system: no mv puts another in its place
    local part
    for part in data plugins client-plugins; do
        [ -d "$state/$part" ] || continue
        awk -v place="$(readlink -f "$state")/$part" '$2 == place { found = 1 } END { exit !found }' "$root/proc/mounts" && say "$state/$part"
    done
}

busy() { # what is at work on this host, or was interrupted, and must not meet a move
    if is_open switch; then
        say "An upgrade or rollback"
    elif is_open postgresql; then
        say "An upgrade of PostgreSQL"
    elif is_open restore; then
        say "A restore"
    elif is_open rotation; then
        say "A change of the database password"
    elif [ -e "$work/backup/lock" ] && ! flock -n "$work/backup/lock" true; then
        say "A backup, drill or restore"
    fi
}

look() { # facts, one a line
    say "version=$(readlink "$install/current" 2>/dev/null)"
    say "moved=$(sed -n 's/^to=//p' "$work/moved" 2>/dev/null)"
    # once its site is open, what that host holds is its own
    [ ! -e "$site_closed" ] || say "target_of=$(sed -n 's/^name=//p' "$work/move-target" 2>/dev/null)"
    say "placed=$(cat "$work/move-placed" 2>/dev/null)"
    say "busy=$(busy)"
    say "enabled=$(systemctl is-enabled "$service" 2>/dev/null)"
    say "active=$(systemctl is-active "$service" 2>/dev/null)"
    say "postgresql=$(super "SELECT current_setting('server_version_num')" 2>/dev/null)"
    say "database_bytes=$(super "SELECT pg_database_size('$database')" 2>/dev/null)"
    ! has_database "$database" 2>/dev/null || as_role "$database" 'SELECT 1' >/dev/null 2>&1 || say "closed_to=$SQL_ACCOUNT"
    say "posts=$(role_number "$database" 'SELECT count(*) FROM posts' 2>/dev/null)"
    say "newest=$(role_number "$database" 'SELECT coalesce(max(createat), 0) FROM posts' 2>/dev/null)"
    say "free=$(kib_free "$state")"
    say "database_free=$(kib_free "$(super 'SHOW data_directory' 2>/dev/null || say /var/lib)")"
    say "same_disk=$([ "$(df -Pk "$(existing "$state")" | awk 'NR == 2 { print $1 }')" != "$(df -Pk "$(existing /var/lib)" | awk 'NR == 2 { print $1 }')" ] || say yes)"
    say "stored=$(du -skc "$data" "$plugins" "$client_plugins" 2>/dev/null | awk 'END { print $1 }')"
    say "mounted=$(mounts | tr '\n' ' ')"
    say "fixed=$(fixed_part)"
    say "copied=$(du -sk "$staging" 2>/dev/null | awk 'END { print $1 }')"
}

look_source() { # the same of an installation of another kind
    say "postgresql=$(role_number "$database" "SELECT current_setting('server_version_num')" 2>/dev/null)"
    say "database_bytes=$(role_number "$database" "SELECT pg_database_size(current_database())" 2>/dev/null)"
    say "posts=$(role_number "$database" 'SELECT count(*) FROM posts' 2>/dev/null)"
    say "newest=$(role_number "$database" 'SELECT coalesce(max(createat), 0) FROM posts' 2>/dev/null)"
    say "users=$(role_number "$database" 'SELECT count(*) FROM users WHERE deleteat = 0' 2>/dev/null)"
    say "refused=$(as_role "$database" 'SELECT 1' 2>&1 | tail -n 1)"
    say "stored=$(du -skc "$data/" "$plugins/" "$client_plugins/" 2>/dev/null | awk 'END { print $1 }')"
}

# ---- files: `data/…`, `plugins/…` and `client-plugins/…`, wherever these three are ---------------------------------------

# The server's account may exchange any of them for a link while it is read: they are read with its rights, at the source, and written with
# those of an account that has nothing, on the target.

as_server() { # as_server PROGRAM ARGUMENTS: as the account of the source's server, which owns its settings, or else its files
    local account owner group
    account=$(stat -c %u "$data/" 2>/dev/null)
    owner=$(stat -c %u "$config" 2>/dev/null)
    [ "${owner:-0}" = 0 ] && [ -n "$account" ] || account=${owner:-65534} # files in a store elsewhere: there may be neither
    [ "$account" != 0 ] || account=65534 # whose files the server's account may have laid there, root's are none of them
    [ "$account" != "$(id -u)" ] || { "$@"; return; }
    group=$(stat -c %g "$data/" 2>/dev/null || stat -c %g "$config" 2>/dev/null)
    setpriv --reuid "$account" --regid "${group:-65534}" --clear-groups "$@"
}

roots() { # links by which the three have the same names on both hosts; root opens them, for what is above them may be closed to the server
    rm -rf "$own/roots" && mkdir -p "$own/roots" && chmod 711 "$own" && chmod 755 "$own/roots" || return 1
    ln -s /proc/self/fd/3 "$own/roots/data" && ln -s /proc/self/fd/4 "$own/roots/plugins" && ln -s /proc/self/fd/5 "$own/roots/client-plugins"
}

in_source() ( # in_source PROGRAM ARGUMENTS: there
    exec 3</dev/null 4</dev/null 5</dev/null
    [ ! -d "$data/" ] || exec 3<"$data/"
    [ ! -d "$plugins/" ] || exec 4<"$plugins/"
    [ ! -d "$client_plugins/" ] || exec 5<"$client_plugins/"
    cd "$own/roots" && as_server "$@"
)

in_staging() { as_unpacker "$staging" "$@"; }

each_part() { # each_part WHERE ARGUMENTS: what find says of the three; WHERE is in_source or in_staging; some of it may go away meanwhile
    local where="$1" part
    shift
    for part in data plugins client-plugins; do
        # shellcheck disable=SC2016 # for the inner shell
        "$where" sh -c 'part=$1; shift; [ ! -d "$part/" ] || find "$part/" "$@" || :' sh "$part" "$@" || return 1
    done
}

listing() { each_part "$1" -type f -printf '%s %T@ %H%P\0'; } # listing WHERE: every file: bytes, time of change, name, ended by NUL

unreadable() { # those of the source that its own server cannot read: they would be missing
    each_part in_source '(' -type d ! '(' -readable -executable ')' -prune -o -type f ! -readable ')' -print 2>/dev/null | tr '[:cntrl:]' ' ' | head -c 300
}

# what goes away or grows while it is read is no error here: the comparison afterwards decides
send() { in_source tar --null --no-recursion --ignore-failed-read -cf - -T - 2>"$own/tar" || :; }

receive() { in_staging tar -xpf -; }

sums() { "$1" xargs -0 -r sha256sum; } # sums WHERE: SHA-256 of the files named on standard input

discard() { # the files named on standard input, which the source has no more, and what is no file
    in_staging sh -c 'xargs -0 -r rm -f && find . ! -type d ! -type f -delete'
}

# ---- the source: stopped only as long as the controller is there to go on ------------------------------------------------

hold_begin() { # hold_begin LEASE: stop the server; given back when the lease, in seconds, is not renewed
    rm -f "$own/commit" "$own/give-back" "$own/held" "$own/left"
    : >"$own/lease"
    cat >"$own/hold" <<END
service='$service' work='$work' own='$own' maintenance='$maintenance' lease=$1 to='$move_to' name='$name' units='$units' left='$left'
halt='$halt' resume='$resume' leave='$leave' root='$root' label='$(label_for_nginx)'
END
    cat >>"$own/hold" <<'END'
umask 077
stop_source() ( # what stop_unit of tools.sh does
    case $halt in 'systemctl stop '*) ;; *) $halt; exit ;; esac
    timeout "${MATTERMOST_STOP_PATIENCE:-120}" $halt || { [ "$?" = 124 ] && systemctl kill -s KILL "$service" && timeout 60 $halt; }
)
case $1 in
    hold)
        : >"$maintenance" && $label "$maintenance"
        stop_source 2>"$own/why" || exit 1
        : >"$own/held"
        while [ -e "$own/lease" ] && [ ! -e "$own/give-back" ]; do
            [ $(($(date +%s) - $(stat -c %Y "$own/lease"))) -le "$lease" ] || exit 0
            # started by somebody else: what people post to it since is not in the copy
            case $halt,$(systemctl is-active "$service") in "systemctl stop $service,active" | "systemctl stop $service,activating") exit 1 ;; esac
            if [ -e "$own/commit" ] && [ "$left" != "$work/moved" ]; then # an import: nothing at the source is changed
                if [ -n "$leave" ]; then $leave || exit 1; else : >"$left"; fi
                : >"$own/committed"
                exit 0
            elif [ -e "$own/commit" ]; then
                # the mark is what decides, also after a power cut: all that heeds it is there before
                mkdir -p "$root/etc/systemd/system/$service.d"
                printf '# This server was moved; %s says where to.\n[Unit]\nConditionPathExists=!%s\n' "$left" "$left" >"$root/etc/systemd/system/$service.d/moved.conf"
                chmod 755 "$root/etc/systemd/system/$service.d" && chmod 644 "$root/etc/systemd/system/$service.d/moved.conf"
                printf 'set -e\nrm -f %s '"$root"'/etc/systemd/system/%s.d/moved.conf\nsystemctl daemon-reload\nsystemctl enable --now %s\nrm -f %s %s\n' \
                    "$left" "$service" "$service${units:+ $units}" "$maintenance" "$work/take-back" >"$work/take-back"
                printf 'to=%s\nname=%s\ndate=%s\n' "$to" "$name" "$(date '+%Y-%m-%d %H:%M:%S %z')" >"$left.new"
                sync && mv -f "$left.new" "$left" && sync || exit 1
                systemctl daemon-reload
                for unit in $service $units; do systemctl disable --now "$unit"; done
                : >"$own/committed"
                exit 0
            fi
            sleep 0.3 2>/dev/null || sleep 1
        done
        ;;
    end)
        [ ! -e "$left" ] || exit 0
        rm -f "$maintenance" "$own/held"
        $resume
        ;;
esac
END
    mkdir -p "$root/run/systemd/system"
    cat >"$root/run/systemd/system/mattermost-move.service" <<END
[Unit]
Description=Server stopped for its move
[Service]
Type=simple
ExecStart=/bin/sh $own/hold hold
ExecStopPost=/bin/sh $own/hold end
KillMode=process
TimeoutStopSec=180
END
    systemctl daemon-reload && systemctl start mattermost-move.service || return 1
    while [ ! -e "$own/held" ]; do
        systemctl is-active --quiet mattermost-move.service || fail 4 "$service could not be stopped ($halt). $(tail -n 1 "$own/why" 2>/dev/null)"
        sleep 0.1 2>/dev/null || sleep 1
    done
}

heartbeat() { # a line from the controller every few seconds; its end, however it comes, gives the server back
    while read -r _; do touch "$own/lease"; done
    rm -f "$own/lease"
}

is_held() { [ -e "$own/held" ] && systemctl is-active --quiet mattermost-move.service; }

is_left() { # left, serves, or nothing while that is not decided
    if [ -e "$left" ]; then
        say left
    elif ! systemctl is-active --quiet mattermost-move.service; then
        say serves
    fi
}

give_back() {
    [ ! -e "$left" ] || fail 4 "The server was moved to another host, as $left says, so it does not start here again."
    : >"$own/give-back"
    systemctl stop mattermost-move.service 2>/dev/null
    rm -f "$maintenance"
    $resume
}

commit() { # the source is left for good, or an error: never both alive
    is_held || fail 4 "The old server already serves again, so the other host must not take over."
    rm -f "$own/committed"
    : >"$own/commit"
    while [ ! -e "$own/committed" ]; do
        systemctl is-active --quiet mattermost-move.service || [ -e "$own/committed" ] || fail 4 "The old server already serves again, so the other host must not take over."
        sleep 0.1 2>/dev/null || sleep 1
    done
}

tidy() { # unless the server is held: what gives it back is in there
    case $(systemctl show mattermost-move.service -p ActiveState) in
        *=inactive | *=failed | '') rm -rf "$root/run/systemd/system/mattermost-move.service" "$own" ;;
    esac
}
