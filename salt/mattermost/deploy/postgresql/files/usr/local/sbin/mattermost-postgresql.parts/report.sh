# How the last upgrade ended, for people and for Salt.

write_report() { # write_report RESULT REASON ADVICE
    {
        say "id=$id"
        say "result=$1"
        say "from=$old_version"
        say "to=$new_version"
        say "ended=$(date '+%Y-%m-%d %H:%M:%S %z')"
        [ -z "$outage_start" ] || [ -z "$outage_end" ] || say "outage=$((outage_end - outage_start))"
        say "reason=$(one_line "$2")"
        say "advice=$3"
    } >"$report.new"
    publish "$report"
    say "$1: $2"
}
