# What every program of ours on a host begins with; `program` is its name.

set -u
umask 077
export LC_ALL=C
PATH=${PATH:-/usr/bin}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 4

say() { printf '%s\n' "$*"; }

fail() { # fail CODE WORDS
    local code="$1"
    shift
    printf '%s: %s\n' "$program" "$*" >&2
    exit "$code"
}

one_line() { printf '%s' "$*" | tr '\n' ' ' | cut -c1-1200; }

value_of() { sed -n "s/^$2=//p" "$1" 2>/dev/null | head -n 1; } # value_of FILE KEY

uptime_centi() { # hundredths of a second since boot; unlike the clock it never jumps
    local up
    read -r up _ </proc/uptime
    up=${up%.*}${up#*.}
    up=${up#"${up%%[!0]*}"}
    say "${up:-0}"
}

flush() { # flush PATH: on disk, or an error; versions of sync that know no file names flush everything
    local unflushed
    unflushed=$(sync "$1" 2>&1) && return
    case $unflushed in
        *'Invalid argument'*) sync ;; # of a file system that cannot flush one file or directory
        *) say "$unflushed" >&2; return 1 ;;
    esac
}

publish() { # publish FILE: what stands in FILE.new becomes FILE, on disk, whole
    flush "$1.new" && mv -f "$1.new" "$1" && flush "$(dirname "$1")"
}

lock() { # as long as this program runs no other is at work below $own
    exec 9>"$own/lock"
    flock -n 9
}
