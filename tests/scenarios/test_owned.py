"""The owned server: whoever controls it plants all that it can, and every operation leaves what is not the server's as it was.

What needs a second host (mattermost.move, mattermost.import) and mattermost.postgresql are not here: `tests/attack`, `test_move*.py`.
"""

import contextlib
import json
import random
import re
import shlex

import pytest

from tests.scenarios import owned, previous
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

pytestmark = pytest.mark.soak("owned")
LONGEST = 420  # seconds for an operation, on a busy machine


def _sql(statements):
    return f"cd /; runuser -u mattermost -- psql -Xqd mattermost -c {shlex.quote(statements)}"


@contextlib.contextmanager
def _seen(lab, releases, snapshot, name):
    """A deployed host as it was before the attacker planted anything."""
    with lab.passing(name) as name:
        deployment = Deployment(lab, lab.clone(snapshot, name), releases[0])
        deployment.wait_until_healthy()
        deployment.ssh(owned.SETUP)
        deployment.before = owned.look(deployment)
        yield deployment


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    """With two messages and a backup that no race was lost in."""
    with _seen(lab, releases, deployed_snapshot, "owned") as deployment:
        Chat(deployment).post([1, 2])
        run = deployment.orchestrate("mattermost.backup")
        assert run.rc == 0, run
        deployment.before = owned.look(deployment)
        yield deployment


@pytest.fixture(scope="module")
def weak_host(lab, releases, deployed_snapshot):
    """One that the weaknesses may spoil: after the first of them the role is a superuser."""
    with _seen(lab, releases, deployed_snapshot, "weak") as deployment:
        yield deployment


def orchestrated(name, pillar=None, *arguments, **settings):
    """An operation by salt-run."""

    def run(deployment, releases):
        told = [] if pillar is None else ["pillar=" + json.dumps(pillar)]
        return deployment.orchestrate(f"mattermost.{name}", *told, *arguments, timeout=LONGEST)

    return run


def upgrade(deployment, releases):
    deployment.use(releases[1])
    return deployment.orchestrate(timeout=LONGEST)


def rollback(deployment, releases):
    run = deployment.orchestrate(
        "mattermost.rollback", 'pillar={"rollback": {"overwrite": true, "way": "copy"}}', timeout=LONGEST
    )
    deployment.use(releases[0])
    return run


def by_hand(line):
    """An operation on the host itself."""
    return lambda deployment, _releases: deployment.host.ssh(line, check=False, timeout=LONGEST)


# in this order, on one host
OPERATIONS = {
    "preflight": orchestrated("preflight"),
    "deploy again": orchestrated("ssl"),
    "verify": orchestrated("verify"),
    "backup": orchestrated("backup"),
    "drill": orchestrated("drill"),
    "restore": orchestrated("restore", {"restore": {"snapshot": "latest", "overwrite": True}}),
    "upgrade": upgrade,
    "kept": by_hand("mattermost-kept list && mattermost-switch status && mattermost-backup list"),
    "rollback": rollback,
    "status": orchestrated("status"),
    "rotate": orchestrated("rotate"),
    "renew": orchestrated("renew"),
    "plain HTTP": orchestrated("non-ssl"),
    "one part": lambda deployment, _releases: deployment.apply("database", timeout=LONGEST),
    "restart": by_hand("mattermost-switch restart"),
}
# what may end with a fault, and only with this one: restic was led to a file of root's, and its backup does not stay
MAY_FAIL = dict.fromkeys(("backup", "status"), "which is not a file of the server")


def does(deployment, operation, releases):
    """Do *operation* while the attacker is at work; return its answer, and what is not as it was."""
    owned.plant(deployment)
    try:
        answer = operation(deployment, releases)
    finally:
        deployment.host.ssh(owned.END, check=False)
    return answer, owned.changes(deployment.before, owned.look(deployment)) + owned.gained(deployment)


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_not_the_servers_stays_as_it_was(host, releases, name):
    answer, changed = does(host, OPERATIONS[name], releases)
    assert changed == [], answer
    rc = getattr(answer, "rc", getattr(answer, "returncode", None))
    assert rc == 0 or (name in MAY_FAIL and MAY_FAIL[name] in repr(answer)), answer


