"""A Salt master moves a server to a minion, from another one or from a host that only its target can log in to.

The master has no ssh access, and none of what is copied comes by it.
"""

import concurrent.futures
import json
import shlex

import pytest

from tests import secrets
from tests.scenarios.chat import Chat
from tests.scenarios.minions import HOME, let_in, master_of
from tests.scenarios.test_minion import searched_here
from tests.scenarios.test_move import FILE, OTHER, Pair

pytestmark = pytest.mark.soak("minion")

DOOR = "/run/mattermost-move-door"
SERVES_SECONDS = 240  # from the death of the target to a source that serves, on a busy machine


@pytest.fixture
def pair(lab, releases, deployed_snapshot):
    with lab.passing("mover") as first, lab.passing("taker") as second:
        deployment = Pair(lab, lab.clone(deployed_snapshot, first), releases[0], lab.host(second))
        deployment.set(mail=secrets.pillar()["mail"])
        deployment.wait_until_healthy()
        yield deployment


def moved(master, pair, **more):
    told = json.dumps({"move": {"from": pair.name, "to": OTHER, **more}})
    return master.orchestrate("mattermost.move", f"pillar={told}")


def on_the_way(pair):
    """What there is of the target's way to the source: there, and the key."""
    there = (
        f"ls -d {DOOR} {DOOR}.why /run/systemd/system/mattermost-move-door.service 2>/dev/null; "
        "! firewall-cmd --state >/dev/null 2>&1 || firewall-cmd --list-rich-rules; pgrep -a sshd | grep mattermost-move; true"
    )
    return [pair.host.ssh(there).stdout.strip(), pair.second.ssh(f"ls {DOOR}/key 2>/dev/null; true").stdout]


def when(host, condition):
    host.ssh(f"until {condition}; do sleep 0.1; done", timeout=600)


def filled(pair):
    """Give the server a message with a file; return its user, the file's ID, and what a move must keep to the hosts."""
    chat = Chat(pair)
    file = chat.upload("picture.bin", FILE)
    chat.post([1000000], file_ids=[file])
    own = pair.ssh("cat /etc/mattermost/secrets/backup-password").split()[0]
    key = pair.ssh("cat /etc/letsencrypt/live/*/privkey.pem").splitlines()[1]
    planted = {"mail": secrets.PLANTED["mail:password"], "backup": own, "key of the certificate": key}
    planted |= {"message": "message 1000000", "file": FILE[224:288].decode("latin-1")}  # in no table of all bytes
    return chat, file, planted


def whole_at_its_new_host(pair, login, file, taken):
    there = Chat(pair.there, login)
    assert {1000000, *taken} - there.there() == set()
    assert there.download(file) == FILE
    assert pair.ssh("systemctl is-active mattermost", check=False).strip() == "inactive"


def nothing_is_kept(master, pair, planted):
    """Assert that of what is *planted* only the pillar's is on the master, in Salt's own places, and nothing in a minion's."""
    cached = {f"var/cache/salt/master/pillar/{name}.p" for name in master.hosts}
    assert searched_here(master, planted) == {"pillar/mattermost.sls", *cached}
    for host in master.hosts.values():
        program = secrets.search_all([f"/{HOME}"], planted)
        assert json.loads(host.ssh(f"python3 -c {shlex.quote(program)}", timeout=300).stdout) == {}


def test_a_server_moves_from_a_host_that_is_no_minion(pair):
    chat, file, planted = filled(pair)
    with master_of(pair, {OTHER: pair.second}, own=False) as master:
        let_in(pair.second, pair.host, pair.name)
        with master.events_kept(), Chat(pair, chat.login) as chat:
            run = moved(master, pair, ssh=True)
        print(run)
        assert run.rc == 0, run
        whole_at_its_new_host(pair, chat.login, file, chat.taken)
        assert on_the_way(pair) == ["", ""]
        again = moved(master, pair, ssh=True)
        assert again.rc == 1
        assert f"was already moved to {OTHER}" in again.comments
        assert secrets.found_in((str(run) + run.out).encode(), planted) == []
        nothing_is_kept(master, pair, planted)


def test_a_server_moves_from_one_minion_to_another(pair):
    chat, file, planted = filled(pair)
    with master_of(pair, {OTHER: pair.second}) as master, concurrent.futures.ThreadPoolExecutor() as pool:
        with master.events_kept():
            # the target dies while the server is stopped: the source serves again by itself, and is shut
            run = pool.submit(moved, master, pair)
            when(pair.host, f"[ -e {DOOR}/serve ]")
            when(pair.host, "[ -e /run/mattermost-move/held ]")
            opened = on_the_way(pair)
            pair.second.ssh("systemctl kill -s KILL minion")
            pair.wait_until_healthy(SERVES_SECONDS)
            failed = run.result()
            assert failed.rc == 1, failed
            assert f"{pair.name} serves again, with all its data" in failed.comments, failed
            assert f"The minion {OTHER} does not answer." in failed.comments
            assert on_the_way(pair) == ["", ""]
            assert 'source address="' in opened[0]
            assert "/usr/sbin/sshd" in opened[0]

            master.start_minion(OTHER)
            with Chat(pair, chat.login) as chat:
                run = moved(master, pair)
            print(run)
        assert run.rc == 0, run
        whole_at_its_new_host(pair, chat.login, file, chat.taken)
        assert on_the_way(pair) == ["", ""]
        again = moved(master, pair)
        assert again.rc == 1
        assert f"was already moved to {OTHER}" in again.comments

        said = "".join(str(each) + each.out for each in (failed, run, again))
        assert secrets.found_in(said.encode(), planted) == []
        nothing_is_kept(master, pair, planted)
        found = searched_here(master, {"control": "ecdsa-sha2-nistp256"})
        assert "events.log" in found, "the search finds what goes over the event bus"
        assert any("/jobs/" in place for place in found), "the search finds what a job keeps"
