# The running version started anew; an environment file that it is not well with is taken back.

restart() { # sets from, to, outage_start, since
    local reason lines_from
    to=$(current)
    from=$to
    if [ -z "$to" ]; then
        write_report refused "No version is installed yet." "Deploy first."
        return
    fi
    outage_start=$(uptime_centi)
    if stop_server && start_server && watch "$to" 0; then
        save_file "$environment" good-environment
        write_report 'done' "Mattermost $to was started and is healthy." ''
        return
    fi
    reason=$why lines_from=$since
    if [ -e "$own/good-environment" ] && ! cmp -s "$own/good-environment" "$environment"; then
        cp -p "$environment" "$environment.failed"
        if restore_file good-environment "$environment" && stop_server && start_server && watch "$to" 0; then
            since=$lines_from
            write_report undone "$reason" \
                "It serves again with the environment file of before; the one that failed is $environment.failed. Correct the settings that it comes from (mattermost:server:environment, mail, database) and deploy again."
            return
        fi
        mv -f "$environment.failed" "$environment"
    fi
    since=$lines_from
    write_report failed "$reason" "systemd goes on trying. Look at: journalctl -u $service"
}
