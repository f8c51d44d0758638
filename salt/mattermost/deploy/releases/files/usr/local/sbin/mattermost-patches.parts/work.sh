# shellcheck shell=sh disable=SC2154 # part of mattermost-patches, which sets the variables
# What systemd runs.

work() { # sets installed
    local until="" archive
    mkdir -p "$own/downloads" || fail 4 "$own cannot be created. Check the disk: df"
    lock || fail 2 "Another run of mattermost-patches is in progress. See: systemctl status mattermost-patches"
    [ -e "$own/now" ] || until=$(($(uptime_centi) + seconds * 100))
    rm -f "$own/now"
    installed=$(current)
    write_report running "A run of mattermost-patches began and has not ended."
    is_version "$installed" || end_run skipped "No Mattermost is installed on this host, so nothing is upgraded."
    refuse_others
    stop_after_rollback
    choose_patch
    if [ -z "$patch" ]; then
        [ -z "$doubt" ] || end_run skipped "No newer patch than Mattermost $installed is known. $doubt"
        end_run 'done' "Mattermost $installed is the newest patch of its line."
    fi
    archive=$own/downloads/$patch.tar.gz
    is_whole "$patch" || bring_archive "$archive"
    # no deploy begins until this program ends; it would change the same files
    hold_runs_out 0 && [ "$(current)" = "$installed" ] || end_run skipped "A deploy is running on this host. The next window tries again."
    refuse_others
    is_whole "$patch" || unpack_archive "$archive"
    rm -rf "$own/downloads"
    switch_to_patch "$until"
}

switch_to_patch() { # switch_to_patch UNTIL: hundredths of a second since boot after which the server is not stopped any more; empty for no end
    local left=600 rc
    if [ -n "$1" ]; then
        left=$((($1 - $(uptime_centi)) / 100))
        [ "$left" -gt 0 ] || end_run skipped "The window ended before the server could be stopped. Mattermost $patch is unpacked. The upgrade begins in the next window."
        [ "$left" -lt 600 ] || left=600
    fi
    [ "$selinux" != yes ] || restorecon -RF "$install/$patch" # also of a tree that an interrupted run left
    MATTERMOST_PATIENCE=$left mattermost-switch to "$patch" >"$scratch/switch" 2>&1
    rc=$?
    case $rc in
        0)
            mark "$own/reached" "$patch"
            mattermost-kept prune >"$scratch/kept" 2>&1 || cat "$scratch/kept"
            write_report 'done' "Mattermost was upgraded from $installed to $patch$(outage)."
            say "done: Mattermost was upgraded from $installed to $patch."
            systemctl start --no-block mattermost-patches-tell.service
            ;;
        2)
            case $(reason_of) in
                *' is running'* | *'not ended yet'* | *'was requested'*) end_run skipped "The upgrade to Mattermost $patch was refused: $(reason_of)" ;;
                *) end_run failed "The upgrade to Mattermost $patch was refused: $(reason_of)" ;;
            esac
            ;;
        *) stop_for_good "$patch" to-undone ;;
    esac
}

reason_of() { # what mattermost-switch says, its report or the one line of an error
    local reason
    reason=$(value_of "$scratch/switch" reason)
    say "${reason:-$(tail -n 1 "$scratch/switch")}"
}

outage() { value_of "$switched" outage | awk '{ printf "; chat was down for %.1f s", $1 / 100 }'; } # nothing where a kill made it unknown
