# shellcheck shell=sh
# shellcheck disable=SC2154 # variables stand before it
# The way of a move by minions: an sshd of its own on the source, on one port, for one address and one key, which runs only what a
# move asks of its source. All of it is below /run and in firewalld's runtime rules, so that a power cut leaves nothing.
# Laid behind deploy/common/tools.sh; the controller (moving/by_minion.py) puts the values before it, as variables.

# shellcheck disable=SC2034 # for fail
program=''
door=${door:-/run/mattermost-move-door}
root=${root:-} # tests have the unit elsewhere

# ---- the target ------------------------------------------------------------------------------------------------------

key_made() { # prints the public half of a new key
    [ ! -e "$door.lock" ] || flock -n "$door.lock" true || fail 4 "An earlier run of a move or import is still in progress on this host. Start the same command again when that run has ended. List the running jobs on the master: salt-run jobs.active"
    for needed in ssh ssh-keygen; do
        command -v "$needed" >/dev/null || fail 4 "The program $needed is missing. Install the OpenSSH client (openssh-client or openssh-clients)."
    done
    rm -rf "$door" && mkdir -p "$door" && ssh-keygen -q -t ecdsa -N '' -C mattermost-move -f "$door/key" && cut -d' ' -f1,2 "$door/key.pub"
}

key_removed() { rm -rf "$door"; }

# ---- the source ------------------------------------------------------------------------------------------------------

sshd_settings() {
    local pam=no
    case $(getent shadow root | cut -d: -f2) in '!'*) pam=yes ;; esac # without PAM, sshd refuses who has a locked password
    cat <<END
Port $port
ListenAddress $address
HostKey $door/host_key
AuthorizedKeysFile $door/allowed
AllowUsers root
PermitRootLogin forced-commands-only
PasswordAuthentication no
ChallengeResponseAuthentication no
UsePAM $pam
UseDNS no
PidFile none
ClientAliveInterval 15
ClientAliveCountMax 4
END
}

zone_of() { # zone_of ADDRESS: firewalld's, of the interface with that address; nothing where firewalld does not run
    local device
    firewall-cmd --state >/dev/null 2>&1 || return 0
    device=$(ip -o addr show | awk -v own="$1" '{ split($4, part, "/"); if (part[1] == own) print $2 }')
    firewall-cmd --get-zone-of-interface="$device" 2>/dev/null || firewall-cmd --get-default-zone
}

door_opened() { # prints the public half of the host key; shuts by itself $lease seconds after the target's last sign of life
    local sshd zone family=ipv4 tries=0
    sshd=$(command -v sshd) || fail 4 "The program sshd is missing. Install the OpenSSH server (openssh-server)."
    case $client in *:*) family=ipv6 ;; esac
    door_shut
    mkdir -p "$door" "$root/run/systemd/system" && (umask 022 && mkdir -p "$root/run/sshd") || return 1
    ssh-keygen -q -t ecdsa -N '' -C mattermost-move -f "$door/host_key" || return 1
    say "from=\"$client\",restrict,command=\"/bin/sh $door/serve\" $public" >"$door/allowed"
    sshd_settings >"$door/sshd_config"
    zone=$(zone_of "$address") || return 1
    cat >"$door/serve" <<END
. '$library'
door='$door' hold='hold_begin $hold_lease'
END
    cat >>"$door/serve" <<'END'
# shellcheck disable=SC2016 # the words that a move sends
case ${SSH_ORIGINAL_COMMAND:-} in
    stay) while read -r _; do touch "$door/lease"; done ;;
    knock) ;;
    leave) : >"$door/shut" ;;
    roots | unreadable | send | dump | give_secrets | give_config | heartbeat | is_left | commit | give_back) $SSH_ORIGINAL_COMMAND ;;
    'listing in_source') listing in_source ;;
    'sums in_source 2>/dev/null || :') sums in_source 2>/dev/null || : ;;
    'census "$database"') census "$database" ;;
    "$hold") $hold ;;
    *) fail 4 "This key is only for a move." ;;
esac
END
    cat >"$door/hold" <<END
door='$door' sshd='$sshd' lease=$lease zone='$zone'
rule='rule family="$family" source address="$client" port port="$port" protocol="tcp" accept'
END
    cat >>"$door/hold" <<'END'
broken() { tail -n 1 "$door/log" >"$door.why"; exit 1; }
case $1 in
    hold)
        [ -z "$zone" ] || firewall-cmd --zone="$zone" --add-rich-rule="$rule" >/dev/null 2>"$door/log" || broken
        "$sshd" -D -e -f "$door/sshd_config" 2>"$door/log" &
        while [ ! -e "$door/shut" ]; do
            [ $(($(date +%s) - $(stat -c %Y "$door/lease"))) -le "$lease" ] || exit 0
            kill -0 "$!" 2>/dev/null || broken
            sleep 0.3 2>/dev/null || sleep 1
        done
        ;;
    end)
        [ -z "$zone" ] || firewall-cmd --zone="$zone" --remove-rich-rule="$rule" >/dev/null 2>&1
        rm -rf "$door"
        ;;
esac
END
    : >"$door/lease"
    cat >"$root/run/systemd/system/mattermost-move-door.service" <<END
[Unit]
Description=Access for the target of a move
[Service]
Type=simple
ExecStart=/bin/sh $door/hold hold
ExecStopPost=/bin/sh $door/hold end
TimeoutStopSec=60
END
    cut -d' ' -f1,2 "$door/host_key.pub" >"$door/told"
    systemctl daemon-reload && systemctl start mattermost-move-door.service || return 1
    until grep -qs 'Server listening' "$door/log"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 150 ] || ! systemctl is-active --quiet mattermost-move-door.service; then
            fail 4 "Port $port of this host could not be opened for the other host ($(cat "$door.why" 2>/dev/null || say 'no reason was given')). Start the same command again: the new run takes another port. If the reason is not the port, correct the reason first."
        fi
        sleep 0.1 2>/dev/null || sleep 1
    done
    cat "$door/told"
}

door_shut() {
    systemctl stop mattermost-move-door.service 2>/dev/null
    rm -rf "$door" "$door.why" "$root/run/systemd/system/mattermost-move-door.service"
}
