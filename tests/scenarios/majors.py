"""A host with PostgreSQL 15 at work whose next one, 17, can be made ready again and again, and what it must look like afterwards.

The host is Debian 13 with Debian 12's PostgreSQL 15 beside its own 17: real packages of both, as after an upgrade of the
distribution. Debian 12's archive stands where PostgreSQL's own would.
"""

from __future__ import annotations

import os
import re
import signal
import time

import mattermost_repositories_core as repositories

from tests.scenarios.chat import Chat
from tests.scenarios.pausing import WORK, Pausing

OLD, NEW = 15, 17
STATE = f"{WORK}/postgresql"
# what mattermost.postgresql makes ready before it asks the host for the change
KEEP_READY = f"""
mkdir /root/ready
cp -a /var/lib/postgresql/{NEW} /root/ready/data
cp -a /etc/postgresql/{NEW} /root/ready/etc
cp -a {STATE}/next /root/ready/
"""
READY = f"""
set -e
rm -rf /root/pause/after /root/pause/reached /etc/postgresql/{NEW}
cp -a /root/ready/etc /etc/postgresql/{NEW}
mkdir -p /var/lib/postgresql/{NEW}
cp -a /root/ready/data/. /var/lib/postgresql/{NEW}/
cp -a /root/ready/next {STATE}/
systemctl daemon-reload
"""
# by hand, for the tests alone: the cluster of before is at work again although the upgrade was done
GO_BACK = f"""
systemctl stop mattermost
pg_dropcluster --stop {NEW} main
echo auto >/etc/postgresql/{OLD}/main/start.conf
sed -i 's|postgresql@{NEW}-main|postgresql@{OLD}-main|g; s|lib/postgresql/{NEW}|lib/postgresql/{OLD}|g' \
    $(grep -lE 'postgresql@{NEW}-main|lib/postgresql/{NEW}' /etc/systemd/system/mattermost*.service /etc/mattermost/*.conf | grep -v upgrade.conf)
rm -f {STATE}/kept
rm -rf /etc/postgresql/{NEW}
systemctl daemon-reload
systemctl start postgresql@{OLD}-main mattermost
"""
# the server misbehaves while the new cluster is at work
BROKEN = f"""#!/bin/sh
[ ! -e /run/postgresql/{NEW}-main.pid ] || MISBEHAVE
exec "${{0%/*}}/mattermost.real" "$@"
"""


def with_old_postgresql(deployment):
    """Have the settings name the old major, from Debian 12's archive, known by its keys' fingerprints."""
    key = "/etc/apt/trusted.gpg.d/debian-archive-bookworm-stable.asc"
    prints = repositories.fingerprints(deployment.ssh(f"cat {key}"))
    uri = re.search(
        r"https?://\S+/debian\b(?!-)",
        deployment.ssh("cat /etc/apt/sources.list.d/* /etc/apt/sources.list 2>/dev/null; true"),
    )
    facts = {
        "apt": {"uri": uri[0], "suite": "bookworm", "components": "main", "key": "bookworm"},
        "keys": {"bookworm": {"path": key, "url": "https://none.example.test/key", "fingerprints": prints}},
    }
    deployment.set(database={"version": OLD}, platform={"repositories": facts})


def clusters(deployment) -> dict:
    """Return ``{major: (port, status)}``."""
    lines = [line.split() for line in deployment.ssh("pg_lsclusters -h").splitlines()]
    return {int(words[0]): (int(words[2]), words[3]) for words in lines}


def at_work(deployment) -> int:
    return int(deployment.ssh("cd /; runuser -u postgres -- psql -XAtc 'SHOW server_version_num'")) // 10000


def whole(deployment, major):
    """Assert that the site is well on *major* and nothing is open."""
    deployment.wait_until_healthy()
    assert at_work(deployment) == major
    assert deployment.ssh(f"ls {STATE}/journal {STATE}/closed {STATE}/next 2>/dev/null; true") == ""
    assert Chat(deployment).there() >= {1, 2, 3, 4, 5}


class Major(Pausing):
    """A deployed *deployment* on the old major, whose upgrades a test can interrupt, and a user who posts meanwhile."""

    program = "postgresql"

    def __init__(self, deployment):
        super().__init__(deployment)
        self.numbers = 1000
        self.interrupted_controller()
        self.run(KEEP_READY)
        self.interrupt("killed")
        self.settled()

    def interrupted_controller(self):
        """Have the orchestration ask for the upgrade, and kill it when the host is about to begin."""
        self.pause_after("begin")
        with self.deployment.started("salt-run", "state.orchestrate", "mattermost.postgresql") as controller:
            try:
                while self.host.ssh("test -e /root/pause/reached", check=False).returncode:
                    assert controller.poll() is None, "the run ended before the host began"
                    time.sleep(0.3)
            finally:
                os.killpg(controller.pid, signal.SIGKILL)

    def ready(self):
        """The new cluster is made and nothing was asked for, as when mattermost.postgresql calls the host's program."""
        if at_work(self.deployment) != OLD:  # a test that failed left it so
            self.run(GO_BACK, timeout=120)
        self.run(READY)

    def writer(self) -> Chat:
        """A user whose messages have numbers that nobody posted before."""
        chat = Chat(self.deployment)
        chat.first = self.numbers
        self.numbers += 100_000
        return chat

    def ask_and_leave(self):
        self.run("setsid mattermost-postgresql upgrade >/dev/null 2>&1 </dev/null &")

    def settled(self):
        # a killed cluster flushes every file of it before it recovers, and the disk below is everybody's
        self.until(f"test ! -e {STATE}/journal -a -e {STATE}/report", "the end of the upgrade", 300)
        self.deployment.wait_until_healthy()

    def report(self) -> dict:
        return dict(line.split("=", 1) for line in self.run(f"cat {STATE}/report").splitlines())

    def break_server(self, command="exit 1"):
        """Have the server's start run the shell *command* first, on the new cluster alone."""
        folder = "/opt/mattermost/current/bin"
        self.run(
            f"cd {folder} && mv mattermost mattermost.real; cat >mattermost <<'END'\n{BROKEN.replace('MISBEHAVE', command)}END\nchmod 755 mattermost"
        )

    def mend_server(self):
        self.run("cd /opt/mattermost/current/bin && [ ! -e mattermost.real ] || mv mattermost.real mattermost")
