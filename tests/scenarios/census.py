"""All that a deploy could leave on a host: files with their contents, packages, accounts, units, ports, firewall."""

from __future__ import annotations

import re

# Not looked at: what the kernel and running programs make, caches and logs, the package manager's own books (packages are
# listed by name), PostgreSQL's own files (databases are listed by name), backups that adduser makes of its files.
LEFT_OUT = (
    "/proc /sys /dev /run /tmp /var/tmp /var/cache /var/log /var/lib/apt /var/lib/dpkg /var/lib/ucf /var/lib/systemd/timers"
    " /var/lib/logrotate /usr/share/man /var/lib/postgresql/15/main /var/lib/pgsql/15/data /root/.ssh /var/lib/rpm"
    " /var/lib/dnf /var/lib/lab/calls"
)
BACKUPS = r"/etc/(passwd|group|shadow|gshadow)-$|/etc/ld\.so\.cache$|\.pyc$|/__pycache__|/etc/firewalld/zones/public\.xml\.old$"
SCRIPT = r"""
cd /
prune=$(for path in LEFT_OUT; do printf ' -path %s -o' $path; done)
find / -xdev \( $prune -false \) -prune -o -type f -printf 'file %p %m %u %g\n' -o -type l -printf 'link %p %l\n' \
  -o -type d -printf 'directory %p %m %u %g\n'
find /etc /usr/local /opt /var/opt /var/www /srv /root /home -xdev -type f -exec sha256sum {} +
if command -v dpkg-query >/dev/null; then dpkg-query -W -f 'package ${Package} ${db:Status-Status}\n'
else rpm -qa --qf 'package %{NAME} %{VERSION}-%{RELEASE}\n'; sha256sum /etc/yum.repos.d/* /etc/dnf/modules.d/* 2>/dev/null; grep -r . /var/lib/lab/selinux 2>/dev/null; fi
sed 's/^/account /; s/:[^:]*:/:/' /etc/passwd; sed 's/^/group /' /etc/group
systemctl list-unit-files --no-legend | grep -v -e '\.scope ' | awk '{print "unit " $1 " " $2}'
systemctl is-active nginx postgresql@15-main postgresql-15 firewalld certbot.timer certbot-renew.timer | sed 's/^/active /' | cat -n
ss -Hltn | awk '{print "port " $4}' | sort -u
cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | sed 's/^/source /'
if command -v firewall-cmd >/dev/null; then firewall-cmd --list-all | sed 's/^/firewall /'; firewall-cmd --list-all --permanent | sed 's/^/kept /'; fi
if command -v psql >/dev/null; then
  runuser -u postgres -- psql -XAtc "SELECT 'database ' || datname FROM pg_database UNION SELECT 'role ' || rolname FROM pg_roles" 2>/dev/null
fi
for path in /tmp /var/tmp /run; do find $path -mindepth 1 -maxdepth 1 -name '*mattermost*' -printf 'file %p\n' -o -maxdepth 1 -name '.*_salt*' -printf 'file %p\n'; done
""".replace("LEFT_OUT", LEFT_OUT)


def census(deployment) -> set[str]:
    """Return one line for each thing that there is on the host of *deployment*."""
    lines = deployment.ssh(SCRIPT, timeout=120).splitlines()
    return {
        line.rstrip() for line in lines if not re.search(BACKUPS, line.split(" -> ")[0].split(" 7")[0].split(" 6")[0])
    }


def differences(before: set[str], after: set[str], expected: str = "^$") -> list[str]:
    """Return what is gone (``-``) and what is new (``+``), but for lines that match *expected*."""
    found = [f"- {line}" for line in before - after] + [f"+ {line}" for line in after - before]
    return sorted(line for line in found if not re.search(expected, line))
