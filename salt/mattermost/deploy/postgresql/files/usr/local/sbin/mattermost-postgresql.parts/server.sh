# The server meanwhile, and the units and settings of ours that name the cluster.

stop_server() {
    mark "$no_start" || return 1
    close_site && : >"$hold"
    stop_unit "$service"
}

start_server() { # let the server start, and have it proved healthy; mattermost-switch opens the site again; sets outage_end or why
    unmark "$no_start"
    mattermost-switch restart >"$own/server.log" 2>&1 || { why=$(sed -n 's/^reason=//p' "$own/server.log"); return 1; }
    outage_end=$(uptime_centi)
}

name_new_cluster() { # units and settings of ours name the cluster's unit and programs
    local file kept
    mkdir -p "$saved" || return 1
    for file in "$units"/mattermost*.service "$settings"/*.conf; do
        [ -f "$file" ] && [ "$file" != "$settings_file" ] && grep -q -F -e "$old_service" -e "$old_bin" "$file" || continue
        kept=$saved/$(say "$file" | tr / %)
        [ -e "$kept" ] || { cp -p "$file" "$kept.new" && publish "$kept" || return 1; }
        cp -p "$file" "$file.new" && sed -e "s|$old_service|$new_service|g" -e "s|$old_bin|$new_bin|g" "$file" >"$file.new" && publish "$file" || return 1
    done
    systemctl daemon-reload
}

name_old_cluster() {
    local file kept
    for kept in "$saved"/*; do
        [ -f "$kept" ] || continue
        file=$(basename "$kept" | tr % /)
        cmp -s "$kept" "$file" || { cp -p "$kept" "$file.new" && publish "$file" || return 1; }
    done
    systemctl daemon-reload
    rm -rf "$saved"
}
