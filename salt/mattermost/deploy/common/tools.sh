# What every program of ours on a host begins with, and what is sent to one over ssh; `program` is the name that it fails by.

set -u
umask 077
export LC_ALL=C
PATH=${PATH:-/usr/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 4

say() { printf '%s\n' "$*"; }

fail() { # fail CODE WORDS
    local code="$1"
    shift
    printf '%s%s\n' "${program:+$program: }" "$*" >&2
    exit "$code"
}

one_line() { printf '%s' "$*" | tr '[:cntrl:]' ' ' | cut -c1-1200; } # nothing that a reader takes for a line's end, nothing that a terminal obeys

is_number() { # is_number TEXT: no sign, no leading 0, at most 18 digits: what sh counts with; all else may be a command to its arithmetic
    case $1 in '' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;; esac
}

# value_of FILE KEY: the key is text, for in a program of sed or awk it would be a command of root's
value_of() { awk 'BEGIN { key = ARGV[2] "="; ARGV[2] = "" } index($0, key) == 1 { print substr($0, length(key) + 1); exit }' "$1" "$2" </dev/null 2>/dev/null || :; }

config_text() { head -c 16777216 "$1"; } # config_text FILE: a config.json; its server's account may have made it endless (mattermost_config_file.LARGEST)

existing() { # existing PATH: it, or the directory above it that is there
    local place="$1"
    while [ ! -e "$place" ]; do place=$(dirname "$place"); done
    say "$place"
}

kib_free() { df -Pk "$(existing "$1")" | awk 'NR == 2 { print $4 }'; } # kib_free PATH: on the file system that PATH is or will be on

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

# What an operation has begun, and what ends it after a cut, is a file. Programs of any age find each other's: names and words keep their meaning.

mark() { # mark FILE [WORDS]: FILE is there and says WORDS, on disk before what it announces begins; without words it needs no room for them
    local file="$1"
    shift
    { [ "$#" = 0 ] || say "$*"; } >"$file.new" && publish "$file"
}

unmark() { rm -f "$1" && flush "$(dirname "$1")"; } # unmark FILE: gone, on disk

copy_file() { cp -p "$1" "$2.new" && publish "$2"; } # copy_file SOURCE FILE: with owner and mode, on disk before it is relied on

make_scratch() { # sets scratch, a directory that goes when the program ends
    scratch=$(mktemp -d) || fail 4 "No temporary directory can be created in ${TMPDIR:-/tmp}. Check its free space: df"
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 143' HUP INT TERM
}

label_for_nginx() { # the command that lets nginx see a file of /run: SELinux's policy hides from it what it did not make itself there
    if [ -e "${MATTERMOST_SELINUX:-/sys/fs/selinux}/enforce" ]; then say 'chcon -t httpd_sys_content_t'; else say :; fi
}

# shellcheck disable=SC2154 # the program sets maintenance
close_site() { # nginx serves the maintenance page: nobody posts what an undo would lose
    touch "$maintenance" || return 1
    $(label_for_nginx) "$maintenance" || say "SELinux may keep nginx from reading $maintenance, and visitors then see an error instead of the maintenance page. To allow it: $(label_for_nginx) $maintenance" >&2
}

stop_unit() { # stop_unit UNIT: its main process may ask systemd for ever more time (EXTEND_TIMEOUT_USEC), and is killed then
    local rc
    timeout "${MATTERMOST_STOP_PATIENCE:-120}" systemctl stop "$1"
    rc=$?
    [ "$rc" = 124 ] || return "$rc"
    systemctl kill -s KILL "$1"
    timeout 60 systemctl stop "$1"
}

# shellcheck disable=SC2154 # the program sets work, and settings if it asks for a rotation
is_open() { # is_open CHANGE: this change of the host has begun and is not ended; what ends one that was interrupted holds no lock
    case $1 in
        switch | postgresql) [ -e "$work/$1/journal" ] ;;
        rotation) [ -e "$settings/secrets/rotation/begun" ] ;;
        restore) [ -e "$work/backup/open" ] ;;
    esac
}

# shellcheck disable=SC2154 # the program sets work
is_moving() { # a move holds this server; an import in place, which has its old server aside, deploys here meanwhile
    [ ! -e "$work/aside/journal" ] && systemctl is-active --quiet mattermost-move.service
}

enterprise_ready() { # enterprise_ready TREE: true for a release of the Enterprise Edition, else false, as its server tells of itself
    if [ -e "$1/ENTERPRISE-EDITION-LICENSE.txt" ]; then say true; else say false; fi
}

# shellcheck disable=SC2154 # the program sets own
lock() { # as long as this program runs no other is at work below $own
    exec 9>"$own/lock"
    flock -n 9
}

run_lock=${MATTERMOST_RUN_LOCK:-/run/mattermost-deploy/lock} # held by a run of Salt on this host; mattermost_run_lock_core.py has it too

hold_runs_out() { # hold_runs_out SECONDS: wait as long for a run, then none begins until let_runs_in, or until this program ends
    mkdir -p "$(dirname "$run_lock")" # 0700, by the umask
    exec 7>>"$run_lock"
    flock -w "$1" 7 && say "$program, process $$" >"$run_lock"
}

let_runs_in() { exec 7>&-; }

run_lock_holders() { # the processes that have that lock open while it is held; a number written in it may be another process by now
    local inode device
    inode=$(stat -c %i "$run_lock" 2>/dev/null) || return 0
    device=$(stat -c %d "$run_lock")
    device=$(printf '%02x:%02x' $((device >> 8 & 4095)) $((device & 255 | device >> 12 & ~255))) # as the kernel writes it
    ! grep -q " $device:$inode " /proc/locks || find /proc/[0-9]*/fd -lname "$run_lock" 2>/dev/null | cut -d/ -f3 | sort -u | grep -vx "$$"
}

# shellcheck disable=SC2154 # the program sets settings_file, and eval value
take_settings() { # take_settings NEEDED OTHERS WRITER: each of these keys of $settings_file, lines KEY=VALUE, becomes the variable of its name
    local key known line value
    [ -r "$settings_file" ] || fail 2 "$settings_file cannot be read. Run this command as root, on a host where $3 has run."
    for key in $1; do eval "$key=''"; done
    while IFS= read -r line; do # as a whole: taken apart by read, a value would lose a last =
        for known in $1 $2; do
            [ "${line%%=*}" != "$known" ] || eval "$known=\${line#*=}"
        done
    done <"$settings_file"
    for key in $1; do
        eval "value=\$$key"
        [ -n "$value" ] || fail 2 "$settings_file has no line for $key. To write this line, start $3."
    done
}
