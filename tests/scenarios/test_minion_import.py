"""A Salt master imports a server that was set up by hand: in its place, from another minion, or from a host that its target reaches by ssh.

Its secrets stay on the hosts.
"""

import concurrent.futures
import json
import shlex

import pytest

from tests import secrets
from tests.scenarios import by_hand
from tests.scenarios.chat import Chat
from tests.scenarios.minions import HOME, let_in, master_of
from tests.scenarios.test_import import FILE, importing
from tests.scenarios.test_import_in_place import HandChat, installed
from tests.scenarios.test_minion import searched_here
from tests.scenarios.test_minion_move import when
from tests.scenarios.test_move import OTHER

pytestmark = pytest.mark.soak("minion")


def brought(master, **told):
    return master.orchestrate("mattermost.import", f"pillar={json.dumps({'import': {'stop': True, **told}})}")


def planted_on(deployment):
    """What a run must keep to the hosts."""
    config = json.loads(deployment.ssh("cat /opt/mattermost/config/config.json"))
    values = {"database": by_hand.DATABASE_PASSWORD, "key": config["SqlSettings"]["AtRestEncryptKey"]}
    assert all(values.values())
    return values


def nothing_is_kept(master, planted):
    """Assert that neither the master nor a minion holds one of *planted*, and that the search finds what they hold."""
    assert searched_here(master, planted) == set()
    for host in master.hosts.values():
        program = secrets.search_all([f"/{HOME}"], planted)
        assert json.loads(host.ssh(f"python3 -c {shlex.quote(program)}", timeout=300).stdout) == {}
    found = searched_here(master, {"control": "mattermost_moving.lead"})
    assert "events.log" in found, "the search finds what goes over the event bus"


@pytest.fixture
def place(lab, releases):
    with installed(lab, releases[0]) as deployment:
        yield deployment


def test_a_server_is_taken_over_in_its_place(place):
    planted = planted_on(place)
    with master_of(place) as master:
        with master.events_kept(), HandChat(place) as chat:
            run = brought(master, **{"from": place.name})
        print(run)
        assert run.rc == 0, run
        assert secrets.found_in((str(run) + run.out).encode(), planted) == []
        nothing_is_kept(master, planted)
    there = HandChat(place)
    assert {1000000, *chat.taken} - there.there() == set()
    assert there.download(place.file) == FILE
    assert "/opt/mattermost.before-import/bin/mattermost" in place.ssh("ls -d /opt/mattermost.before-import/bin/*")


@pytest.fixture
def pair(lab, releases):
    with importing(lab, releases[0], "byhand", by_hand.install) as deployment:
        yield deployment


def whole_at_its_new_host(pair, taken):
    """Assert that the source is stopped, and that the other host serves all that was sent to it."""
    assert pair.ssh("systemctl is-active mattermost", check=False).strip() == "inactive"
    pair.lab.names.set(pair.name, pair.second.address)
    site = pair.orchestrate()
    assert site.rc == 0, site
    imported = Chat(pair.there, by_hand.LOGIN)
    assert {1000000, *taken} - imported.there() == set()
    assert imported.download(pair.file) == FILE


def test_a_server_is_imported_from_another_minion(pair):
    planted = planted_on(pair)
    with master_of(pair, {OTHER: pair.second}) as master:
        with master.events_kept(), by_hand.HandChat(pair) as chat:
            run = brought(master, **{"from": pair.name, "to": OTHER})
        print(run)
        assert run.rc == 0, run
        assert secrets.found_in((str(run) + run.out).encode(), planted) == []
        nothing_is_kept(master, planted)
    whole_at_its_new_host(pair, chat.taken)


def test_a_server_is_imported_from_a_host_that_is_no_minion(pair):
    planted = planted_on(pair)
    told = {"from": pair.name, "to": OTHER, "ssh": True}
    with master_of(pair, {OTHER: pair.second}, own=False) as master, concurrent.futures.ThreadPoolExecutor() as pool:
        with master.events_kept():
            closed = brought(master, **told)
            assert closed.rc == 1, closed
            assert f"{OTHER} cannot log in to {pair.name}: " in closed.comments
            assert f"`ssh {pair.name} true`" in closed.comments
            let_in(pair.second, pair.host, pair.name)

            # the target dies while the server is stopped: the source serves again by itself
            run = pool.submit(brought, master, **told)
            when(pair.host, "[ -e /run/mattermost-move/held ]")
            pair.second.ssh("systemctl kill -s KILL minion")
            when(pair.host, "systemctl is-active -q mattermost")
            failed = run.result()
            assert failed.rc == 1, failed
            assert f"The minion {OTHER} does not answer." in failed.comments

            master.start_minion(OTHER)
            with by_hand.HandChat(pair) as chat:
                run = brought(master, **told)
        print(run)
        assert run.rc == 0, run
        assert secrets.found_in((str(run) + run.out + str(failed) + failed.out).encode(), planted) == []
        nothing_is_kept(master, planted)
    left = "ls -d /run/mattermost-move /run/systemd/system/mattermost-move.service 2>/dev/null; true"
    assert pair.ssh(left) == ""
    whole_at_its_new_host(pair, chat.taken)
