# The old goes aside, the new takes its place; and the way back from that.

rename_database() { # rename_database FROM TO
    end_sessions "$1"
    one postgres "ALTER DATABASE \"$1\" RENAME TO \"$2\"" >/dev/null
}

exchange() { # the old goes aside, the new takes its place; each step can be told from what is there, so `back` needs no more
    say "$id" >"$own/open.new" && mv -f "$own/open.new" "$own/open" && sync || return 1
    mkdir -p "$aside" || return 1
    for part in data plugins client-plugins; do
        [ -d "$fetched$state/$part" ] || continue
        chown -R "$user:$user" "$fetched$state/$part" && mv "$state/$part" "$aside/$part" && mv "$fetched$state/$part" "$state/$part" || return 1
    done
    cp -p "$state/config/config.json" "$aside/config.json.new" && mv "$aside/config.json.new" "$aside/config.json" || return 1
    chown "$user:$user" "$fetched$state/config/config.json" && cp -p "$fetched$state/config/config.json" "$state/config/config.json.new" &&
        mv -f "$state/config/config.json.new" "$state/config/config.json" || return 1
    rename_database "$database" "$kept_database" && rename_database "$new_database" "$database"
}

back() { # the old state in its place again, from wherever a restore ended; repeatable
    [ -e "$own/open" ] || return 0
    id=$(cat "$own/open")
    set_names
    wait_for_database 60 || return 1 # without PostgreSQL nobody knows which database is which
    systemctl stop "$service"
    if has_database "$kept_database"; then
        ! has_database "$database" || rename_database "$database" "$new_database" || return 1
        rename_database "$kept_database" "$database" || return 1
    fi
    for part in data plugins client-plugins; do
        [ -d "$aside/$part" ] || continue
        [ ! -d "$state/$part" ] || { rm -rf "$aside/not-used-$part" && mv "$state/$part" "$aside/not-used-$part"; } || return 1
        mv "$aside/$part" "$state/$part" || return 1
    done
    if [ -e "$aside/config.json" ]; then
        cp -p "$aside/config.json" "$state/config/config.json.new" && mv -f "$state/config/config.json.new" "$state/config/config.json" || return 1
    fi
    sync
    rm -f "$own/open" "$closed" "$hold"
    drop_database "$new_database"
    rm -rf "$aside" "$state/.restore-$id"
    systemctl --no-block start "$service" # at boot its start waits for this
}

set_names() {
    aside=$state/replaced-$id
    new_database=$(say "$database" | cut -c1-38)_restored_$id
    kept_database=$(say "$database" | cut -c1-38)_replaced_$id
}
