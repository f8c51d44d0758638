# The server of this tree stays.

keep() { # the one rename decides: before it every end puts the installation of before back, after it none does
    [ ! -e "$kept" ] || [ -e "$journal" ] || { [ ! -e "$dropin" ] || let_users_in; return 0; }
    recorded put || fail 4 "This host has no previous installation that could be kept."
    { mv -f "$journal" "$kept" && flush "$own"; } || fail 4 "$kept could not be written. Check the disk: df"
    let_users_in
}

let_users_in() { # from here on people reach it; done again, also at a boot, as long as the drop-in is there
    mark "$work/received" # as where a move opens the site
    # what the import that the controller ends finds there; should it be gone, nobody is to undo what is proved
    [ ! -e "$work/move-placed" ] || mv -f "$work/move-placed" "$own/placed"
    rm -rf "$runtime" "$switch.closed" "$site_closed" "$switch.port"
    rm -f "$dropin"
    rmdir "$(dirname "$dropin")" 2>/dev/null
    systemctl daemon-reload
    systemctl --no-block restart "$service"
}

status() {
    local file place
    file=$journal
    if [ -e "$journal" ]; then
        say "An import is running on this host, or was interrupted. Wait until the import has ended. If no import is running, run: mattermost-aside back"
    elif [ -e "$kept" ]; then
        file=$kept
        say "The import that began at $(sed -n 's/^begin //p' "$kept") is complete. The previous installation is kept under these names:"
    elif [ -e "$given_back" ]; then
        say "The last import was rolled back, and the previous installation is in its place again."
        return
    else
        say "No previous installation is kept on this host."
        return
    fi
    sed -n 's/^place //p' "$file" | while read -r place; do
        ! is_there "$place$suffix" || say "$place$suffix"
    done
}
