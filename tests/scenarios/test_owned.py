"""The owned server: whoever controls it plants all that it can, and every operation leaves what is not the server's as it was.

What needs a second host (mattermost.move, mattermost.import) and mattermost.postgresql are not here: `tests/attack`, `test_move*.py`.
"""

import json

import pytest

from tests.scenarios import owned
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

LONGEST = 420  # seconds for an operation, on a busy machine


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    """A deployed host with two messages, on which the attacker has planted."""
    with lab.passing("owned") as name:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, name), releases[0])
        deployment.wait_until_healthy()
        Chat(deployment).post([1, 2])
        deployment.ssh(owned.SETUP)
        deployment.before = owned.look(deployment)
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
# what may end with a fault: the answer says which
MAY_FAIL = {"status"}


def does(deployment, operation, releases):
    """Do *operation* while the attacker is at work; return its answer, and what is not as it was."""
    deployment.ssh(owned.PLANT)
    try:
        answer = operation(deployment, releases)
    finally:
        deployment.ssh(owned.END)
    return answer, owned.changes(deployment.before, owned.look(deployment)) + owned.gained(deployment)


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_not_the_servers_stays_as_it_was(host, releases, name):
    answer, changed = does(host, OPERATIONS[name], releases)
    assert changed == [], answer
    rc = getattr(answer, "rc", getattr(answer, "returncode", None))
    assert rc == 0 or name in MAY_FAIL, answer


WEAK = {
    "a superuser in the role's database": "cd /; runuser -u postgres -- psql -Xqd mattermost -c 'SELECT sum(hashtextextended(t::text, 0)) FROM users t'",
    "root follows a link": "cp /etc/hostname /var/opt/mattermost/data/.new",
    "root reads through a link": "cd /var/opt/mattermost/data/owned && cp link7/file stolen && chown mattermost stolen",
    "a name is taken for a command": "cd /srv && for name in /var/opt/mattermost/data/owned/*touch*words*; do eval echo ${name##*/}; done",
    "root takes over what is in the way": "chown -R -L mattermost /var/opt/mattermost/data/owned/link6",
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weakness_is_seen(host, releases, name):
    """The positive control; the host is not used after it but for another of these."""
    _, changed = does(host, by_hand(WEAK[name]), releases)
    assert changed != []
    host.before = owned.look(host)
    host.ssh(f"rm -rf {owned.PROOF}/sql")
