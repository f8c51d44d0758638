# shellcheck shell=sh
# What must be known of a host, as lines `key<TAB>value` (a key may repeat). Changes nothing and needs no Python: it runs
# before Salt puts anything there, fed by ssh as root. Read by salt/_utils/mattermost_controller/hosts/probe.py, which also puts these
# variables before it:
: "${INSTALL:?}" "${STATE:?}" "${SETTINGS:?}" "${WORK:?}" "${DATABASE:?}" "${DATABASE_PORT:?}" "${ROLE:?}" "${ROLE_RECORD:?}" "${ACCOUNT:?}" "${RUN:?}" "${WEBROOT:?}" "${NAME:?}" "${CONFIG_KEYS:?}"

fact() { # fact KEY VALUE: on one line, whatever somebody named a file or a program
  case $2 in
    *[[:cntrl:]]*) printf '%s\t%s\n' "$1" "$(printf %s "$2" | tr '[:cntrl:]' '?')" ;;
    *) printf '%s\t%s\n' "$1" "$2" ;;
  esac
}
has() { command -v "$1" >/dev/null 2>&1; }

fact time "$(date +%s)"
fact uid "$(id -u)"
fact arch "$(uname -m)"
fact ssh "${SSH_CONNECTION:-}"

# -- platform --
if [ -r /etc/os-release ]; then
  grep -E '^(ID|ID_LIKE|VERSION_ID|PRETTY_NAME)=' /etc/os-release | while read -r line; do fact os "$line"; done
fi
fact glibc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
fact init "$(cat /proc/1/comm 2>/dev/null)"
fact systemd "$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"
fact locale "$(grep -hs '^LANG=' /etc/locale.conf /etc/default/locale | head -n 1)"
[ -r /sys/fs/selinux/enforce ] && fact selinux "$(cat /sys/fs/selinux/enforce)"
for python in python3 /usr/libexec/platform-python; do
  has "$python" && fact python "$python $("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)"
done
for program in tar xz curl openssl sudo; do has "$program" && fact program "$program"; done

# -- room --
awk '/^(MemTotal|SwapTotal):/ {sub(":", "", $1); print "memory\t" $1 " " $2}' /proc/meminfo
places() { # the nearest existing directory above each path, one df for all of them
  local path
  set --
  for path in "$INSTALL" "$STATE" "$WORK" /var/lib /var/tmp; do
    fact place "$path"
    set -- "$@" "$(existing "$path")"
  done
  df -Pk "$@" | awk 'NR > 1 {print "disk\t" $4 " " $6}'
}
places
awk '{print "mount\t" $2 " " $4}' /proc/mounts

# -- network: sockets that listen, as the kernel writes them, and who holds them --
awk '$4 == "0A" {print "listen\t" $2 " " $10}' /proc/net/tcp /proc/net/tcp6 2>/dev/null
# shellcheck disable=SC2012  # only numbers, socket:[N] and the programs' paths are read from it
{ ls -l /proc/[0-9]*/exe; ls -l /proc/[0-9]*/fd; } 2>/dev/null | awk '
  FILENAME != "-" {if ($4 == "0A") wanted[$10] = 1; next}
  / \/proc\/[0-9]+\/exe -> / {
    match($0, /\/proc\/[0-9]+\/exe -> /)
    pid = substr($0, RSTART + 6, RLENGTH - 14)
    exe[pid] = substr($0, RSTART + RLENGTH)
  }
  /^\/proc\// {split($0, part, "/"); pid = part[3]}
  /socket:\[[0-9]+\]$/ {
    inode = $NF; gsub(/[^0-9]/, "", inode)
    if ((inode in wanted) && !((inode, pid) in seen)) {
      seen[inode, pid] = 1
      if (!(pid in comm)) {file = "/proc/" pid "/comm"; getline comm[pid] < file; close(file)}
      print "holder\t" inode " " comm[pid] " " exe[pid]
    }
  }
' /proc/net/tcp /proc/net/tcp6 - 2>/dev/null
fact addresses "$(hostname -I 2>/dev/null)"
# Ubuntu's unit is active also where ufw filters nothing
grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf && fact ufw yes

