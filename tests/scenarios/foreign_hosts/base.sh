# shellcheck shell=sh
# What the lab needs of packages for a host of any of the layouts: PostgreSQL, a web server, runit. None of them runs afterwards.
set -eu
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
apt-get -qq update
apt-get -qq -y --no-install-recommends install postgresql-15 nginx-light runit curl ca-certificates >/dev/null
rm /usr/sbin/policy-rc.d
systemctl -q disable nginx postgresql
useradd --system --user-group --home-dir /var/opt/mattermost mattermost
