# Setting the installation aside.

places() { # what the server of this tree takes the place of
    printf '%s\n' "$units/$service" "$units/$service.d" "$install"
}

links() { # what starts the unit at boot, as it is
    local path
    for path in "$units"/*.wants/"$service" "$units"/*.requires/"$service"; do
        [ ! -L "$path" ] || say "$path $(readlink "$path")"
    done
}

running() { # the processes of the program in $tree
    local path
    for path in "$processes"/[0-9]*/exe; do
        case $(readlink "$path" 2>/dev/null) in
            "$tree"/bin/*) path=${path%/exe} && say "${path##*/}" ;;
        esac
    done
}

obstacle() { # why it cannot be set aside, nothing when it can
    local place why
    [ -d "$tree" ] || { say "The directory $tree, which should contain the installation to import, does not exist on this host."; return; }
    [ ! -e "$journal" ] || { say "An import has not ended on this host. Wait until that import has ended. If no import is running, run on this host: mattermost-aside back"; return; }
    [ ! -e "$kept" ] || { say "This host already keeps a previous installation. To list its files: mattermost-aside status. When nobody needs these files, remove all of them, then remove $kept."; return; }
    places | while read -r place; do
        if is_there "$place$suffix"; then
            say "$place$suffix already exists. Rename or remove it."
        elif [ "$place" = "$install" ] && awk -v place="$place" '$2 == place || index($2, place "/") == 1 { found = 1 } END { exit !found }' "$processes/mounts"; then
            say "A file system is mounted at or below $place, so $place cannot be renamed. Set mattermost:paths:install to another directory."
        elif [ -d "$place" ]; then
            why=$(why_fixed "$place" "$place$suffix.probe")
            [ -z "$why" ] || say "$place cannot be renamed: $why"
        fi
    done | head -n 1
    [ "$(systemctl is-active "$service" 2>/dev/null)" = active ] || [ -z "$(running)" ] ||
        say "A program in $tree/bin is running (process $(running | head -n 1)), but $service did not start it. Stop that program, and make sure that nothing starts it at boot."
}

put() {
    local why active place left
    why=$(obstacle)
    [ -z "$why" ] || fail 2 "$why"
    case $(systemctl is-active "$service" 2>/dev/null) in
        active | activating | reloading) active=yes ;;
        *) active=no ;;
    esac
    begin "$(date '+%Y-%m-%d %H:%M:%S %z')" || fail 4 "$journal could not be written. Check the disk: df"
    rm -f "$given_back"
    { record tree "$tree" && record active "$active"; } || fail 4 "$journal could not be written. Check the disk: df"
    for place in $(places); do
        if is_there "$place"; then record place "$place"; else record fresh "$place"; fi || fail 4 "$journal could not be written. Check the disk: df"
    done
    { links >"$own/links" && flush "$own/links"; } || fail 4 "$own/links could not be written. Check the disk: df"
    getent passwd "$user" >"$own/account"
    { flush "$own/account" && record planned; } || fail 4 "$journal could not be written. Check the disk: df"
    stop_unit "$service" 2>/dev/null
    left=$(running | head -n 1)
    [ -z "$left" ] || fail 4 "The server in $tree did not stop. Process $left still runs. Stop that process, then start mattermost.import again on the controller."
    { set_aside && take_place; } || fail 4 "The installation in $tree could not be renamed, or a file could not be written. Check the disk: df. Then start mattermost.import again on the controller."
    systemctl daemon-reload && record put
}

set_aside() {
    local path kind place
    while read -r path _; do
        rm -f "$path" || return 1
    done <"$own/links"
    while read -r kind place; do
        [ "$kind" != place ] || { rename_path "$place" "$place$suffix" && flush "$(dirname "$place")"; } || return 1
    done <"$journal"
}

take_place() { # for the server of this tree: what was unpacked ahead, and a port where nobody comes
    ! is_there "$install.coming" || rename_path "$install.coming" "$install" || return 1
    flush "$(dirname "$install")"
    mkdir -p "$runtime" "$(dirname "$dropin")" || return 1
    : >"$runtime/at-work"
    say "$hidden_port" >"$switch.port"
    cat >"$dropin.new" <<END
# While the installation of before is only set aside for a time: mattermost-aside takes this away.
[Unit]
ConditionPathExists=|!$journal
ConditionPathExists=|$runtime/at-work
[Service]
Environment=MM_SERVICESETTINGS_LISTENADDRESS=127.0.0.1:$hidden_port
END
    chmod 755 "$(dirname "$dropin")" && chmod 644 "$dropin.new" && publish "$dropin"
}
