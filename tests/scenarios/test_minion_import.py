"""A Salt master has a server that was set up by hand taken over in its place by its minion; its secrets stay on the host."""

import json
import shlex

import pytest

from tests import secrets
from tests.scenarios import by_hand
from tests.scenarios.minions import HOME, master_of
from tests.scenarios.test_import_in_place import FILE, HandChat, installed
from tests.scenarios.test_minion import searched_here

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
