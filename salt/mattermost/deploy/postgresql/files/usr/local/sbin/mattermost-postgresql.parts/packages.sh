# No package manager works while the data is brought over: it would restart either PostgreSQL, or exchange its programs.

PATIENCE=${MATTERMOST_PATIENCE:-600} # seconds that an upgrade waits for it
package_locks=${MATTERMOST_PACKAGE_LOCKS-/var/lib/dpkg/lock-frontend /var/lib/rpm/.rpm.lock}

# dpkg and rpm lock by fcntl(2), as flock(1) cannot. Arguments: PARENT FILE. They say held or busy, and hold it as long as PARENT lives.
# shellcheck disable=SC2016 # perl's variables
HOLD_PERL='use Fcntl; open my $file, "+<", $ARGV[1] or die;
fcntl $file, F_SETLK, pack "s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0 or print("busy\n"), exit;
print "held\n"; close STDOUT; sleep 1 while getppid == $ARGV[0]'
HOLD_PYTHON='import fcntl, os, sys, time
file = open(sys.argv[2], "r+")
try:
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except (IOError, OSError):
    os.write(1, b"busy\n")
    sys.exit()
os.write(1, b"held\n")
os.close(1)
while os.getppid() == int(sys.argv[1]):
    time.sleep(1)'
packages_held=''

hold_packages() { # hold_packages SECONDS: wait for a package manager as long as that, and keep it out until this program ends; sets packages_held
    local path waited=0
    [ -z "$packages_held" ] || return 0
    for path in $package_locks; do
        [ -e "$path" ] || continue
        until hold "$path"; do
            [ "$waited" -lt "$1" ] || return 1
            waited=$((waited + 1))
            sleep 1
        done
    done
    packages_held=yes
}

hold() { # hold FILE: false when another program has it
    local program answer
    for program in perl python3 /usr/libexec/platform-python python; do # one of them comes with each package manager
        command -v "$program" >/dev/null 2>&1 || continue
        rm -f "$runtime/held" && mkfifo "$runtime/held" || return
        case $program in
            perl) exec perl -e "$HOLD_PERL" "$$" "$1" ;;
            *) exec "$program" -c "$HOLD_PYTHON" "$$" "$1" ;;
        esac >"$runtime/held" 2>/dev/null 9>&- &
        answer=''
        read -r answer <"$runtime/held"
        case $answer in held) return 0 ;; busy) return 1 ;; esac
    done
    say "This host has neither perl nor python, so another program can install packages during this upgrade. Install perl."
}

package_manager() { # the program that has one of the locks, as far as the kernel knows it
    local path pid
    for path in $package_locks; do
        pid=$(sed -n "s/^[0-9]*: POSIX .* WRITE \([0-9]*\) [^ ]*:$(stat -c %i "$path" 2>/dev/null) .*/\1/p" /proc/locks | head -n 1)
        [ -z "$pid" ] || { say "$(cat "/proc/$pid/comm" 2>/dev/null) (process $pid)"; return; }
    done
    say "Another program"
}
