# The old goes aside, the new takes its place; and the rollback of that. The states are at the top of the program.

rename_database() { # rename_database FROM TO
    end_sessions "$1"
    super "ALTER DATABASE \"$1\" RENAME TO \"$2\"" >/dev/null
}

begin_exchange() { # under the lock of the switch, for neither may begin in the middle of the other
    local begun
    mkdir -p "$work/switch" || return 1
    exec 8>"$work/switch/lock"
    rm -f "$own/why"
    flock -w 60 8 && ! is_open switch && ! is_open rotation && mark "$own/open" "$id" &&
        touch "$own/closed" && close_site && flush "$own"
    begun=$?
    exec 8>&-
    let_runs_in # a run that begins now waits for what is open
    return "$begun"
}

exchange() { # each step can be told from what is there, so roll_back needs no more than the ID
    local part
    mkdir -p "$replaced" || return 1
    for part in data plugins client-plugins; do
        [ -d "$fetched$state/$part" ] || continue
        chown -R "$user:$user" "$fetched$state/$part" && chmod 750 "$fetched$state/$part" &&
            rename_path "$state/$part" "$replaced/$part" && rename_path "$fetched$state/$part" "$state/$part" || return 1
    done
    copy_file "$state/config/config.json" "$replaced/config.json" || return 1
    chown "$user:$user" "$fetched$state/config/config.json" && chmod 600 "$fetched$state/config/config.json" && copy_file "$fetched$state/config/config.json" "$state/config/config.json" || return 1
    rename_database "$database" "$replaced_database" && rename_database "$new_database" "$database" && sync && unmark "$own/closed"
}

roll_back_database() { # the database of before in its place again
    has_database "$replaced_database"
    case $? in
        1) return 0 ;;
        2) return 1 ;;
    esac
    has_database "$database"
    case $? in
        0) rename_database "$database" "$new_database" || return 1 ;;
        2) return 1 ;;
    esac
    rename_database "$replaced_database" "$database"
}

roll_back() { # the old state in its place again, from wherever a restore ended; repeatable; sets id
    local part
    [ -e "$own/open" ] || { finish; return; }
    id=$(cat "$own/open")
    set_names
    touch "$own/closed" && close_site && flush "$own" || return 1
    systemctl stop mattermost-switch.service # it may still be starting what is to be undone; no switch of versions is open
    systemctl reset-failed mattermost-switch.service 2>/dev/null
    rm -f "$runtime/request"
    stop_unit "$service" || return 1
    wait_for_database 3 || return 1 # without PostgreSQL nobody knows which database is which
    roll_back_database || return 1
    for part in data plugins client-plugins; do
        [ -d "$replaced/$part" ] || continue
        [ ! -d "$state/$part" ] || rename_path "$state/$part" "$replaced/not-used-$part" || return 1
        rename_path "$replaced/$part" "$state/$part" || return 1
    done
    if [ -s "$replaced/config.json" ]; then # an older program did not flush it: after a power cut it may be empty
        copy_file "$replaced/config.json" "$state/config/config.json" || return 1
    fi
    decide undone && finish
}

decide() { # decide restored|undone: a rename, for the disk may be full
    sync
    mv -f "$own/open" "$own/$1" && flush "$own"
}

finish() { # what remains once it is decided which side serves; repeatable; sets id, and lacking, a sentence of what could not be put in place
    local side
    lacking=''
    for side in undone restored; do
        [ -e "$own/$side" ] || continue
        id=$(cat "$own/$side")
        set_names
        unmark "$own/closed" || return 1
        rm -f "$maintenance"
        systemctl --no-block start "$service" # at boot it has not started yet
        case $side in
            undone) drop_new || return 1 ;;
            *)
                mark "$work/received" || return 1 # as where a move opens the site: the report may be another restore's by the next deploy
                [ ! -d "$fetched" ] || restore_secrets ||
                    lacking="Some secrets or certificates of the backup could not be put in place, so this host still has its previous ones. Check the disk of $settings: df. Then restore the same backup again."
                [ -z "$lacking" ] || say "$lacking" >&2
                ;;
        esac
        rm -f "$own/$side" "$own/why" "$own/why.new"
    done
}

drop_new() { # the new one goes, unless something was posted to it: then it is kept as what a restore replaced is
    local part
    has_database "$new_database"
    case $? in
        0) drop_restored "$new_database" || return 1 ;;
        2) return 1 ;;
    esac
    has_database "$replaced_database"
    case $? in
        0)
            for part in data plugins client-plugins; do
                [ ! -d "$replaced/not-used-$part" ] || rename_path "$replaced/not-used-$part" "$replaced/$part" || return 1
            done
            ;;
        1) rm -rf "$replaced" ;;
        2) return 1 ;;
    esac
}

set_names() { # of the restore with that id; sets fetched, replaced, new_database, replaced_database
    fetched=$state/.restore-$id
    replaced=$state/replaced-$id
    new_database=$(say "$database" | cut -c1-38)_restored_$id
    replaced_database=$(replaced_name "$id")
}
