# How the last switch ended, for people and for Salt.

log_lines() { # the first errors that the watched server logged; no secret of the environment file in them
    local started
    started=$(sed -n 's/^started [0-9]* //p' "$journal" 2>/dev/null)
    journalctl -u "$service" --since "${started:-$since}" -o cat --no-pager 2>/dev/null |
        tr '\001-\011\013-\037\177' ' ' | # a carriage return would begin a line of the server's own in the report
        grep -E '"level":"(error|critical|fatal|panic)"|^(Error|panic|fatal error)|Failed|Assertion' |
        grep -v -e '"level":"\(warn\|info\|debug\)"' -e 'License key from' -e 'Failed to update assets subpath' |
        awk -v secrets="$environment" '
            BEGIN {
                while ((getline line < secrets) > 0)
                    if (line ~ /^[A-Z0-9_]*(SOURCE|PASSWORD|SECRET|KEY|SALT|TOKEN)[A-Z0-9_]*=/) {
                        value = substr(line, index(line, "=") + 1)
                        gsub(/^["\047]|["\047]$/, "", value)
                        if (length(value) > 3) secret[++n] = value
                    }
            }
            {
                sub(/postgres(ql)?:\/\/.*/, "postgres://(hidden)")
                for (i = 1; i <= n; i++) {
                    shown = ""
                    while (at = index($0, secret[i])) { # on behind what stands for it: that may hold the secret as a word
                        shown = shown substr($0, 1, at - 1) "(hidden)"
                        $0 = substr($0, at + length(secret[i]))
                    }
                    $0 = shown $0
                }
                print substr($0, 1, 600)
            }
            NR == 5 { exit }'
}

write_report() { # write_report RESULT REASON ADVICE
    {
        say "id=$id"
        say "result=$1"
        say "kind=$kind"
        say "from=$from"
        say "to=$to"
        say "ended=$(date '+%Y-%m-%d %H:%M:%S %z')"
        [ -z "$outage_start" ] || [ -z "$outage_end" ] || say "outage=$((outage_end - outage_start))"
        say "reason=$(one_line "$2${remarks:+ $remarks}")"
        say "advice=$(one_line "$3")"
        [ -z "$report_lines" ] || say "$report_lines"
        [ "$1" = 'done' ] || log_lines | sed 's/^/log=/'
    } >"$report.new"
    publish "$report"
    close_socket
    case $1 in waiting) ;; failed) [ -e "$runtime.hold" ] || end_maintenance ;; *) end_maintenance ;; esac
    say "$1: $2${3:+ $3}"
}
