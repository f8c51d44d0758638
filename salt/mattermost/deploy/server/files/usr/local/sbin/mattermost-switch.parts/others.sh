# The other operations of this host.

PATIENCE=${MATTERMOST_PATIENCE:-600} # seconds that who asks for another version waits for a backup

wait_for_backup() { # before anything is asked for; a restore, which asks for a restart itself, has the same lock
    [ ! -e "$work/backup/lock" ] || flock -w "$PATIENCE" "$work/backup/lock" true
}

no_other_is_open() { # sets why
    why=''
    ! is_open postgresql || why="An upgrade of PostgreSQL has not ended yet. See: mattermost-postgresql status"
    ! is_open rotation || why="A change of the database password has not ended yet. See: journalctl -u mattermost-rotate"
    [ -z "$why" ]
}

keep_backups_out() { # until let_backups_in, or the end of this program: one would read the database in the middle of its migration; sets why
    no_other_is_open || return 1
    mkdir -p "$work/backup" || { why="$work/backup cannot be created. Check the disk: df"; return 1; }
    exec 8>"$work/backup/lock"
    flock -n 8 || { why="A backup, a drill, a restore or a PostgreSQL upgrade is running. Wait until the operation has ended, then run the same command again."; return 1; }
}

let_backups_in() { exec 8>&-; }
