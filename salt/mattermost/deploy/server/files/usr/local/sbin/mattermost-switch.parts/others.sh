# The other operations of this host.

PATIENCE=${MATTERMOST_PATIENCE:-600} # seconds that who asks for another version waits for a backup

wait_for_backup() { # before anything is asked for; a restore, which asks for a restart itself, has the same lock
    [ ! -e "$work/backup/lock" ] || flock -w "$PATIENCE" "$work/backup/lock" true
}

keep_backups_out() { # until let_backups_in, or the end of this program: one would read the database in the middle of its migration; sets why
    mkdir -p "$work/backup" || { why="$work/backup cannot be created."; return 1; }
    exec 8>"$work/backup/lock"
    flock -n 8 || { why="A backup, drill, restore or upgrade of PostgreSQL is running."; return 1; }
}

let_backups_in() { exec 8>&-; }
