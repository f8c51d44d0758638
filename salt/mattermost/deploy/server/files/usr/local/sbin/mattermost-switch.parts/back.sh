# The rollback by command: to the version before the last upgrade.

find_previous() { # sets from, to, source, facts, previous_database, copied, no_copy, and why when there is nothing to go back to
    local found
    from=$(current) source='' why='' no_copy=''
    [ -n "$from" ] || { why="No Mattermost is installed on this host, so there is nothing to go back from."; return 1; }
    for facts in "$own"/before/*/facts; do # in the order of time
        [ "$(value_of "$facts" to)" != "$from" ] || source=$(basename "$(dirname "$facts")")
    done
    if [ -z "$source" ]; then
        why="There is nothing to go back to. Mattermost $from is the first version on this host, or the data that a rollback needs is missing. To return to older data, restore a backup."
        return 1
    fi
    facts=$own/before/$source/facts
    to=$(value_of "$facts" from) copied=$(value_of "$facts" copied) previous_database=$database
    if [ ! -x "$install/$to/bin/mattermost" ]; then
        why="Going back to $to is not possible, because $install/$to no longer exists. To return to older data, restore a backup."
    elif ! wait_for_database "$database_timeout"; then
        why="PostgreSQL does not answer. See: systemctl status 'postgresql*'"
    elif [ "$copied" = yes ]; then
        previous_database=$(copy_name before "$source")
        has_database "$previous_database"
        case $? in
            1) no_copy="The database from before the upgrade, $previous_database, is missing. To return to older data, restore a backup." ;;
            2) why="PostgreSQL does not answer, so its databases cannot be listed. See: systemctl status 'postgresql*'" ;;
            *)
                found=$(schema "$previous_database" 2>/dev/null)
                [ -n "$found" ] && [ "$found" = "$(value_of "$facts" schema)" ] ||
                    no_copy="The schema of the database $previous_database is not the one that Mattermost $to had. So it is not known whether $to can use this database."
                ;;
        esac
    fi
    [ -z "$why" ]
}

choose_way() { # choose_way [copy]: sets what find_way sets, question (what the owner has to agree to), and why when there is none
    question=''
    find_way "${1:-}"
    if [ "$way" = down ]; then
        [ -z "$dropped" ] || question="Going back to $to deletes data that only the newer version can hold: $(drops_in_words)."
    elif [ "$copied" = no ]; then
        why="Going back to $to is not possible: $obstacle To return to older data, restore a backup."
    else
        why=$no_copy question=copy
        [ -z "$why" ] || why="$why${obstacle:+ And the migrations of the last upgrade cannot be taken back: $obstacle}"
    fi
    [ -z "$why" ]
}

count_lost() { # count_lost PRESENT BEFORE: sets lost (a sentence), report_lines (lines for a report), and why when it fails
    local table count
    lost='' report_lines=''
    for table in posts users channels fileinfo; do
        count=0
        [ "$1" = "$2" ] || count=$(only_in "$table" "$1" "$2") || { why="The rows of the table $table that a rollback would lose cannot be counted. See: systemctl status 'postgresql*'"; return 1; }
        report_lines="$report_lines${report_lines:+
}$table=$count"
        case $table in posts) table=messages ;; fileinfo) table=attachments ;; esac
        [ "$count" != 1 ] || table=${table%s}
        lost="$lost${lost:+, }$count $table"
    done
}

show_loss() { # show_loss [copy]: what `back` says: counted now, nothing changed
    local lost report_lines before
    [ ! -e "$journal" ] || fail 5 "An upgrade or rollback is running or was interrupted. See: mattermost-switch status"
    if find_previous && choose_way "${1:-}"; then
        before=$database
        [ "$way" = down ] || before=$previous_database
        count_lost "$database" "$before"
    fi
    if [ -n "$why" ]; then
        printf '%s\n' "result=refused" "kind=back" "from=$from" "reason=$(one_line "$why")" "advice=Nothing was changed.${from:+ The version in use is still $from.}"
        exit 2
    fi
    printf '%s\n' "result=asked" "kind=back" "from=$from" "to=$to" "copied=$copied" "way=$way" "asks=$([ -n "$question" ] && say yes || say no)" "agree=overwrite $way" "$report_lines" \
        "advice=Nothing was changed. To go back, run on this host: mattermost-switch back $([ -n "$question" ] && say "overwrite $way" || say go)"
    if [ "$way" = copy ]; then
        say "reason=${obstacle:+The migrations of the last upgrade cannot be taken back: $obstacle }Going back from $from to $to restores the database and configuration from before the upgrade of $(day "$source"). Created since then: $lost. These and all other changes since then are kept in the database $(copy_name newer DATE), but $to does not show them."
        [ "$(value_of "$facts" config)" = "$(cksum <"$config")" ] ||
            say "config=config.json was changed after that upgrade. Going back restores the old file and keeps the present one as a copy."
    elif [ -z "$taken_back" ]; then
        say "reason=Going back from $from to $to keeps everything that was written since the upgrade of $(day "$source"). The database stays unchanged, because the upgrade had no migration."
    else
        say "reason=Going back from $from to $to keeps the messages and everything else that was written since the upgrade of $(day "$source"): $from takes back what that upgrade did to the schema (migrations $taken_back).${question:+ $question} Rows that these migrations changed may stay changed. The present database is kept as $(copy_name newer DATE)."
    fi
}

day() { say "$(say "$1" | cut -c1-4)-$(say "$1" | cut -c5-6)-$(say "$1" | cut -c7-8)"; } # day ID

go_back() { # sets outage_start, unread, why; the request's third word: go (only if nothing is lost), down, copy; overwrite and - are older callers', of whichever way there is and of the copy
    local word="$to"
    case $word in -) word=copy ;; esac
    if find_previous && choose_way "$word"; then
        if [ "$word" = go ] && [ -n "$question" ]; then
            why="The rollback would lose data. To see which data, and how to go back nevertheless, run on this host: mattermost-switch back (it changes nothing)."
        elif [ "$word" = down ] && [ "$way" != down ]; then
            why="The confirmed rollback is no longer possible: $obstacle To see which rollback is possible now, run on this host: mattermost-switch back (it changes nothing)."
        else
            keep_backups_out
        fi
    fi
    if [ -n "$why" ]; then
        write_report refused "$why" "Nothing was changed.${from:+ The version in use is still $from.}"
        return
    fi
    [ "$way" = copy ] || [ -z "$taken_back" ] || choose_strategy
    { forget_saved && begin "$id" "$from" "$to" back "$source"; } || fail 4 "$unwritten Nothing was changed."
    outage_start=$(uptime_centi)
    look_before
    [ -n "$altered" ] || unread='' # of the version that is left; a plugin that rewrites messages as they are read stays
    stop_server || { roll_back "$service could not be stopped."; return; }
    record stopped || { roll_back "$unwritten"; return; }
    save_configuration || { roll_back "The configuration could not be copied to $own (check the disk: df)."; return; }
    if [ "$way" = copy ]; then
        record swapping || { roll_back "$unwritten"; return; }
        exchange "$(copy_name newer "$id")" "$(copy_name before "$source")" "mattermost-switch: $from before the rollback to $to" ||
            { roll_back "The database from before the upgrade could not be put back."; return; }
        record swapped || { roll_back "$unwritten"; return; }
        previous_configuration || { roll_back "The previous configuration could not be restored."; return; }
    elif [ -n "$taken_back" ]; then
        record copying || { roll_back "$unwritten"; return; }
        copy_database "$(copy_name newer "$id")" "$from before the rollback to $to" ||
            { roll_back "The copy of the database failed: ${error:-its privileges could not be copied}."; return; }
        record copied || { roll_back "$unwritten"; return; }
        if [ "$word" = go ] && { ! count_dropped || [ -n "$dropped" ]; }; then
            roll_back "Data that the rollback would delete was written just before the server stopped, or this data could not be counted. To see which data, run on this host: mattermost-switch back (it changes nothing)."
            return
        fi
        record downgrading || { roll_back "$unwritten"; return; }
        take_back || { roll_back "$why"; return; }
        record downgraded || { roll_back "$unwritten"; return; }
    fi
    start_other
}

finish_going_back() { # the older version is proved: the newer one's things get their place; repeatable
    local newer outcome lost report_lines configuration="is in $own/newer/$id."
    newer=$(copy_name newer "$id") lost='' report_lines=''
    keep_configuration "newer/$id" "from=$from" "to=$to" || configuration="could not be kept in $own/newer. Check the disk: df."
    if recorded downgraded; then
        outcome="The migrations of $from were taken back. What was written since the upgrade stays, except data that only $from can hold. The database from before the rollback is kept as $newer."
        ! count_lost "$newer" "$database" || case $lost in
            '0 messages, 0 users, 0 channels, 0 attachments') ;;
            *) outcome="$outcome These exist only in that database: $lost." ;;
        esac
    elif recorded swapped; then
        rm -rf "$own/before/$source"
        outcome="What was written since the upgrade to $from is now only in the database $newer."
        ! count_lost "$newer" "$database" || outcome="These were created after the upgrade to $from and are now only in the database $newer: $lost."
    else
        outcome="The database was not changed."
    fi
    write_report 'done' "Mattermost $to serves again and is healthy. $outcome" \
        "The configuration of $from $configuration As long as mattermost:release:version names $from, the next run upgrades again. Set mattermost:release:version to $to."
}
