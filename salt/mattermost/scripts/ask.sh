# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables stand before it
# What the host's own programs say of values that are new to it, before anything counts on them. Behind probe.sh and ask-repository.sh,
# whose functions it uses; it leaves nothing behind. `refused KEY WORDS`: the program does not take the value. `unanswered KEY WORDS`: a service elsewhere.

ask_calendar() { # ask_calendar KEY VALUE UNIT
  local said
  [ -n "$2" ] && [ "$(sed -n 's/^OnCalendar=//p' "/etc/systemd/system/$3" 2>/dev/null)" != "$2" ] || return 0
  if systemd-analyze calendar daily >/dev/null 2>&1; then
    said=$(systemd-analyze calendar -- "$2" 2>&1) && case $said in
      *'Next elapse: never'*) said="the time $2 is in the past or never comes" ;;
      *) return ;;
    esac
  else # older than 236: it reads a timer
    printf '[Timer]\nOnCalendar=%s\n' "$2" >"$asked/mattermost-asked.timer"
    systemd-analyze verify "$asked/mattermost-asked.timer" 2>&1 | grep -q 'parse calendar' || return 0
    said="the time $2 cannot be read"
  fi
  fact refused "$1 systemd says: $(one_line "$said" | cut -c1-300)"
}

ask_postgresql() { # a scratch cluster is started with those of the settings that are new
  local bin file new said as
  : >"$asked/known"
  for file in /etc/postgresql/*/*/conf.d/mattermost.conf /var/lib/pgsql/*/data/conf.d/mattermost.conf; do
    [ ! -f "$file" ] || timeout 5 cat "$file" >>"$asked/known"
  done
  new=$(printf '%s\n' "$PG_SETTINGS" | grep -vxF -f "$asked/known")
  bin=$(dirname "$(command -v initdb)" 2>/dev/null)
  [ -n "$new" ] && [ -x "$bin/initdb" ] && getent passwd postgres >/dev/null || return 0
  as='timeout 40 runuser -u postgres --'
  mkdir "$asked/cluster" && chown postgres "$asked/cluster" && chmod 711 "$asked" || return 0
  $as "$bin/initdb" -N -A peer -D "$asked/cluster/data" >/dev/null 2>&1 </dev/null || return 0 # no room: the deploy tells
  printf "%s\nlisten_addresses = ''\nunix_socket_directories = '%s'\nlogging_collector = off\n" "$new" "$asked/cluster" |
    $as tee -a "$asked/cluster/data/postgresql.conf" >/dev/null
  said=''
  if $as "$bin/pg_ctl" start -w -t 20 -s -D "$asked/cluster/data" -l "$asked/cluster/log" >/dev/null 2>&1 </dev/null; then
    said=$($as "$bin/psql" -XAtq -h "$asked/cluster" -c 'SELECT 1' postgres 2>&1 >/dev/null </dev/null | grep -m 1 FATAL)
  else
    said=$($as grep -m 2 -e 'FATAL:' -e 'LOG: .*parameter' "$asked/cluster/log" | sed 's/^.*\(FATAL\|LOG\):  *//; s/ in file "[^"]*"[^;]*//; s/ *configuration file "[^"]*" contains errors//')
  fi
  $as "$bin/pg_ctl" stop -m immediate -s -D "$asked/cluster/data" >/dev/null 2>&1 </dev/null
  rm -rf "$asked/cluster"
  [ -z "$said" ] || # slow is no refusal
    fact refused "database:settings a test start of PostgreSQL fails with $(one_line "$new" | cut -c1-200): $(one_line "$said" | cut -c1-300)"
}

ask_mail() { # the server's greeting, without a login
  local scheme=smtp said
  [ -n "$MAIL_SERVER" ] && has curl && [ "$(value_of "$SETTINGS/notify.conf" smtp_server):$(value_of "$SETTINGS/notify.conf" smtp_port)" != "$MAIL_SERVER:$MAIL_PORT" ] || return 0
  [ "$MAIL_SECURITY" != tls ] || scheme=smtps
  said=$(curl -skS --connect-timeout 5 -m 8 "$scheme://$MAIL_SERVER:$MAIL_PORT" 2>&1 >/dev/null </dev/null)
  case $? in
    0 | 8 | 21 | 55) ;; # it greeted, whatever it says to what follows
    *) fact unanswered "mail:server $(one_line "$said" | cut -c1-300)" ;;
  esac
}

ask_authority() { # its directory
  local status
  [ -n "$ACME_DIRECTORY" ] && has curl && ! grep -qsxF "server = $ACME_DIRECTORY" /etc/letsencrypt/renewal/*.conf || return 0
  status=$(curl -skS --connect-timeout 5 -m 8 -o "$asked/directory" -w '%{http_code}' "$ACME_DIRECTORY" 2>"$asked/said" </dev/null)
  case $status in
    200 | 404)
      grep -qs '"newAccount"' "$asked/directory" || fact refused "letsencrypt:directory_url the server answers (status $status), but the answer is not an ACME directory"
      ;;
    *) fact unanswered "letsencrypt:directory_url $(one_line "$(cat "$asked/said")" | cut -c1-300) (status $status)" ;;
  esac
}

asked=$(mktemp -d "${TMPDIR:-/var/tmp}/mattermost-asked.XXXXXX" 2>/dev/null) && {
  ask_calendar backup:schedule "$SCHEDULE" mattermost-backup.timer
  ask_calendar release:window:begins "$WINDOW" mattermost-patches.timer
  ask_postgresql
  ask_mail
  ask_authority
  ask_repository
  rm -rf "$asked"
}
