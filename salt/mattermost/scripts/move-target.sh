# shellcheck shell=sh
# shellcheck disable=SC2154 # variables and functions are move.sh's
# What a move or an import does on the host that the server comes to; laid behind move.sh, whose functions it uses.

# ---- the target ------------------------------------------------------------------------------------------------------

target_begun() { # before its server may start: the site stays closed until all is there, also over a reboot; what says why comes first
    mkdir -p "$work" && mark "$work/move-target" "name=$name" || return 1
    (umask 022 && mkdir -p "$(dirname "$site_closed")" && mark "$site_closed") || return 1
    [ ! -e "$work/moved" ] || { rm -f "$work/moved" "$work/take-back" "$root/etc/systemd/system/$service.d/moved.conf" && systemctl daemon-reload; }
}

target_closed() { # its server, fresh or of an earlier try, makes room
    target_begun && close_site && open_to_unpacker "$staging" || return 1
    stop_unit "$service"
    systemctl stop mattermost-backup.timer
    if [ -e "$work/move-placed" ]; then # of a run that was cut short: its source serves
        unplace "$(cat "$work/move-placed")" || return 1
    fi
}

take_over() { # secrets and certificates of the source, from standard input; what belongs to this host alone stays
    local file
    rm -rf "$own/taken" && unpack "$own/taken" && mkdir -p "$settings/secrets" || return 1
    for file in "$own/taken/secrets"/*; do
        is_secret "${file##*/}" || continue
        case $file in
            */database-password) continue ;;
            */backup-password) # that of a repository elsewhere, or of one that is to begin; one of this host keeps its own
                if [ -e "$work/backup/known" ]; then
                    case $repository in /*) continue ;; esac
                    [ "$(cat "$work/backup/known")" = "$repository" ] || continue
                fi
                ;;
        esac
        take_file "$file" "$settings/secrets/${file##*/}" || return 1
    done
    take_file "$own/taken/first-admin-login" "$own/first-admin-login" && take_certificates "$own/taken/certificates" || return 1
    rm -rf "$own/taken"
}

give_secrets() { # the same, on the source
    local there
    rm -rf "$own/giving" && mkdir -p "$own/giving" || return 1
    [ ! -d "$settings/secrets" ] || ln -s "$settings/secrets" "$own/giving/secrets"
    [ ! -d "$certificates" ] || ln -s "$certificates" "$own/giving/certificates"
    [ ! -f "$settings/first-admin-login" ] || cp -p "$settings/first-admin-login" "$own/giving/"
    cd "$own/giving" || return 1
    set --
    for there in secrets certificates; do [ ! -d "$there/" ] || set -- "$@" "$there/."; done
    [ ! -f first-admin-login ] || set -- "$@" first-admin-login
    tar -cf - "$@"
}

new_database() { # new_database NAME: empty, as the server's own is
    end_sessions "$1"
    super "DROP DATABASE IF EXISTS \"$1\"" >/dev/null 2>&1
    create_like_current "$1" | super
}

load() { # load: the dump on standard input into the new database
    new_database "$new" && role_client pg_restore --no-owner --no-privileges -1 -d "$new"
}

drop_new() { end_sessions "$new"; super "DROP DATABASE IF EXISTS \"$new\"" >/dev/null; }