# -- what is there already --
read_config() { # those keys of the server's config.json that an upgrade asks for, as its own account reads it: no secret, no file of another's
  # A double quote ends each record: every second one is within a string, unless a backslash escapes the quote
  timeout 10 runuser -u "$ACCOUNT" -- head -c 1048577 "$STATE/config/config.json" 2>/dev/null </dev/null | awk -v RS='"' -v wanted="$CONFIG_KEYS" '
    BEGIN {count = split(wanted, keys, " "); for (n = 1; n <= count; n++) name[tolower(keys[n])] = keys[n]}
    function tell() {
      place = tolower(key[1] "." key[2])
      gsub(/[[:cntrl:]]/, "?", last)
      if (depth == 2 && last != "" && length(last) <= 200 && (place in name)) print "config\t" name[place] " " last
    }
    quoted {
      escapes = match($0, /\\+$/) && RLENGTH % 2
      if (length(text) < 300) text = text $0 (escapes ? "\"" : "")
      if (escapes) next
      last = "\"" text "\""; quoted = 0; next
    }
    {
      for (n = 1; n <= length($0); n++) {
        sign = substr($0, n, 1)
        if (sign == "{" || sign == "[") {key[++depth] = ""; last = ""; begun = 1}
        else if (sign == ":") {key[depth] = substr(last, 2, length(last) - 2); last = ""}
        else if (sign == "," || sign == "}" || sign == "]") {tell(); last = ""; if (sign != ",") depth--}
        else if (sign !~ /[[:space:]]/ && length(last) < 300) last = last sign
      }
      text = ""; quoted = 1
    }
    END {if (begun && depth == 0) print "config_read\tyes"}'
}
fact current "$(readlink "$INSTALL/current" 2>/dev/null)"
[ ! -r "$WORK/switch/journal" ] || fact switching "$(sed -n 's/^begin [^ ]* //p' "$WORK/switch/journal")"
[ ! -e "$INSTALL/current" ] || fact users "$(timeout 10 mattermost-switch users 2>/dev/null)"
[ "$(enterprise_ready "$INSTALL/current")" = false ] || fact edition enterprise
read_config
for path in "$SETTINGS/environment" "$SETTINGS/secrets" "$WORK" "$STATE/config/config.json" "$INSTALL/config/config.json" \
  /opt/mattermost/config/config.json /etc/mattermost/config.json /etc/mattermost/mmomni.mattermost.env \
  /etc/tmpfiles.d/mattermost-salt.conf; do
  [ -e "$path" ] && fact file "$path"
done
for path in "$SETTINGS/environment" "$SETTINGS/secrets" "$STATE/config" "$STATE/config/config.json" "$STATE/data" \
  "$INSTALL/current/bin/mattermost"; do
  [ -e "$path" ] && fact mode "$(stat -Lc '%a %U %n' "$path")"
done
# the account that the server gets, what is in its directories, and the units that carry its names: ours, or somebody's
fact account "$(getent passwd "$ACCOUNT")"
fact group "$(getent group "$ACCOUNT")"
fact programs_account "$(getent passwd mattermost-sql)"
fact programs_group "$(getent group mattermost-sql)"
# what already gives something to accounts of those names, there or not
for account in "$ACCOUNT" mattermost-sql; do
  {
    grep -lsE "^[[:space:]]*(User_Alias[^#]*[=,:][[:space:]]*|([^#=]*,[[:space:]]*)?)%?${account}([[:space:],:]|\$)" /etc/sudoers /etc/sudoers.d/*
    grep -lsE "^(@[a-z]+|([^#[:space:]]+[[:space:]]+){4}[^#[:space:]]+)[[:space:]]+${account}[[:space:]]" /etc/crontab /etc/cron.d/*
    ls -d "/var/spool/cron/crontabs/$account" "/var/spool/cron/$account" 2>/dev/null
  } | while read -r file; do fact account_file "$account $file"; done
done
grep -lsxF "User=$ACCOUNT" /etc/systemd/system/*.service /usr/lib/systemd/system/*.service /lib/systemd/system/*.service |
  grep -v '/mattermost[^/]*$' | while read -r unit; do fact account_unit "$unit"; done
loose() { # loose PATH: the directory above it, as it really is, in which another account than root can replace what is there
  local at real
  real=$(readlink -m -- "$1") && at=${real%/*} || return 0
  while :; do
    case $(stat -c '%u:%a' "${at:-/}" 2>/dev/null) in
      '' | 0:[1357]??? | 0:*[0145]) ;;
      *) fact loose "$1//${at:-/}//$(stat -c %U "${at:-/}")" && return ;;
    esac
    [ -n "$at" ] || return 0
    at=${at%/*}
  done
}
for path in "$INSTALL" "$INSTALL.coming" "$STATE" "$SETTINGS" "$WORK" "$WEBROOT" "$REPOSITORY"; do
  [ -n "$path" ] || continue
  loose "$path"
  real=$(readlink -m -- "$path") && [ "$real" != "$path" ] && fact real "$path//$real"
  [ -e "$path" ] || [ -L "$path" ] || continue
  fact directory "$path"
  [ -d "$path" ] && find "$path/" -mindepth 1 -maxdepth 1 2>/dev/null | sort | head -n 200 | while read -r entry; do
    fact entry "$path//${entry##*/}"
  done
  [ -d "$path" ] || fact no_directory "$path"
