# The automatic rollback: everything as it was before, from wherever the journal ends.

roll_back() { # roll_back REASON: from wherever the journal ends; sets unread, plugins
    local reason="$1" posted='' failed_database='' advice
    note_undo "$reason"
    stop_server || fail 4 "$service cannot be stopped. mattermost-switch.service tries again by itself. See: systemctl status $service"
    if [ -z "$from" ]; then
        point_at ''
        write_report failed "$reason" "The server is stopped. The files of the release stay in $install/$to. Correct the cause, then run $(deploy_command)"
        close_journal
        return
    fi
    if recorded copying || recorded swapping; then
        failed_database=$(failed_name)
        if ! wait_for_database "$database_timeout"; then
            write_report waiting "$reason The database cannot be restored yet, because PostgreSQL does not answer." \
                "Start PostgreSQL (docs/troubleshooting.md, Chat is down). mattermost-switch.service then completes the rollback."
            exit 75 # systemd starts it again
        fi
        recorded database-back || roll_back_database || fail 4 "The database cannot be restored yet. mattermost-switch.service tries again by itself. See: journalctl -u mattermost-switch"
        posted=$(posted_to_failed)
    fi
    case ${posted:-0} in
        0) ;;
        *) reason="$reason $posted messages were posted to $to before it failed. They are now only in the database $failed_database." ;;
    esac
    record database-back
    roll_back_configuration || {
        drop_failed 0 # a full disk?
        roll_back_configuration || fail 4 "The configuration cannot be restored yet. mattermost-switch.service tries again by itself. See: journalctl -u mattermost-switch"
    }
    record config-back
    point_at "$from" || fail 4 "$install/current cannot be restored yet. mattermost-switch.service tries again by itself. See: journalctl -u mattermost-switch"
    record version-back
    if recorded unread; then unread=yes; fi
    [ -n "$plugins" ] || plugins=$(cat "$own/plugins" 2>/dev/null)
    if choose_post && start_server && watch "$from" 0; then
        advice="To stay with $from, set mattermost:release:version to $from. To try again, correct the cause, then run $(command_of 'mattermost.ssl (or .non-ssl)' mattermost.deploy.server)"
        [ "$kind" != back ] || advice="To stay with $from, do nothing. To try again, correct the cause, then run $(back_command)"
        ! recorded downgrading || advice="$advice (To restore the database from before the upgrade instead, run $(back_command copy))"
        write_report undone "$reason" \
            "Mattermost $from serves again, with its previous ${failed_database:+database and }configuration. $install/$to stays for inspection. $advice"
    else
        write_report failed "$reason The previous state was restored, but the old version $from is not healthy either: $why" \
            "If $from is not running, systemd keeps trying to start it. Read the reason (journalctl -u $service -n 50), correct the cause, then run on the host: mattermost-switch restart (docs/troubleshooting.md, Chat is down)."
    fi
    close_journal
    forget_saved
    if check_room; then drop_failed 1; else drop_failed 0; fi
}

back_command() { # back_command [copy]: what goes back to the version before; copy: with its database as it was
    local given=''
    if is_alone; then
        say "on this host: mattermost-switch back${1:+ overwrite copy}"
        return
    fi
    [ -z "${1:-}" ] || given=" pillar='{\"rollback\": {\"overwrite\": true, \"way\": \"copy\"}}'"
    command_of "mattermost.rollback$given" ''
}
