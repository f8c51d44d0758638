# To another version: stop, copy, switch, start, prove healthy. And the same version started anew.

point_at() { # point_at VERSION: INSTALL/current in one rename; without a version it goes away
    if [ -z "$1" ]; then
        rm -f "$install/current"
    else
        rm -f "$install/current.new"
        ln -s "$1" "$install/current.new" && mv -Tf "$install/current.new" "$install/current"
    fi && flush "$install"
}

upgrade() { # sets from, copied, why, outage_start
    local serves
    from=$(current)
    if [ "$from" = "$to" ]; then # nothing to switch
        inspect_service
        if [ "$active" = active ] && healthy "$to"; then
            write_report 'done' "Mattermost $to already serves and is healthy." ''
        else
            restart
        fi
        return
    fi
    why='' copied=yes serves=$from
    if [ ! -x "$install/$to/bin/mattermost" ]; then
        why="There is no release in $install/$to. To install Mattermost $to, set mattermost:release:version to $to, then run $(deploy_command)"
    elif [ -n "$from" ] && is_older "$to" "$from"; then
        why="Mattermost $to is older than the installed $from, and cannot use the database of $from. To go back to the previous version, run on this host: mattermost-switch back"
    elif [ -n "$from" ] && [ ! -x "$install/$from/bin/mattermost" ]; then
        serves=''
        why="$install/current points to $from, but $install/$from does not exist, so a rollback of this upgrade would not be possible. Set mattermost:release:version to $from and deploy. Upgrade after that."
    elif [ -n "$from" ] && ! wait_for_database "$database_timeout"; then
        why="PostgreSQL does not answer, so no safety copy can be made. See: systemctl status 'postgresql*'"
    elif [ -n "$from" ] && ! keep_backups_out; then
        :
    elif [ -n "$from" ]; then
        if [ "$copy" = migrations ] && no_migrations; then copied=no; else check_room || : "${why:=The size of the database cannot be read.}"; fi
    fi
    if [ -n "$why" ]; then
        write_report refused "$why" "Nothing was changed.${serves:+ The version in use is still $serves.}"
        return
    fi
    [ -z "$from" ] || [ "$copied" = no ] || choose_strategy
    { forget_saved && begin "$id" "${from:--}" "$to"; } || fail 4 "$unwritten Nothing was changed."
    outage_start=$(uptime_centi)
    look_before
    stop_server || { roll_back "$service could not be stopped."; return; }
    record stopped || { roll_back "$unwritten"; return; }
    if [ -n "$from" ]; then
        save_configuration || { roll_back "The configuration could not be copied to $own (check the disk: df)."; return; }
        if [ "$copied" = yes ]; then
            record copying || { roll_back "$unwritten"; return; }
            copy_database "$(copy_name before "$id")" "$from before $to" || { roll_back "The safety copy of the database failed: ${error:-its privileges could not be copied}."; return; }
            record copied || { roll_back "$unwritten"; return; }
        else
            end_sessions "$database" # those of the old server that a statement keeps would take the new one's connections
        fi
    fi
    start_other
}

start_other() { # the other version takes over; what it is to work on is in place
    point_at "$to" || { roll_back "$install/current could not be changed."; return; }
    record switched || { roll_back "$unwritten"; return; }
    choose_post
    record started "$(date '+%s %Y-%m-%d %H:%M:%S')" || { roll_back "$unwritten"; return; }
    start_server || { roll_back "$service could not be started."; return; }
    if [ -n "$from" ]; then watch "$to" "$settle"; else watch "$to" 0; fi || { roll_back "$why"; return; }
    record healthy || { roll_back "$unwritten"; return; }
    finish
}

finish() { # the new version is proved: keep it; sets remarks
    remarks=$(sed -n 's/^serving //p' "$journal") # those of before people came in, also after a kill
    save_file "$environment" good-environment
    if [ "$kind" = back ]; then
        finish_going_back
    else
        [ -z "$from" ] || keep_for_rollback || say "The data for a later rollback of this upgrade could not be written to $own/before. Check the disk: df"
        write_report 'done' "Mattermost $to serves and is healthy." ''
    fi
    close_journal
    forget_saved
}

keep_for_rollback() { # what `back` needs of before this upgrade
    local copied previous_database applied
    copied=no previous_database=$database applied=''
    if recorded copied; then
        copied=yes previous_database=$(copy_name before "$id")
        applied=$(without "$(migrations "$database")" "$(migrations "$previous_database")")
        mkdir -p "$own/before/$id" && added "$previous_database" "$database" >"$own/before/$id/added.new" && publish "$own/before/$id/added"
    fi
    keep_configuration "before/$id" "from=$from" "to=$to" "copied=$copied" "schema=$(schema "$previous_database")" \
        "applied=$applied" "config=$(cksum <"$config")"
}

note_restart() { # note_restart [REASON]: in the request, for who has to go on after a kill
    [ "$kind" != restart ] ||
        { say "$id restart looked ${unread:--} $(one_line "${1:-}")" >"$request.new" && mv -f "$request.new" "$request"; }
}

restart() { # an environment file that the server is not well with is taken back; sets from, to, outage_start, since, unread
    local looked noted reason lines_from
    read -r looked unread noted <<END
$to
END
    to=$(current)
    from=$to
    if [ -z "$to" ]; then
        write_report refused "No Mattermost is installed on this host." "To install Mattermost, run $(deploy_command)"
        return
    fi
    outage_start=$(uptime_centi)
    if [ "$looked" = looked ]; then unread=${unread#-}; else look_before; note_restart; fi
    if [ -z "$noted" ] && stop_server && choose_post && start_server && watch "$to" 0; then
        save_file "$environment" good-environment
        write_report 'done' "Mattermost $to was started and is healthy." ''
        return
    fi
    reason=${noted:-$why} lines_from=$since
    if [ -n "$noted" ] || { [ -e "$own/good-environment" ] && ! cmp -s "$own/good-environment" "$environment"; }; then
        note_restart "$reason" # from here on the file that is in place may be the previous one
        cmp -s "$own/good-environment" "$environment" || cp -p "$environment" "$environment.failed"
        if put_back_file good-environment "$environment" && stop_server && choose_post && start_server && watch "$to" 0; then
            since=$lines_from
            write_report undone "$reason" \
                "The server runs again with the previous environment file. The file that failed is now $environment.failed. Correct the settings that made this file (mattermost:server:environment, mattermost:server:license, mattermost:mail or mattermost:database), then run $(deploy_command)"
            return
        fi
        mv -f "$environment.failed" "$environment"
    fi
    since=$lines_from
    write_report failed "$reason" "If the server is not running, systemd keeps trying to start it. Read the reason (journalctl -u $service -n 50), correct the cause, then run on the host: mattermost-switch restart"
}
