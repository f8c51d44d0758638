# shellcheck shell=sh
# Debian's container engine on a lab host. In a container of systemd-nspawn the controllers are mounted read-only and the
# kernel's keyrings are out of reach: neither is of concern to an import.
set -e
export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/docker /etc/systemd/system/docker.service.d
cat >/usr/local/sbin/lab-runc <<'END'
#!/bin/bash
words=()
for word; do
    words+=("$word")
    [ "$word" != create ] || words+=(--no-new-keyring)
done
exec /usr/sbin/runc "${words[@]}"
END
chmod 755 /usr/local/sbin/lab-runc
cat >/etc/docker/daemon.json <<'END'
{"storage-driver": "vfs", "runtimes": {"lab": {"path": "/usr/local/sbin/lab-runc"}}, "default-runtime": "lab"}
END
cat >/etc/systemd/system/docker.service.d/lab.conf <<'END'
[Service]
ExecStartPre=/bin/sh -c 'for one in cpu cpuacct cpuset memory devices freezer blkio pids; do mount -o remount,bind,rw /sys/fs/cgroup/$one || :; done'
END
apt-get -qq update
apt-get -qq -y --no-install-recommends install docker.io docker-compose curl >/dev/null
