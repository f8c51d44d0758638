# shellcheck shell=sh disable=SC2154 # part of mattermost-patches, which sets the variables
# Which patch, and whether anything is in the way.

same_line() { [ "${1%.*}" = "${2%.*}" ]; }

is_patch_of() { # is_patch_of VERSION INSTALLED: a newer version of the same line
    is_version "$1" && same_line "$1" "$2" && is_older "$2" "$1"
}

sum_of() { # sum_of VERSION: the SHA-256 of its archive, by the table of the bundle
    awk -v version="$1" '$1 == version { print $2 }' "$sums"
}

choose_patch() { # sets patch, doubt: the newest that two sources of the vendor list, or that is listed and has a known sum; empty when there is none
    local listed newest
    mattermost-releases look "$installed" >"$scratch/look" || end_run skipped "The release sources could not be read." "Read the reason: journalctl -u mattermost-patches. The next window tries again."
    doubt=$(awk -F '\t' '$1 == "finding" && $2 == "release-sources" && $3 == "refusal" { print $4 " To do: " $5 }' "$scratch/look")
    [ -z "$doubt" ] || end_run failed "$doubt"
    doubt=$(awk -F '\t' '$1 == "finding" && $2 == "release-sources" && $3 == "warning" { print $4 }' "$scratch/look")
    listed=$(awk -F '\t' -v line="${installed%.*}" '$1 == "listed" && $2 == line { print $3 }' "$scratch/look")
    newest=$(awk -F '\t' '$1 == "value" && $2 == "newest" { print $3 }' "$scratch/look")
    patch=''
    if is_patch_of "$newest" "$installed" && [ -n "$(sum_of "$newest")" ]; then
        patch=$newest
    elif is_patch_of "$listed" "$installed"; then
        patch=$listed
    elif is_patch_of "$newest" "$installed"; then
        end_run 'done' "Fewer than two release sources list Mattermost $newest, and the bundle does not know the checksum of that version. So this host stays on $installed until two sources list $newest."
    fi
}

refuse_others() { # what is at work on this host, or was interrupted, goes first
    local why=""
    no_other_is_open || end_run skipped "$why"
    ! is_open switch || end_run skipped "An upgrade or rollback has not ended yet. See: mattermost-switch status"
    if is_open restore || [ -e "$work/backup/closed" ]; then end_run skipped "A restore has not ended yet. See: systemctl status mattermost-restore-back"; fi
    if is_moving || [ -e "$work/aside/journal" ]; then end_run skipped "A move or an import has not ended yet. See: systemctl status mattermost-move; mattermost-aside status"; fi
    [ ! -e "$work/moved" ] || end_run skipped "The server was moved away from this host, so nothing is upgraded here."
    systemctl is-active --quiet mattermost.service || end_run skipped "The server is not running. See: systemctl status mattermost"
}

stop_after_rollback() { # one patch that was rolled back, or from which a person went back, is enough
    local version result
    version=$(value_of "$own/stopped" version)
    if [ -n "$version" ]; then
        if is_patch_of "$version" "$installed"; then end_run stopped "$(value_of "$own/stopped" reason)" "$(advice_of "$version")"; fi
        rm -f "$own/stopped" # somebody deployed it, or another line
    fi
    [ "$(value_of "$switched" id)" != "$(cat "$own/resumed" 2>/dev/null)" ] || return 0
    result=$(value_of "$switched" kind)-$(value_of "$switched" result)
    case $result in
        to-done | to-refused | restart-*) version=$(cat "$own/reached" 2>/dev/null) ;;
        to-*) version=$(value_of "$switched" to) ;;
        back-done) version=$(value_of "$switched" from) ;;
    esac
    ! is_patch_of "$version" "$installed" || stop_for_good "$version" "$result"
}

stop_for_good() { # stop_for_good VERSION HOW: and somebody is told; sets patch
    local reason
    case $2 in
        to-undone | to-failed | to-waiting) reason="Mattermost $1 was rolled back to $installed: $(value_of "$switched" reason)" ;;
        *) reason="This host was rolled back by hand from Mattermost $1 to $installed." ;;
    esac
    { say "version=$1"; say "reason=$(one_line "$reason")"; } >"$own/stopped.new" && publish "$own/stopped"
    patch=$1
    end_run failed "$reason Unattended patches are stopped." "$(advice_of "$1")"
}

advice_of() { say "Correct the cause. Then run mattermost-patches resume on the host, or deploy $1 or a newer patch."; }

resume() {
    mkdir -p "$own" && rm -f "$own/stopped" "$own/reached" && value_of "$switched" id >"$own/resumed.new" && publish "$own/resumed" ||
        fail 4 "$own cannot be written. Check the disk: df"
    say "The next scheduled run tries the patch again."
}
