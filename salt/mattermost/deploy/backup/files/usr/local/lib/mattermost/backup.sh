# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154,SC2015 # names shared with the programs; `a && b || c` where b cannot fail
# Managed by Salt (mattermost.deploy.backup).
# What mattermost-backup and mattermost-restore share. The programs set `program` and `kind` before they read this.

umask 077
export LC_ALL=C HOME="${HOME:-/root}"
PATH=${PATH:-/usr/bin}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 4

fail() { # fail CODE WORDS
    code=$1
    shift
    printf '%s: %s\n' "$program" "$*" >&2
    exit "$code"
}

say() { printf '%s\n' "$*"; }

read_settings() {
    file=${MATTERMOST_BACKUP_SETTINGS:-/etc/mattermost/backup.conf}
    [ -r "$file" ] || fail 2 "$file cannot be read: run as root, after a deploy."
    needed='name install state settings work user service database role bin_dir socket_dir database_port repository platform'
    for key in $needed certificates keep_daily keep_weekly keep_monthly compression; do
        eval "$key=''"
    done
    while IFS='=' read -r key value; do
        case $key in
            '' | *[!A-Za-z0-9_]*) ;;
            [A-Z]*) export "$key=$value" ;; # what the repository's storage wants to know
            webhook | mail_* | smtp_* | ca_file) ;; # mattermost-tell reads them
            *) eval "$key=\$value" ;;
        esac
    done <"$file"
    for key in $needed; do
        eval "value=\$$key"
            [ -n "$value" ] || fail 2 "$file lacks $key; deploy again."
    done
    own=$work/backup
    staging=$own/staging
    report=$own/$kind-report
    export RESTIC_REPOSITORY="$repository" RESTIC_PASSWORD_FILE="$settings/secrets/backup-password" RESTIC_CACHE_DIR="$own/cache"
    mkdir -p "$own" || fail 4 "$own cannot be made."
}

one_line() { printf '%s' "$*" | tr '\n' ' ' | cut -c1-800; }

write_report() { # write_report RESULT REASON ADVICE; more lines on standard input
    {
        say "result=$1"
        say "ended=$(date '+%Y-%m-%d %H:%M:%S %z')"
        say "epoch=$(date +%s)"
        say "reason=$(one_line "$2")"
        say "advice=$3"
        cat
    } >"$report.new" && mv -f "$report.new" "$report"
    say "$1: $2"
}

give_up() { # give_up RESULT REASON ADVICE: say it, and end
    write_report "$1" "$2" "$3" </dev/null
    fail "$([ "$1" = refused ] && say 2 || say 4)" "$2 $3"
}

take_lock() { # one backup or restore at a time; the lock ends with this process
    exec 9>"$own/lock"
    flock -n 9 || give_up refused "Another backup or restore is at work." "Start again when it has ended."
}

sql() { # sql DATABASE: statements on standard input, values on standard output
    runuser -u postgres -- "$bin_dir/psql" -XAtq -F ' ' -v ON_ERROR_STOP=1 -h "$socket_dir" -p "$database_port" -d "$1" -f -
}

one() { say "$2" | sql "$1"; } # one DATABASE STATEMENT

kib_free() { # kib_free PATH: on the file system that PATH is or will be on
    place=$1
    while [ ! -e "$place" ]; do place=$(dirname "$place"); done
    df -Pk "$place" | awk 'NR == 2 { print $4 }'
}

last_error() { # last_error FILE: restic's own reason
    grep -v '^$' "$1" | tail -n 3 | tr '\n' ' '
}

config_value() { # config_value FILE SECTION KEY: of a config.json as the server writes it
    awk -v section="\"$2\":" -v key="\"$3\":" '
        { indent = match($0, /[^ ]/) }
        !inside && $1 == section { inside = indent; next }
        !inside { next }
        indent <= inside { exit }
        !own { own = indent } # what stands deeper is a key of a key
        indent == own && $1 == key { sub(/^[^:]*: */, ""); sub(/,$/, ""); gsub(/^"|"$/, ""); print; exit }' "$1"
}

keys_fingerprint() { # of the keys without which links and encrypted values of the database are lost; not the keys themselves
    printf '%s %s' "$(config_value "$1" SqlSettings AtRestEncryptKey)" "$(config_value "$1" FileSettings PublicLinkSalt)" |
        sha256sum | cut -d' ' -f1
}

# one line a table: its name, rows, and a checksum that does not depend on their order
CENSUS="SELECT 'users', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM users t;
SELECT 'channels', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM channels t;
SELECT 'posts', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM posts t;
SELECT 'fileinfo', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM fileinfo t;"

value_of() { sed -n "s/^$2=//p" "$1" | head -n 1; } # value_of FILE KEY

restic_says() { # restic_says ARGUMENTS: its output; its reason in the file "$scratch/error" when it fails
    restic "$@" 2>"$scratch/error"
}
