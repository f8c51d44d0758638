# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables stand before it
# What restic says of a repository of backups, of its password or login, that is new to the host, before anything there counts on it.
# Sent by the preflight before scripts/ask.sh, and run by the stage `backup`, which has restic where the preflight had none. It leaves
# nothing behind. Before it stand `fact`, and the variables BACKUP_REPOSITORY, BACKUP_PASSWORD, BACKUP_ENVIRONMENT (lines), SETTINGS and WORK.

is_known_repository() { # is_known_repository STORED: the last deploy gave the host this repository, login and password
  local conf="$SETTINGS/backup.conf"
  [ "$(value_of "$conf" repository)" = "$BACKUP_REPOSITORY" ] || return
  case $BACKUP_PASSWORD in '' | "$1") ;; *) return 1 ;; esac
  ! printf '%s\n' "$BACKUP_ENVIRONMENT" | grep -vxF -f "$conf" | grep -q .
}

needs_new_password() { # needs_new_password STORED: another password than the stored one is to open what has backups of this host
  [ -n "$1" ] && [ "${BACKUP_PASSWORD:-$1}" != "$1" ] && [ "$(cat "$WORK/backup/known" 2>/dev/null)" = "$BACKUP_REPOSITORY" ]
}

open_repository_with() ( # open_repository_with PASSWORD: neither it nor the login is ever in arguments or in a file
  printf '%s\n.\n%s\n' "$BACKUP_ENVIRONMENT" "$1" | {
    while IFS= read -r line && [ "$line" != . ]; do
      [ -z "$line" ] || export "${line?}"
    done
    unset RESTIC_PASSWORD RESTIC_PASSWORD_COMMAND RESTIC_REPOSITORY_FILE
    export HOME="${HOME:-/root}" RESTIC_REPOSITORY="$BACKUP_REPOSITORY" RESTIC_PASSWORD_FILE=/dev/stdin
    exec timeout 15 restic --no-lock --no-cache cat config
  }
)

ask_repository() {
  local said rc stored='' shown
  [ -n "$BACKUP_REPOSITORY" ] && command -v restic >/dev/null 2>&1 || return 0
  [ ! -r "$SETTINGS/secrets/backup-password" ] || IFS= read -r stored <"$SETTINGS/secrets/backup-password"
  ! is_known_repository "$stored" || return 0
  case $BACKUP_REPOSITORY in
    /*) [ -n "$(ls -A "$BACKUP_REPOSITORY" 2>/dev/null)" ] || needs_new_password "$stored" || return 0 ;; # the first backup makes it
  esac
  said=$(open_repository_with "${BACKUP_PASSWORD:-${stored:--}}" 2>&1 >/dev/null)
  rc=$?
  [ "$rc" != 124 ] || said='no answer within 15 seconds'
  said=$(printf '%s\n' "$said" | grep -v '^ *$' | head -n 1 | sed 's|://[^/@]*@|://(hidden)@|g' | cut -c1-300)
  shown=$(printf '%s\n' "$BACKUP_REPOSITORY" | sed 's|://[^/@]*@|://(hidden)@|')
  case $rc:$said in
    0:*) ;;
    12:* | *'wrong password'*)
      if [ -n "$BACKUP_PASSWORD" ]; then
        fact refused "backup:password it does not open the repository $shown, restic says: $said"
      elif [ -n "$stored" ]; then
        fact refused "backup:password it is not set, and the password stored on the host does not open the repository $shown: $said"
      else
        fact refused "backup:password it is not set, but the repository $shown exists already and has a password"
      fi
      ;;
    *)
      if needs_new_password "$stored"; then
        fact refused "backup:password it is new and could not be checked, because restic cannot open the host's repository $shown: $said. Correct the cause, or remove mattermost:backup:password until the repository opens again"
        return
      fi
      case $BACKUP_REPOSITORY:$said in
        *'parsing repository location'* | *'unsupported protocol scheme'*) fact refused "backup:repository restic says: $said" ;;
        /*) fact refused "backup:repository $shown is not empty, and restic cannot open a repository there: $said" ;;
        *'no such file'* | *'does not exist'*) ;; # the first backup makes it
        *) fact unanswered "backup:repository $said" ;;
      esac
      ;;
  esac
}
