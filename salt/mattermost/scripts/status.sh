# shellcheck shell=sh
# What mattermost.status asks beyond probe.sh, in the same connection and after it: its `fact`, `has` and variables are used.
# Lines are `key<TAB>value` too, keys with s. before them. Changes nothing; each question has its limit of time, and one
# that is not answered leaves the others. Read by salt/_utils/mattermost_controller/status/facts.py, which puts these variables before:
: "${PORT:?}" "${SITE_PATH:=}" "${ROLE:?}" "${REPOSITORY:=}" "${PG_DATA:=}" "${NGINX:=nginx}"

fact s.uptime "$(cut -d ' ' -f 1 /proc/uptime)"
fact s.nginx "$("$NGINX" -v 2>&1 | sed -n 's|^nginx version: nginx/||p')"

# -- the server: systemd's view of it, and what it says itself on the loopback --
systemctl show -p ActiveState,SubState,Result,NRestarts,ActiveEnterTimestampMonotonic mattermost.service 2>/dev/null |
  while read -r line; do fact s.service "$line"; done
server() { curl -s --noproxy '*' -m 5 "http://127.0.0.1:$PORT$SITE_PATH$1" 2>/dev/null | head -c 200000 | tr -d '\n\t'; }
if has curl; then
  fact s.client "$(server '/api/v4/config/client?format=old')"
  fact s.ping "$(server '/api/v4/system/ping?get_server_status=true')"
  # told without the database too: VERSION.BUILD.HASH.ENTERPRISE
  fact s.version_id "$(curl -s --noproxy '*' -m 5 -D - -o /dev/null "http://127.0.0.1:$PORT$SITE_PATH/api/v4/system/ping" 2>/dev/null |
    head -c 20000 | tr -d '\r' | sed -n 's/^[Xx]-[Vv]ersion-[Ii][Dd]: *//p')"
fi

# -- the database --
# shellcheck disable=SC3045 # as in deploy/common/sql.sh
values() { # ACCOUNT ROLE DATABASE: statements on standard input, `key value` lines on standard output
  (ulimit -v 1048576; PGOPTIONS="$options" timeout 10 runuser -u "$1" -- psql -XAtq -F ' ' -h "$directory" -p "$DATABASE_PORT" -U "$2" -d "$3" 2>/dev/null) | head -c 200000
}
options='-c search_path=pg_catalog'
for directory in /var/run/postgresql /tmp; do [ -S "$directory/.s.PGSQL.$DATABASE_PORT" ] && break; done
values postgres postgres postgres <<END | while read -r key value; do fact "s.$key" "$value"; done
SELECT 'database_bytes', pg_database_size(oid) FROM pg_database WHERE datname = '$DATABASE';
SELECT 'aside_database', pg_database_size(oid), datname FROM pg_database
  WHERE datname LIKE replace(left('$DATABASE', 38), '_', '\\_') || '\\_%' ORDER BY datname;
SELECT 'pg_started', floor(extract(epoch FROM now() - pg_postmaster_start_time()));
END
options=
# inside the database as its role, see deploy/common/sql.sh; what that answers is its own word
values mattermost-sql "$ROLE" "$DATABASE" <<'END' | grep -xE 'schema [0-9]+ [a-z0-9_]+|users [0-9]+' | while read -r key value; do fact "s.$key" "$value"; done
SELECT 'schema', version, name FROM db_migrations ORDER BY version DESC LIMIT 1;
SELECT 'users', count(*) FROM users u WHERE deleteat = 0 AND NOT EXISTS (SELECT 1 FROM bots b WHERE b.userid = u.id);
END

# -- room: what is used by us where it can be told in time, and what the file system below has --
room() { # NAME PATH
  [ -n "$2" ] || return 0
  fact s.disk "$1 $(df -Pk "$(existing "$2")" | awk 'NR == 2 {print $2, $3, $4, $6}') $2"
}
taken() { timeout 5 du -sk "$1" 2>/dev/null | awk 'NR == 1 {print $1}'; }
room data "$STATE/data"
where=$(values postgres postgres postgres <<'END'
SHOW data_directory
END
)
room database "${where:-$PG_DATA}"
case $REPOSITORY in
  /*) room backups "$REPOSITORY" && fact s.taken "backups $(taken "$REPOSITORY")" ;;
esac
fact s.taken "data $(taken "$STATE/data")"
fact s.taken "logs $(taken "$STATE/logs")"

# -- backups, as the host's own program says it --
has mattermost-backup && [ -d "$WORK/backup" ] &&
  mattermost-backup status 2>/dev/null | grep -E '^[a-z_]+=' | while read -r line; do fact s.backup "$line"; done

# -- unattended patches, as the host's own program says it --
has mattermost-patches && mattermost-patches status 2>/dev/null | grep -E '^[a-z]+=' | while read -r line; do fact s.patches "$line"; done

# -- the distribution: a reboot that is due, updates of security and PostgreSQL that wait by what the host fetched last; nothing is fetched for it --
[ -e /run/reboot-required ] && fact s.reboot yes
if has needs-restarting; then
  timeout 15 needs-restarting -r >/dev/null 2>&1
  [ $? != 1 ] || fact s.reboot yes
fi
if has apt-get; then
  waiting=$(timeout 15 apt-get -s -o Debug::NoLocking=true dist-upgrade 2>/dev/null) &&
    fact s.security_packages "$(printf '%s\n' "$waiting" | grep -c '^Inst .*[Ss]ecurity')" &&
    fact s.postgresql_waits "$(printf '%s\n' "$waiting" | sed -n 's/^Inst postgresql-[0-9]* \[[^]]*\] (\([0-9.]*\).*/\1/p' | head -n 1)"
elif has dnf; then
  waiting=$(timeout 15 dnf -q -C updateinfo list --security --updates 2>/dev/null) &&
    fact s.security_packages "$(printf '%s\n' "$waiting" | grep -c '[0-9]')"
  waiting=$(timeout 15 dnf -q -C list --upgrades 'postgresql*-server' 2>/dev/null) &&
    fact s.postgresql_waits "$(printf '%s\n' "$waiting" | sed -n 's/^postgresql[0-9]*-server[^ ]* *\([0-9.]*\).*/\1/p' | head -n 1)"
fi

# -- what was kept aside --
for path in "$INSTALL"/*/bin/mattermost; do
  [ -e "$path" ] || continue
  path=${path%/bin/mattermost}
  [ "${path##*/}" = current ] || fact s.release "${path##*/}"
done
for path in "$STATE"/replaced-* "$WORK"/switch/before/* "$WORK"/switch/newer/* "$WORK"/put-away; do
  [ -e "$path" ] && fact s.aside "$(taken "$path") $path"
done
awk '{print "s.cluster\t" $1 " " $4}' "$WORK/postgresql/kept" 2>/dev/null
fact s.end ok
