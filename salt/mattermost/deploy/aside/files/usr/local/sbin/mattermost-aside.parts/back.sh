# The installation of before, whole again.

request_rollback() { # request_rollback [overwrite]: systemd does it, so that it goes on when the caller is gone
    local tries
    if [ ! -e "$journal" ] && [ -e "$kept" ]; then
        [ "$1" = overwrite ] || fail 2 "The import is complete. Messages posted since then are only in the new server. To go back to the previous server without these messages, run: mattermost-aside back overwrite"
        take_lock
        { mv -f "$kept" "$journal" && flush "$own"; } || fail 4 "$journal could not be written. Check the disk: df"
        exec 9>&-
    fi
    if [ ! -e "$journal" ]; then # who asks again wants it to run
        [ ! -e "$given_back" ] || ! grep -q '^active yes$' "$own/last-journal" || systemctl start "$service"
        return
    fi
    systemctl start "$unit" || fail 4 "$unit does not start. See: systemctl status $unit"
    tries=0
    while [ -e "$journal" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 160 ] || fail 4 "The rollback has not ended yet. $unit continues it. See: systemctl status $unit"
        sleep 1
    done
}

stop_deploy() { # a deploy whose controller is gone must not go on under what is put back, nor another one begin
    local tries patience
    mkdir -p "$(dirname "$run_lock")" # 0700, by the umask
    exec 8>>"$run_lock"
    tries=0 patience=${MATTERMOST_ASIDE_PATIENCE:-100} # times a fifth of a second, to end what it is at
    until flock -n 8; do
        tries=$((tries + 1))
        [ "$tries" -lt $((patience + 100)) ] || return 1
        # shellcheck disable=SC2046 # one word for each process
        [ "$tries" -lt "$patience" ] || kill -KILL $(run_lock_holders) 2>/dev/null
        sleep 0.2 2>/dev/null || sleep 1
    done
}

roll_back() { # repeatable, from wherever the journal ends
    systemctl stop mattermost-switch.service 2>/dev/null
    systemctl disable --now mattermost-backup.timer 2>/dev/null
    if recorded planned; then
        stop_deploy || fail 4 "A deploy is running on this host ($(cat "$run_lock")). Wait until that deploy has ended. $unit tries the rollback again by itself."
        systemctl stop mattermost-switch.service 2>/dev/null
        stop_unit "$service" 2>/dev/null
        put_back || fail 4 "The previous installation could not be restored yet, and $unit tries again by itself. See: journalctl -u $unit"
        systemctl daemon-reload
        systemctl reset-failed "$service" 2>/dev/null
        put_back_account
    fi
    rm -rf "$work/received" "$runtime" "$switch.port" "$switch.closed" "$switch/request" "$switch/may-start"
    [ ! -e "$work/switch/journal" ] || mv -f "$work/switch/journal" "$work/switch/last-journal"
    if recorded 'active yes'; then
        timeout 120 systemctl start "$service" || say "$service did not start. See: systemctl status $service"
    fi
    mark "$given_back"
    mv -f "$journal" "$own/last-journal" && flush "$own"
}

put_back() {
    local path kind place target
    rm -f "$dropin"
    for path in "$units"/*.wants/"$service" "$units"/*.requires/"$service"; do
        [ ! -L "$path" ] || rm -f "$path" || return 1
    done
    while read -r kind place; do
        case $kind in place | fresh) ;; *) continue ;; esac
        if [ "$kind" = fresh ] || is_there "$place$suffix"; then
            make_room "$place" || return 1
        fi
        ! is_there "$place$suffix" || rename_path "$place$suffix" "$place" || return 1
        flush "$(dirname "$place")"
    done <"$journal"
    while read -r path target; do
        mkdir -p "$(dirname "$path")" && rm -f "$path" && ln -s "$target" "$path" && flush "$(dirname "$path")" || return 1
    done <"$own/links"
}

make_room() { # make_room PLACE: of what the server of this tree has there, its releases wait for a next try
    local place="$1"
    is_there "$place" || return 0
    if [ "$place" = "$install" ]; then
        rm -f "$place/current" "$place/current.new"
        rm -rf "$place.coming"
        rename_path "$place" "$place.coming"
    else
        rm -rf "$place"
    fi
}

put_back_account() { # a deploy gives the account another home
    local home shell
    IFS=: read -r _ _ _ _ _ home shell <"$own/account" || return 0
    [ "$(getent passwd "$user" | cut -d: -f6-)" = "$home:$shell" ] || usermod -d "$home" -s "$shell" "$user" ||
        say "The previous home and shell of the account $user could not be set. Run: systemctl stop $service; usermod -d $home -s $shell $user; systemctl start $service"
}
