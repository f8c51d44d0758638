# The repository of the backups, as each program of ours opens it: its settings, its lock, its report, restic.

export HOME="${HOME:-/root}" # restic asks for it, and systemd gives none
settings_file=${MATTERMOST_BACKUP_SETTINGS:-/etc/mattermost/backup.conf}

read_settings() {
    name='' install='' state='' settings='' work='' user='' service='' database='' role='' bin_dir='' socket_dir='' database_port='' repository='' platform=''
    certificates='' prune=''
    take_settings 'name install state settings work user service database role bin_dir socket_dir database_port repository platform' \
        'certificates prune' 'a deploy'
    psql=$bin_dir/psql
    own=$work/backup
    staging=$own/staging
    report=$own/$kind-report
    RESTIC_PASSWORD_FILE=$settings/secrets/backup-password
    mkdir -p "$own" || fail 4 "$own cannot be created. Check the disk: df"
}

restic() ( # the only program whose environment holds the login to the repository's storage: others run as users who are not to read it
    while IFS= read -r line; do
        case ${line%%=*} in
            *[!A-Za-z0-9_]*) ;;
            [A-Z]*) export "${line?}" ;;
        esac
    done <"$settings_file"
    export RESTIC_REPOSITORY="$repository" RESTIC_PASSWORD_FILE RESTIC_CACHE_DIR="$own/cache"
    exec restic "$@"
)

write_report() { # write_report RESULT REASON ADVICE; more lines on standard input
    {
        say "result=$1"
        say "ended=$(date '+%Y-%m-%d %H:%M:%S %z')"
        say "epoch=$(date +%s)"
        say "reason=$(one_line "$2")"
        say "advice=$(one_line "$3")"
        cat
    } >"$report.new" && mv -f "$report.new" "$report" && rm -f "$report.begun"
    say "$1: $2"
}

give_up() { # give_up RESULT REASON ADVICE: say it, and end
    write_report "$1" "$2" "$3" </dev/null
    fail "$([ "$1" = refused ] && say 2 || say 4)" "$2 $3"
}

take_lock() { # one backup or restore at a time; the lock ends with this process
    lock || give_up refused "Another backup, restore, drill, upgrade, rollback or change of the backup password is running on this host." "Run the same command again when that has ended."
}

restic_says() { # restic_says ARGUMENTS: its output; its reason in the file "$scratch/error" when it fails
    restic "$@" 2>"$scratch/error"
}

last_error() { # last_error FILE: restic's own reason
    grep -v '^$' "$1" | tail -n 3 | tr '\n' ' ' | sed 's/\([^. ]\)[. ]*$/\1./'
}

# Backups that no restore may take, a line each, by number or by the tag of the run: restic read something else than the server's files, or the run was cut before that was known.
# They are those of one repository: the next one that the settings name has its own file.
rejections() { say "$own/rejected-$(say "$repository" | cksum | cut -d' ' -f1)"; }

rejected() { grep -qx "$1" "$(rejections)" 2>/dev/null; } # rejected NUMBER

reject() { # reject NUMBER
    local file
    file=$(rejections)
    { [ ! -e "$file" ] || cat "$file"; } >"$file.new" && say "$1" >>"$file.new" && publish "$file"
}

accept() { # accept NUMBER: it is sound, or gone
    local file
    file=$(rejections)
    grep -vx "$1" "$file" >"$file.new"
    [ "$?" -le 1 ] && publish "$file" # 1: no other is left; 2: the disk is full
}