done
[ -e "$RUN" ] && fact run_owner "$(stat -c %U "$RUN")"
# who else makes a directory of that name, whether it runs or not
{
  grep -lsE "^RuntimeDirectory=(.* )?${RUN#/run/}( |\$)" /etc/systemd/system/*.service /usr/lib/systemd/system/*.service /lib/systemd/system/*.service
  grep -lsE "^[a-zA-Z!+^=~-]+[[:space:]]+(/var)?$RUN([[:space:]]|\$)" /etc/tmpfiles.d/*.conf /usr/lib/tmpfiles.d/*.conf
} | grep -v '/mattermost[^/]*$' | head -n 1 | while read -r unit; do fact run_unit "$unit"; done
# what has a name of ours and not our record: units, what changes them, programs, files beside those of other programs
foreign() { # foreign KIND PATH...
  local kind="$1" path record
  shift
  for path in "$@"; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    record=$path
    case $path in # what cannot say it itself was written with one that does
      */unavailable.json) record=${path%json}html ;;
      */mattermost-authority.pem) record=${path%/*}/renewal-hooks/deploy/mattermost-nginx ;;
      /etc/apt/keyrings/*) record=/etc/apt/sources.list.d/mattermost-postgresql.sources ;;
      /etc/pki/rpm-gpg/*) record=/etc/yum.repos.d/mattermost-system.repo ;; # written before the other one
      */mattermost/closed) record=${path%closed}site.conf ;;
    esac
    [ -f "$record" ] && grep -qsE '^(#|<!--) Managed by Salt \(mattermost' "$record" || fact foreign "$kind $path"
  done
}
for folder in /etc/systemd/system/ /etc/systemd/system.control/ /etc/systemd/system.attached/ /run/systemd/system/ /run/systemd/system.control/ \
  /run/systemd/system.attached/ /run/systemd/transient/ /run/systemd/generator/ /usr/local/lib/systemd/system/ /usr/lib/systemd/system/ /lib/systemd/system/; do
  case $folder in /lib/*) [ ! -L /lib ] || continue ;; esac # the same as /usr/lib
  for type in service timer socket path; do
    foreign unit "$folder"mattermost*."$type"
    foreign dropin "$folder"mattermost*."$type".d/*.conf "$folder"mattermost*."$type".wants/* "$folder"mattermost*."$type".requires/*
  done
done
foreign script /etc/init.d/mattermost*
# what a vendor or a container's host has there (/usr/lib, /run) is no decision of this host's administrator
foreign policy /etc/systemd/system/service.d/*.conf /etc/systemd/system/timer.d/*.conf
fact unit_user "$(sed -n '/^# Managed by Salt (mattermost/,$ s/^User=//p' /etc/systemd/system/mattermost.service 2>/dev/null)"
foreign program /usr/local/sbin/mattermost-*
foreign file /usr/local/lib/mattermost/* /etc/tmpfiles.d/mattermost-salt.conf /etc/tmpfiles.d/mattermost-logs.conf \
  /etc/systemd/system/nginx.service.d/mattermost.conf /etc/systemd/system/certbot*.service.d/mattermost.conf \
  /etc/nginx/conf.d/mattermost-base.conf /etc/nginx/conf.d/mattermost-ssl.conf /etc/nginx/conf.d/mattermost-non-ssl.conf \
  /etc/nginx/conf.d/mattermost-additional-names.conf /etc/nginx/mattermost/* \
  /etc/letsencrypt/renewal-hooks/deploy/mattermost-nginx /etc/letsencrypt/mattermost-authority.pem \
  /etc/apt/sources.list.d/mattermost-*.sources /etc/apt/keyrings/mattermost-*.asc \
  /etc/yum.repos.d/mattermost.repo /etc/yum.repos.d/mattermost-system.repo /etc/pki/rpm-gpg/RPM-GPG-KEY-mattermost-* \
  /etc/postgresql/*/*/conf.d/mattermost.conf /var/lib/pgsql/*/data/conf.d/mattermost.conf
for path in /etc/nginx/mattermost /usr/local/lib/mattermost; do [ -d "$path" ] || foreign file "$path"; done
# a certificate that certbot keeps has its file of renewal, also after a removal
[ -e "/etc/letsencrypt/renewal/$NAME.conf" ] || [ -e "/etc/letsencrypt/renewal/$NAME.conf.kept" ] ||
  foreign certificate "/etc/letsencrypt/live/$NAME" "/etc/letsencrypt/archive/$NAME"
# sites of others; a package's own default page is none, unless somebody made a site of it
own=$(dpkg-query -W -f='${Conffiles}\n' nginx-common 2>/dev/null | sed -n 's,^ /etc/nginx/sites-available/default \([0-9a-f]\{32\}\).*,\1,p')
[ -z "$own" ] || [ "$own" = "$(md5sum /etc/nginx/sites-enabled/default 2>/dev/null | cut -c1-32)" ] || foreign file /etc/nginx/sites-enabled/default
for path in /etc/nginx/conf.d/*.conf /etc/nginx/sites-enabled/*; do
  case ${path##*/} in default | default.conf | mattermost-base.conf | mattermost-ssl.conf | mattermost-non-ssl.conf | mattermost-additional-names.conf | '*' | '*.conf') continue ;; esac
  [ -r "$path" ] && fact nginx_site "$path"
