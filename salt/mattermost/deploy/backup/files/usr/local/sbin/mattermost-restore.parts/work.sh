# What people and Salt run: they ask, systemd does.

ask() { # ask WHAT: systemd does it, so it goes on when the caller is gone
    systemctl start "mattermost-restore@$1.service"
    rc=$?
    cat "$report"
    [ "$rc" = 0 ] || exit 4
}

work() {
    take_lock
    manifest=$scratch/manifest overwrite=''
    back || fail 4 "An interrupted restore could not be undone."
    case $1 in
        back) ;;
        drill) drill ;;
        *:overwrite) overwrite=yes && restore "${1%:*}" ;;
        *) restore "$1" ;;
    esac
}