place() { # what was copied becomes the server's own; what was there goes aside. Standard input: the source's config.json
    local replaced replaced_database part
    replaced=$state/replaced-$id
    replaced_database=$(replaced_name "$id")
    cat >"$own/config.json" && [ -s "$own/config.json" ] || return 1
    [ -z "$(odd_files "$staging")" ] || fail 4 "The copied files in $staging contain links or special files, which Mattermost never creates. List them on this host (find $staging ! -type d ! -type f), and remove the files of the same names from the data of the old server."
    sync && mark "$work/move-placed" "$id" && mkdir -p "$replaced" || return 1 # in this order: without the mark nobody looks for it
    end_sessions "$database"
    super "ALTER DATABASE \"$database\" RENAME TO \"$replaced_database\"" >/dev/null && super "ALTER DATABASE \"$new\" RENAME TO \"$database\"" >/dev/null || return 1
    for part in data plugins client-plugins; do
        mkdir -p "$staging/$part" && rename_path "$state/$part" "$replaced/$part" && rename_path "$staging/$part" "$state/$part" && chown -R "$user:$user" "$state/$part" && chmod 750 "$state/$part" || return 1
    done
    copy_file "$state/config/config.json" "$replaced/config.json" && cat "$own/config.json" >"$state/config/config.json.new" &&
        chown "$user:$user" "$state/config/config.json.new" && publish "$state/config/config.json" || return 1
    rm -f "$own/config.json"
}

unplace() { # unplace [ID]: back to where a further try begins; from wherever `place` ended
    local replaced replaced_database part
    replaced=$state/replaced-${1:-$id}
    replaced_database=$(replaced_name "${1:-$id}")
    stop_unit "$service"
    has_database "$replaced_database"
    case $? in
        0)
            end_sessions "$database"
            super "DROP DATABASE IF EXISTS \"$database\"" >/dev/null 2>&1 && super "ALTER DATABASE \"$replaced_database\" RENAME TO \"$database\"" >/dev/null || return 1
            ;;
        2) return 1 ;; # nobody knows: nothing is put back before it is known
    esac
    for part in data plugins client-plugins; do
        [ -d "$replaced/$part" ] || continue
        if [ -d "$state/$part" ] && [ -d "$staging/$part" ]; then # a further try has copied it again
            rm -rf "${state:?}/$part" || return 1
        elif [ -d "$state/$part" ]; then
            rename_path "$state/$part" "$staging/$part" && chown -R "$(unpacker):" "$staging/$part" || return 1
        fi
        rename_path "$replaced/$part" "$state/$part" || return 1
    done
    [ ! -s "$replaced/config.json" ] || copy_file "$replaced/config.json" "$state/config/config.json" || return 1
    sync
    rm -rf "$replaced"
    unmark "$work/move-placed" && drop_new
}

prove() { # start the server behind the maintenance page and wait until it is healthy
    local tries why
    systemctl reset-failed "$service" 2>/dev/null
    systemctl start "$service" || fail 4 "$service does not start: $(journalctl -u "$service" -n 5 -o cat 2>/dev/null | tr '\n' ' ' | cut -c1-600)"
    tries=0
    until why=$(mattermost-switch check 2>&1); do
        tries=$((tries + 1))
        [ "$tries" -lt 150 ] || fail 4 "$why"
        sleep 0.2 2>/dev/null || sleep 1
    done
}

open_site() { # the target serves; what was fresh and empty on it goes away, what held messages stays aside; sets id
    local replaced_database
    [ ! -e "$work/aside/placed" ] || mv -f "$work/aside/placed" "$work/move-placed"
    rm -f "$maintenance" "$site_closed" "$settings/first-admin-login" "$work/move-target"
    rmdir "$(dirname "$site_closed")" 2>/dev/null
    [ ! -f "$own/first-admin-login" ] || mv -f "$own/first-admin-login" "$settings/"
    systemctl enable "$service" 2>/dev/null
    [ -z "$units" ] || systemctl start "$units"
    rm -rf "$staging"
    sync
    id=$(cat "$work/move-placed") && mark "$work/received" && unmark "$work/move-placed" # before what a further try would put back goes
    replaced_database=$(replaced_name "$id")
    if [ "$(role_number "$replaced_database" 'SELECT count(*) FROM posts')" = 0 ]; then
        super "DROP DATABASE \"$replaced_database\"" >/dev/null
        rm -rf "$state/replaced-$id"
    else
        say "The data that was replaced is in $state/replaced-$id and in the database $replaced_database."
    fi
}
