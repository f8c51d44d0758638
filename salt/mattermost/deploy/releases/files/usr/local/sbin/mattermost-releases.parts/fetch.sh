# shellcheck shell=sh disable=SC2154 # part of mattermost-releases, which sets the variables
# Ask the sources, side by side, and keep what they answer: $cache/KIND is the last answer that was understood, $cache/KIND.state one
# line: when it came, when it was asked last, the other side's clock minus ours (seconds, - unknown), the address, why it failed.

tab=$(printf '\t')

ask() { # ask SECONDS: those whose answer is older; sets today, clock
    local kind url
    today=$(date +%Y-%m-%d)
    clock=''
    for kind in $kinds; do
        eval "url=\$$kind"
        [ -z "$url" ] || is_recent "$kind" "$url" "$1" || fetch "$kind" "$url" &
    done
    wait
    trust_clock
    for kind in $kinds; do
        eval "url=\$$kind"
        state_of "$kind" "$url"
    done >"$cache/state"
}

is_recent() { # is_recent KIND ADDRESS SECONDS; after a failure it is asked again in a quarter of an hour
    local came asked address why age
    IFS=$tab read -r came asked _ address why 2>/dev/null <"$cache/$1.state" || return 1
    age=$(($(date +%s) - ${asked:-0}))
    [ "$address" = "$2" ] && [ "$age" -ge 0 ] || return 1
    if [ -n "$why" ]; then [ "$age" -lt 900 ] && [ "$3" -gt 0 ]; else [ "$age" -lt "$3" ]; fi
}

fetch() { # fetch KIND ADDRESS
    local kind="$1" url="$2" came='' skew='-' why='' address='' new date
    new=$cache/$kind.new
    IFS=$tab read -r came _ _ address _ 2>/dev/null <"$cache/$kind.state"
    [ "$address" = "$url" ] || came='' # what another address answered is not used
    [ -n "$came" ] || rm -f "$cache/$kind"
    rm -f "$new" "$new.headers" "$new.rc"
    {
        curl -sS --proto '=https,file' --connect-timeout 10 -m 40 -A mattermost-deploy ${ca_file:+--cacert "$ca_file"} -D "$new.headers" "$url" 2>"$new.error"
        say $? >"$new.rc"
    } | head -c "$((most_bytes + 1))" >"$new"
    why=$(answer_fault "$new" "$url")
    date=$(tr -d '\r' <"$new.headers" 2>/dev/null | sed -n 's/^[Dd]ate: *//p' | tail -n 1)
    [ -z "$date" ] || skew=$(($(date -d "$date" +%s 2>/dev/null || date +%s) - $(date +%s)))
    if [ -z "$why" ] && [ "$(understood "$kind" "$new")" = 0 ]; then
        why="returned no list of releases but: $(head -c 60 "$new" | tr -c 'A-Za-z0-9<>.,:=/ -' ' ')"
    fi
    if [ -z "$why" ]; then
        mv -f "$new" "$cache/$kind"
        came=$(date +%s)
    fi
    printf '%s\t%s\t%s\t%s\t%s\n' "${came:--}" "$(date +%s)" "$skew" "$url" "$(one_line "$why" | tr '\t' ' ' | cut -c1-300)" >"$cache/$kind.state"
    rm -f "$new" "$new.headers" "$new.rc" "$new.error"
}

answer_fault() { # answer_fault FILE ADDRESS: why what came is no answer, nothing when it is one
    local status rc
    rc=$(cat "$1.rc" 2>/dev/null)
    status=$(tr -d '\r' <"$1.headers" 2>/dev/null | sed -n 's|^HTTP/[0-9.]* \([0-9]*\).*|\1|p' | tail -n 1)
    if [ "$(wc -c <"$1")" -gt "$most_bytes" ]; then
        say "answers with more than $((most_bytes / 1048576)) MiB"
    elif [ "${rc:-127}" != 0 ]; then
        say "cannot be reached: $(sed 's/^curl: ([0-9]*) //' "$1.error" | head -n 1)"
    else
        case $status in
            200) ;;
            '') case $2 in file://*) ;; *) say "answers without an HTTP status" ;; esac ;;
            3*) say "redirects to $(tr -d '\r' <"$1.headers" | sed -n 's/^[Ll]ocation: *//p' | tail -n 1 | tr -cd 'A-Za-z0-9.:/_~?=&%-' | cut -c1-200), but no redirect is followed" ;;
            *) say "answers with the HTTP status $status" ;;
        esac
    fi
}

state_of() { # state_of KIND ADDRESS: its line for the reader; an answer from another address, or of a source that is off, goes
    local came='-' address='' why='' result=ok day=''
    IFS=$tab read -r came _ _ address why 2>/dev/null <"$cache/$1.state"
    if [ -z "$2" ] || [ "$address" != "$2" ]; then
        rm -f "$cache/$1" "$cache/$1.state"
        result=off
        [ -z "$2" ] || result=failed why="was not asked"
    elif [ -n "$why" ]; then
        result=failed
        ! is_number "${came:-}" || day=$(date -d "@$came" '+%Y-%m-%d %H:%M' 2>/dev/null || say "$came")
    fi
    printf '%s\t%s\t%s\t-\t%s\n' "$1" "$result" "${day:--}" "$why" # no field is empty: a shell reads two tabs as one
}

trust_clock() { # when every source that answered says another day than this clock, theirs counts; sets today, clock
    local kind skew least='' size
    for kind in $kinds; do
        IFS=$tab read -r _ _ skew _ 2>/dev/null <"$cache/$kind.state" || continue
        case $skew in '' | - | -*[!0-9]* | [!0-9-]*) continue ;; esac
        size=${skew#-}
        if [ -z "$least" ] || [ "$size" -lt "${least#-}" ]; then least=$skew; fi
    done
    [ -n "$least" ] && [ "${least#-}" -gt 86400 ] || return 0
    today=$(date -d "@$(($(date +%s) + least))" +%Y-%m-%d)
    clock="The clock of $(uname -n) says $(date +%Y-%m-%d), but the release sources say $today."
}

print_state() { # for programs; the addresses may be a mirror of one's own
    local kind result day why
    while IFS=$tab read -r kind result day _ why; do
        [ "$result" = off ] || printf 'asked\t%s\t%s\t%s\n' "$kind" "$result" "$why"
    done <"$cache/state"
    [ -z "$clock" ] || printf 'finding\trelease-sources\trefusal\t%s\tset the clock (timedatectl).\n' "$clock"
}

show_sources() { # for a person
    local kind url count
    read_all '' >"$cache/answer"
    for kind in $kinds; do
        eval "url=\$$kind"
        count=$(awk -F '\t' -v kind="$kind" '$1 == "source" && $2 == kind { print $3 " entries, the newest of " ($4 ? $4 : "no known date") }' "$cache/answer")
        say "$kind: ${url:-not asked}"
        [ -z "$url" ] || awk -F '\t' -v kind="$kind" -v count="$count" '$1 == kind { print "  " ($2 == "ok" ? count : $5) }' "$cache/state"
    done
    awk -F '\t' '$1 == "listed" { print "listed by two sources of the vendor: " $3 } $1 == "value" { print $2 ": " $3 } $1 == "finding" { print $3 ": " $4 }' "$cache/answer"
    [ -z "$clock" ] || say "$clock"
}
