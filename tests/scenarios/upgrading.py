"""A host with the old version deployed and the new one unpacked, put back to that point before each test."""

from __future__ import annotations

import contextlib
import json
import shutil

from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment
from tests.scenarios.pausing import Pausing

# what the host looks like: which version, whose database, which configuration, whether anything is still open
LOOK = r"""
sql() { runuser -u postgres -- psql -XAtq -d "$1" -c "$2"; }
cd /
cat <<END
{"current": "$(readlink /opt/mattermost/current)",
 "service": "$(systemctl is-active mattermost)",
 "answers": "$(curl -s -m 5 -D - -o /dev/null 'http://127.0.0.1:8065/api/v4/system/ping?get_server_status=true' | tr -d '\r' | sed -n 's/^X-Version-Id: *//Ip' | cut -d. -f1-3)",
 "migrations": "$(sql mattermost 'SELECT count(*) FROM db_migrations')",
 "marks": "$(sql mattermost 'SELECT count(*) FROM mark')",
 "databases": "$(sql postgres "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'mattermost%'")",
 "config": "$(sha256sum </var/opt/mattermost/config/config.json | cut -c1-12)",
 "environment": "$(sha256sum </etc/mattermost/environment | cut -c1-12)",
 "journal": "$([ -e /var/lib/mattermost-deploy/switch/journal ] && cat /var/lib/mattermost-deploy/switch/journal | tr '\n' '/')",
 "report": "$(sed -n 's/^result=//p' /var/lib/mattermost-deploy/switch/report 2>/dev/null)"}
END
"""

KEEP = r"""
cd /
set -e
sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c "$1"; }
systemctl stop mattermost
runuser -u postgres -- psql -Xq -d mattermost -c 'SET ROLE mattermost; CREATE TABLE mark (n int); INSERT INTO mark SELECT generate_series(1, 7)'
sql 'CREATE DATABASE pristine TEMPLATE mattermost'
sql "SELECT format('COMMENT ON DATABASE mattermost IS %L', shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = 'mattermost'" >/root/comment
mkdir -p /root/pristine
cp -p /var/opt/mattermost/config/config.json /etc/mattermost/environment /root/pristine/
systemctl start mattermost
"""

RESET = r"""
cd /
set -e
sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c "$1"; }
rm -f /root/pause/after /root/pause/reached
systemctl stop mattermost-switch mattermost
systemctl start postgresql
rm -rf /run/mattermost-switch /run/mattermost-switch.closed /var/lib/mattermost-deploy/switch/journal /var/lib/mattermost-deploy/switch/report
for database in $(sql "SELECT datname FROM pg_database WHERE datname LIKE 'mattermost%'"); do sql "DROP DATABASE $database"; done
sql 'CREATE DATABASE mattermost TEMPLATE pristine OWNER mattermost'
sql "$(cat /root/comment); REVOKE ALL ON DATABASE mattermost FROM PUBLIC"
cp -p /root/pristine/config.json /var/opt/mattermost/config/
cp -p /root/pristine/environment /etc/mattermost/
cp -p /root/pristine/environment /var/lib/mattermost-deploy/switch/good-environment
ln -sfn OLD /opt/mattermost/current
systemctl reset-failed mattermost mattermost-switch 2>/dev/null || true
systemctl start mattermost
mattermost-switch check
"""


class Upgrading(Pausing):
    """The host, its two versions, and what it looks like when it is whole-old.

    deployment: the `Deployment`, its database and server applied in the version old. old, new: `Archive`.
    """

    program = "switch"

    def __init__(self, deployment, old, new):
        super().__init__(deployment)
        self.old, self.new = old, new
        shutil.copy(new.path, self.host.root / "root")
        self.run(
            f"mkdir /opt/mattermost/{new.version} && tar -xzf /root/{new.path.name} -C /opt/mattermost/{new.version} --strip-components=1 --no-same-owner"
        )
        self.run(KEEP)
        self.reset()
        self.before = self.look()

    def reset(self):
        """Whole-old again, whatever a test left."""
        self.run(RESET.replace("OLD", self.old.version), timeout=120)

    def look(self) -> dict:
        return json.loads(self.run(LOOK))

    def fault(self, *lines):
        """Have the next server that starts misbehave, by the stand-in's named switches."""
        self.run("cat >>/etc/mattermost/environment <<'END'\n" + "\n".join(lines) + "\nEND")

    def break_new(self, fault):
        """Have the new version alone misbehave, by one of the stand-in's named switches (``NAME=VALUE``)."""
        self._break(self.new.version, fault)

    def break_old(self, fault):
        """Have the old version alone misbehave."""
        self._break(self.old.version, fault)

    def _break(self, version, fault):
        script = f'#!/bin/sh\nexport STANDIN_FAULT_{fault}\nexec "${{0%/*}}/mattermost.real" "$@"\n'
        folder = self.host.root / f"opt/mattermost/{version}/bin"
        self.run(f"cd /opt/mattermost/{version}/bin && mv mattermost mattermost.real")
        (folder / "mattermost").write_text(script)
        (folder / "mattermost").chmod(0o755)

    def mend_new(self):
        self.run(
            f"cd /opt/mattermost/{self.new.version}/bin && [ ! -e mattermost.real ] || mv mattermost.real mattermost"
        )

    def mend_old(self):
        self.run(f"cd /opt/mattermost/{self.old.version}/bin; mv mattermost.real mattermost")

    def writer(self) -> Chat:
        """A user of the site, to be entered; logged in to what the last reset put there."""
        return Chat(self.deployment)

    def assert_none_lost(self, writer):
        """Assert that every message that was taken is served."""
        self.deployment.wait_until_healthy()
        assert writer.lost() == set(), self.trouble()

    def server_pid(self) -> str:
        return self.run("systemctl show --value -p MainPID mattermost").strip()

    def switch(self, check=False):
        """Ask for the new version as Salt does; returns the CompletedProcess."""
        return self.host.ssh(f"mattermost-switch to {self.new.version}", check=check, timeout=180)

    def ask_and_leave(self):
        """Ask for the new version and go away, as a controller that dies does."""
        self.run(f"setsid mattermost-switch to {self.new.version} >/dev/null 2>&1 </dev/null &")

    def settled(self, timeout=120):
        """Wait until nothing is open and the server answers healthy; returns the look of it."""
        self.until(
            "test ! -e /var/lib/mattermost-deploy/switch/journal && mattermost-switch check", "a whole host", timeout
        )
        return self.look()

    def assert_old(self, look=None):
        """Assert that the old version serves with its database and configuration, and that nothing is open."""
        look = look or self.look()
        same = ("current", "service", "answers", "migrations", "marks", "config", "environment", "journal")
        assert {key: look[key] for key in same} == {key: self.before[key] for key in same}, self.trouble()

    def assert_new(self, look=None):
        """Assert that the new version serves, with all that the database held."""
        look = look or self.look()
        found = {key: look[key] for key in ("current", "service", "answers", "marks", "journal")}
        wanted = {
            "current": self.new.version,
            "service": "active",
            "answers": self.new.version,
            "marks": "7",
            "journal": "",
        }
        assert found == wanted, self.trouble()
        assert int(look["migrations"]) > int(self.before["migrations"])


@contextlib.contextmanager
def cloned(lab, releases, snapshot, name, kind=Upgrading):
    """A *kind* of the two oldest *releases*, on a host *name* of its own that is cloned from the deployed *snapshot*."""
    with lab.passing(name) as passing:
        deployment = Deployment(lab, lab.clone(snapshot, passing), releases[0])
        deployment.wait_until_healthy()
        yield kind(deployment, releases[0], releases[1])