done
# the bundle that deployed it
[ -r "$WORK/bundle" ] && head -n 9 "$WORK/bundle" | while read -r line; do fact bundle "$line"; done
# where the server was moved to, once it was
fact moved "$(value_of "$WORK/moved" to)"
# an installation that an import set aside: for good, back again, or just now
for found in open:journal kept:kept back:given-back; do
  [ -e "$WORK/aside/${found#*:}" ] && fact aside "${found%:*}" && break
done
# when the last good backup was made, and since when there should be some
fact backup "$(value_of "$WORK/backup/last-good" epoch)"
fact backup_since "$(stat -c %Y /etc/systemd/system/timers.target.wants/mattermost-backup.timer 2>/dev/null)"
fact backup_failed "$(sed -n '/^result=done/q; s/^reason=//p' "$WORK/backup/backup-report" 2>/dev/null)"
# the lock counts only while somebody holds it; looked up, not tried, so that a starting run is never in the way
# shellcheck disable=SC2154 # tools.sh sets run_lock
[ -z "$(run_lock_holders)" ] || fact lock "$(head -n 1 "$run_lock")"

# -- systemd's view --
units() { # by name: a pattern finds only what is loaded, not what was stopped
  local cluster version programs
  set -- mattermost.service nginx.service firewalld.service nftables.service netfilter-persistent.service iptables.service ip6tables.service \
    shorewall.service postgresql.service certbot.timer certbot-renew.timer mattermost-backup.timer mattermost-certificate.timer
  for cluster in /etc/postgresql/*/*; do # Debian's: VERSION/NAME
    [ -d "$cluster" ] || continue
    version=${cluster%/*}
    set -- "$@" "postgresql@${version##*/}-${cluster##*/}.service"
  done
  for programs in /usr/pgsql-*; do # PostgreSQL's own packages
    [ -d "$programs" ] && set -- "$@" "postgresql-${programs##*-}.service"
  done
  systemctl show -p Id,LoadState,ActiveState,UnitFileState,NextElapseUSecRealtime "$@" 2>/dev/null
}
if has systemctl; then units | while read -r line; do fact unit "$line"; done; fi

