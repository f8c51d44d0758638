# shellcheck shell=sh disable=SC2154 # part of mattermost-patches, which sets the variables
# How a run ended, for people and for mattermost.status: done, skipped (the next window tries again), failed, or stopped (a person has to act).

write_report() { # write_report RESULT REASON [ADVICE]
    {
        say "result=$1"
        say "ended=$(date '+%Y-%m-%d %H:%M:%S %z')"
        say "from=$installed"
        say "to=$patch"
        say "reason=$(one_line "$2")"
        say "advice=${3:-}"
    } >"$report.new"
    publish "$report"
}

end_run() { # end_run RESULT REASON [ADVICE]: the end of this program; systemd tells somebody of one that failed
    rm -rf "$own/downloads"
    write_report "$@" || fail 4 "$report cannot be written. Check the disk: df"
    say "$1: $2"
    case $1 in failed) exit 4 ;; esac
    exit 0
}

refuse_when_off() { [ "$unattended" = patches ] || fail 2 "Unattended patches are off. Set mattermost:release:unattended to patches, and deploy."; }

status() {
    say "unattended=$unattended"
    cat "$report" 2>/dev/null || say "No run of mattermost-patches has ended yet."
    [ ! -e "$own/stopped" ] || say "stopped=$(value_of "$own/stopped" reason)"
}

notify() {
    local result
    result=$(value_of "$report" result)
    case $result in
        running) say "$(hostname): The unattended patch of Mattermost ended without a report. See: journalctl -u mattermost-patches; mattermost-switch status" ;;
        *) say "$(hostname): $(value_of "$report" reason) $(value_of "$report" advice)" ;;
    esac | mattermost-tell "$(if [ "$result" = 'done' ]; then say "Mattermost was patched"; else say "Mattermost was not patched"; fi)" ||
        [ "$result" = 'done' ] || exit 4 # good news that nobody asked for is no failure
}