WEAK = {
    "a superuser in the role's database": "cd /; runuser -u postgres -- psql -Xqd mattermost -c 'SELECT sum(hashtextextended(t::text, 0)) FROM users t'",
    "root follows a link": "cp /etc/hostname /var/opt/mattermost/data/.new",
    "root reads through a link": "cd /var/opt/mattermost/data/owned && cp link7/file stolen && chown mattermost stolen",
    "a name is taken for a command": "cd /srv && for name in /var/opt/mattermost/data/owned/*touch*words*; do eval echo ${name##*/}; done",
    "root takes over what is in the way": "chown -R -L mattermost /var/opt/mattermost/data/owned/link6",
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weakness_is_seen(weak_host, releases, name):
    """The positive control."""
    _, changed = does(weak_host, by_hand(WEAK[name]), releases)
    assert changed != []
    weak_host.before = owned.look(weak_host)
    weak_host.ssh(f"rm -rf {owned.PROOF}/sql")


HARDER = {
    "nothing": ("", ""),
    "tables that are held": (
        """cat >/var/tmp/hold.sql <<'END'
BEGIN; LOCK TABLE posts, users, channels, fileinfo, db_migrations; SELECT pg_sleep(45);
END
chmod 644 /var/tmp/hold.sql; cd /; setsid runuser -u mattermost -- psql -Xqd mattermost -f /var/tmp/hold.sql >/dev/null 2>&1 </dev/null & sleep 0.5""",
        "",
    ),
    "a view that takes its time": (
        _sql("ALTER TABLE posts RENAME TO genuine; CREATE VIEW posts AS SELECT genuine.* FROM genuine, pg_sleep(15)"),
        _sql("DROP VIEW IF EXISTS posts; ALTER TABLE genuine RENAME TO posts"),
    ),
    "versions that are words": (
        _sql("ALTER TABLE db_migrations ALTER version TYPE text USING version || E'\\n$(touch owned-version)'"),
        _sql("ALTER TABLE db_migrations ALTER version TYPE bigint USING split_part(version, E'\\n', 1)::bigint"),
    ),
    "a socket that never ends": (
        """cat >/var/tmp/endless.py <<'END'
import os, socket
place = "/run/mattermost/local.socket"
os.rename(place, place + ".genuine")
one = socket.socket(socket.AF_UNIX); one.bind(place); one.listen()
while True:
    other, _ = one.accept()
    try:
        while True: other.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + b"x" * 65536)
    except OSError: pass
END
chmod 644 /var/tmp/endless.py; cd /; setsid runuser -u mattermost -- python3 /var/tmp/endless.py >/dev/null 2>&1 </dev/null & sleep 0.5""",
        "kill -9 $(pgrep -u mattermost -f /var/tmp/endless.py) || :; [ ! -e /run/mattermost/local.socket.genuine ] || mv /run/mattermost/local.socket.genuine /run/mattermost/local.socket",
    ),
    "a file of 2 GB": (
        "runuser -u mattermost -- truncate -s 2G /var/opt/mattermost/data/large",
        "rm -f /var/opt/mattermost/data/large",
    ),
}


@pytest.mark.parametrize("turn", range(12))
def test_whatever_it_does_meanwhile(host, releases, seed, turn):
    """An operation and a hardship are drawn; the operation ends in its time, with an answer, and nothing else changed."""
    drawn = random.Random(seed * 1000 + turn)  # noqa: S311
    name, hardship = drawn.choice(sorted(OPERATIONS)), drawn.choice(sorted(HARDER))
    print(f"{name}, {hardship}")
    begin, end = HARDER[hardship]
    owned.plant(host)
    try:
        host.ssh(begin)
        answer, changed = does(host, OPERATIONS[name], releases)
    finally:
        host.host.ssh(end, check=False)
    assert changed == [], answer
    assert getattr(answer, "out", None) or answer.stdout or answer.stderr
    host.host.ssh("mattermost-switch wait; mattermost-switch restart", check=False, timeout=LONGEST)


def test_a_removal_takes_nothing_else_along(host, releases):
    """The last of them: the host has no server afterwards."""
    host.before = owned.look(host)
    answer, changed = does(host, orchestrated("remove", {"remove": {"purge": host.name}}), releases)
    assert answer.rc == 0, answer
    of_others = re.compile(r"'(srv|root|home|owned|etc/(ssh|owned|shadow-?$|hostname|sudoers))")
    assert [line for line in changed if of_others.match(line) or "owned" in line.partition(" -> ")[2]] == []
    assert "mattermost" not in host.ssh("cut -d: -f1 /etc/passwd").split()


def test_the_control_finds_what_the_release_before_allowed(lab, releases, tmp_path_factory):
    """On a host of that release: the role's functions run as the superuser, whose link root follows, and anybody holds the lock of runs."""
    tree = previous.tree(tmp_path_factory.mktemp("previous"))
    with lab.passing("formerly") as name:
        former = Deployment(lab, lab.host(name), releases[0], tree=tree)
        run = former.orchestrate(timeout=LONGEST)
        assert run.rc == 0, run
        former.ssh(owned.SETUP)
        former.before = owned.look(former)
        owned.plant(former)
        former.ssh(owned.UNCOUNTED)  # by which that release makes no backup at all
        answer = by_hand("mattermost-backup now")(former, releases)
        got = owned.gained(former)
        assert any("(postgres)" in line for line in got), (answer, got)
        answer, _ = does(former, orchestrated("ssl"), releases)
        assert answer.rc != 0, "the lock was not held"
        assert "Another run is at work" in repr(answer), answer
        answer = former.orchestrate(timeout=LONGEST)
        written = [line for line in owned.changes(former.before, owned.look(former)) if line.startswith("'etc/owned'")]
        assert written, answer