# -- PostgreSQL: each server that runs here, its version and whether the database exists and holds tables --
for found in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
  [ -x "$found/psql" ] && PATH=$found:$PATH
done
for path in /var/lib/postgresql/*/main /var/lib/pgsql/*/data; do # one that is stopped: numbers from 16384 on are of databases that somebody made
  [ ! -d "$path/base" ] || [ -e "$path/postmaster.pid" ] ||
    fact stopped "$path $(find "$path/base" -mindepth 1 -maxdepth 1 -name '[1-9]*' | awk -F/ '$NF >= 16384' | wc -l)"
done
ask() { # SOCKET_DIRECTORY PORT DATABASE SQL
  PGOPTIONS='-c search_path=pg_catalog' timeout 5 runuser -u postgres -- psql -XAtq -h "$1" -p "$2" -d "$3" -c "$4" 2>/dev/null </dev/null
}
ask_as_owner() { # SOCKET_DIRECTORY PORT OWNER SQL: in the server's own database, as its role: nothing in there gets more than that
  PGOPTIONS='-c search_path=pg_catalog' timeout 5 runuser -u mattermost-sql -- psql -XAtq -h "$1" -p "$2" -U "$3" -d "$DATABASE" -c "$4" 2>/dev/null </dev/null
}
for socket in /var/run/postgresql/.s.PGSQL.* /tmp/.s.PGSQL.*; do
  [ -S "$socket" ] || continue
  port=${socket##*.}
  answer=$(ask "${socket%/*}" "$port" postgres "select current_setting('server_version_num'),
    (select count(*) from pg_database where not datistemplate and datname not in ('postgres', '$DATABASE')),
    (select pg_get_userbyid(datdba) from pg_database where datname = '$DATABASE'),
    (select coalesce(shobj_description(oid, 'pg_authid'), '') like '%$ROLE_RECORD%' from pg_roles where rolname = '$ROLE')")
  fact postgresql "$port ${answer%%|*}"
  rest=${answer#*|}
  fact others "$port ${rest%%|*}"
  rest=${rest#*|}
  owner=${rest%%|*}
  [ "$port" != "$DATABASE_PORT" ] || fact role_is_ours "${rest#*|}"
  if [ "$port" = "$DATABASE_PORT" ] && [ -n "$owner" ]; then
    count="select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
    if tables=$(ask_as_owner "${socket%/*}" "$port" "$owner" "$count"); then
      ask_as_owner "${socket%/*}" "$port" "$owner" "$UNREADABLE" | while read -r name; do fact unreadable "$name"; done
      # what a migration that was interrupted leaves: indexes that nothing uses, and the time of its lock
      ask_as_owner "${socket%/*}" "$port" "$owner" "select regexp_replace(format('%I', relname), '[[:cntrl:]]', '?', 'g')
        from pg_index join pg_class on pg_class.oid = indexrelid where not indisvalid order by 1 limit 10" |
        while read -r name; do fact invalid_index "$name"; done
      fact migration_lock "$(ask_as_owner "${socket%/*}" "$port" "$owner" 'select max(expireat) from public.db_lock')"
    else # one that this tree did not make: only what the catalogue says
      tables=$(ask "${socket%/*}" "$port" "$DATABASE" "$count")
    fi
    fact database "$owner $tables"
  fi
done

# -- the certificate that nginx is told to serve; certificates are public --
for site in ssl non-ssl; do [ -e "/etc/nginx/conf.d/mattermost-$site.conf" ] && fact site "$site"; done
for file in /etc/nginx/conf.d/*.conf; do
  [ -r "$file" ] || continue
  sed -n 's/^[[:space:]]*ssl_certificate[[:space:]][[:space:]]*\([^;]*\);.*/\1/p' "$file"
done | sort -u | while read -r path; do
  [ -r "$path" ] || continue
  fact certificate_file "$path"
  sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' "$path" | while read -r line; do
    fact certificate "$path $line"
  done
done
# how its renewal goes, as the host's own program sees it
if has mattermost-certificate; then
  mattermost-certificate look 2>/dev/null | while read -r line; do fact renewal "$line"; done
fi
fact end ok
