"""A host that was upgraded and has messages from before and since, for those who go back from there."""

from __future__ import annotations

from tests.scenarios.chat import Chat
from tests.scenarios.upgrading import Upgrading

UNDO = [(record, "power-cut") for record in ("undo", "database-back", "config-back", "version-back")]
BEFORE, SINCE = range(1, 4), range(4, 9)

# the host as an upgrade and five messages left it, kept below /root and put back from there
KEEP = r"""
cd /
set -e
systemctl stop mattermost-switch mattermost
sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c "$1"; }
before=$(sql "SELECT datname FROM pg_database WHERE datname LIKE 'mattermost_before_%'")
echo "$before" >/root/before
sql 'CREATE DATABASE pristine_new TEMPLATE mattermost'
sql "CREATE DATABASE pristine_before TEMPLATE $before"
sql "SELECT format('COMMENT ON DATABASE mattermost IS %L', shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = 'mattermost'" >/root/comment
mkdir /root/upgraded
cp -a /var/opt/mattermost/config/config.json /etc/mattermost/environment /root/upgraded/
cp -a /var/lib/mattermost-deploy/switch /root/upgraded/
systemctl start mattermost
"""
RESET = r"""
cd /
set -e
rm -f /root/pause/after /root/pause/reached
systemctl stop mattermost-switch mattermost
sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c "$1"; }
before=$(cat /root/before)
for database in $(sql "SELECT datname FROM pg_database WHERE datname LIKE 'mattermost%'"); do sql "DROP DATABASE $database"; done
sql 'CREATE DATABASE mattermost TEMPLATE pristine_new OWNER mattermost'
sql "CREATE DATABASE $before TEMPLATE pristine_before OWNER mattermost"
sql "$(cat /root/comment); COMMENT ON DATABASE $before IS 'mattermost-switch: before'; REVOKE ALL ON DATABASE mattermost, $before FROM PUBLIC"
rm -rf /run/mattermost-switch /run/mattermost-switch.closed /var/lib/mattermost-deploy/switch
cp -a /root/upgraded/switch /var/lib/mattermost-deploy/
cp -a /root/upgraded/config.json /var/opt/mattermost/config/
cp -a /root/upgraded/environment /etc/mattermost/
ln -sfn NEW /opt/mattermost/current
systemctl reset-failed mattermost mattermost-switch 2>/dev/null || true
systemctl start mattermost
mattermost-switch check
"""
MESSAGES = "SELECT string_agg(message, ',' ORDER BY createat) FROM posts WHERE message LIKE 'message %'"


class Upgraded(Upgrading):
    """A host that was upgraded; messages 1 to 3 were taken before that and 4 to 8 after it."""

    def __init__(self, deployment, old, new):
        super().__init__(deployment, old, new)
        chat = Chat(deployment)
        chat.post(BEFORE)
        self.old_session = chat.token
        self.upgrade()
        Chat(deployment).post(SINCE)
        self.run(KEEP)
        self.new_look = self.look()

    def upgrade(self):
        done = self.switch()
        assert done.returncode == 0, done.stdout
        self.old_look, self.before = self.before, self.look()

    def put_back(self):
        self.run(RESET.replace("NEW", self.new.version), timeout=120)

    words = "overwrite copy"  # of the way that is taken

    def back(self):
        """Go back as the orchestration has it done; returns the CompletedProcess."""
        return self.host.ssh(f"mattermost-switch back {self.words}", check=False, timeout=180)

    def ask_and_leave(self):
        self.run(f"setsid mattermost-switch back {self.words} >/dev/null 2>&1 </dev/null &")

    def messages(self, database="mattermost") -> set:
        """The numbers of the messages that *database* holds."""
        said = self.run(f'cd /; runuser -u postgres -- psql -XAtq -d {database} -c "{MESSAGES}"').strip()
        return {int(text.split()[1]) for text in said.split(",") if text}

    def newer(self) -> str:
        """The name of the database that going back put aside."""
        (name,) = [name for name in self.look()["databases"].split() if "_newer_" in name]
        return name

    def assert_back(self, messages=BEFORE):
        """Assert that the old version serves *messages*, and that the newer version's database is aside with all of them."""
        look = self.look()
        same = ("current", "service", "answers", "migrations", "marks", "journal")
        assert {key: look[key] for key in same} == {key: self.old_look[key] for key in same}, self.trouble()
        assert self.messages() == {*messages}
        assert self.messages(self.newer()) == {*BEFORE, *SINCE}

    def assert_still_new(self, look=None):
        """Assert that the new version serves with all that it had, and can go back another time."""
        look = look or self.look()
        same = ("current", "service", "answers", "migrations", "marks", "config", "environment", "journal", "databases")
        assert {key: look[key] for key in same} == {key: self.new_look[key] for key in same}, self.trouble()
        assert self.messages() == {*BEFORE, *SINCE}
