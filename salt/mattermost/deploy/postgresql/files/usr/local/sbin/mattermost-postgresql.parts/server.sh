# The server meanwhile.

stop_server() {
    : >"$closed" && flush "$own" || return 1
    : >"$pause" && : >"$hold"
    systemctl stop "$service"
}

serve() { # let the server start, and have it proved healthy; mattermost-switch opens the site again; sets outage_end or why
    rm -f "$closed" && flush "$own"
    mattermost-switch restart >"$own/server.log" 2>&1 || { why=$(sed -n 's/^reason=//p' "$own/server.log"); return 1; }
    outage_end=$(uptime_centi)
}
