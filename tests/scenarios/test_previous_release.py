"""A host that the previous release of this bundle deployed is deployed by this one: nothing is lost, nothing restarts without a reason."""

import shutil

import pytest
import yaml

from tests.probe import Probe, Target
from tests.scenarios import previous
from tests.scenarios.afterwards import noticed
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import ROOT, Deployment
from tests.scenarios.upgrading import cloned
from tests.soak import only_some

FILE = bytes(range(256)) * 40
HELD = "/run/systemd/system/mattermost-switch.service.d"
OURS = "find /etc /opt /usr/local /var/lib/mattermost-deploy -type f -printf '%p %s %T@\\n' | sort"
CHANGE = {
    "number": 1,
    "id": "of-this-test",
    "version": "1.0.0",
    "title": "Something changes.",
    "what_changes": "it changes here, too.",
    "what_to_do": "Read this.",
    "concerns": "every_host",
}


@pytest.fixture(scope="module")
def snapshot(lab, releases, tmp_path_factory):
    """A snapshot of a host that the previous release deployed with the oldest release of the server."""
    tree = previous.tree(tmp_path_factory.mktemp("previous"))
    with lab.passing("previously") as name:
        host = lab.host(name)
        run = Deployment(lab, host, releases[0], tree=tree).orchestrate()
        assert run.rc == 0, run
        return lab.snapshot(host, "previously")


@pytest.fixture
def deployed(lab, releases, snapshot):
    """The same host, with this checkout's states."""
    with lab.passing("previous") as name:
        deployment = Deployment(lab, lab.clone(snapshot, name), releases[0])
        deployment.wait_until_healthy()
        yield deployment


def status(deployment):
    run = deployment.orchestrate("mattermost.status")
    return next(iter(run.stages.values()))["status"][deployment.name]


def test_it_keeps_everything_and_goes_on_without_a_restart(deployed):
    chat = Chat(deployed)
    chat.post(range(1, 6))
    file_id = chat.upload("notes.bin", FILE)
    user = {"email": "second@example.test", "username": "second", "password": "Correct-Horse-7"}
    chat.call("POST", "users", user, 201)
    chat.call("PUT", "config/patch", {"TeamSettings": {"SiteName": "Ours"}}, 200)
    before = deployed.main_pids()

    with Probe(Target(deployed.name, deployed.host.address, ca_file=str(deployed.lab.ca_file))) as probe:
        run = deployed.orchestrate()
    assert run.rc == 0, run
    assert deployed.main_pids() == before, f"something restarted\n{run.changes}"
    assert noticed(probe.report) == [], probe.report
    assert probe.report.answered["new"] > 0

    assert chat.there() == {1, 2, 3, 4, 5}
    assert chat.download(file_id) == FILE
    chat.call("POST", "users/login", {"login_id": "second", "password": user["password"]}, 200)
    settings, _ = chat.call("GET", "config", wanted=200)
    assert settings["TeamSettings"]["SiteName"] == "Ours"

    again = deployed.orchestrate()
    assert again.rc == 0, again
    assert again.changes == {}
    assert deployed.main_pids() == before


def test_it_notes_which_release_deployed_it(deployed):
    assert status(deployed)["bundle"]["deployed"] is None
    assert deployed.orchestrate().rc == 0
    told = status(deployed)["bundle"]
    assert told["deployed"] == told["checkout"]
    assert deployed.ssh("stat -c '%U %a' /var/lib/mattermost-deploy/bundle").split() == ["root", "600"]


@pytest.fixture
def cut_short(lab, releases, snapshot):
    """A host of its own for each test: a deploy exchanges the program of the previous release for this one's."""
    with cloned(lab, releases, snapshot, "cut-short") as made:
        yield made


def interrupt(upgrading, record):
    """Kill the program of the previous release after *record* of an upgrade, and let nothing end that before the deploy does."""
    upgrading.pause_after(record)
    upgrading.ask_and_leave()
    upgrading.reached()
    # the unit would start again by itself
    upgrading.run(
        f"mkdir -p {HELD}; printf '[Unit]\nConditionPathExists=/none\n' >{HELD}/held.conf; systemctl daemon-reload"
    )
    upgrading.interrupt("killed")
    upgrading.until("! systemctl is-active mattermost-switch", "the end of the program")
    assert upgrading.look()["journal"].split("/")[-2].split()[0] == record, upgrading.trouble()
    upgrading.run(f"rm -r {HELD}; systemctl daemon-reload")


@pytest.mark.parametrize("record", only_some("records", ["copying", "switched", "started"], "switched"))
def test_an_upgrade_that_the_previous_release_left_open_is_rolled_back(cut_short, releases, record):
    cut_short.deployment.use(releases[0])
    with cut_short.writer() as writer:
        writer.posted()
        interrupt(cut_short, record)
        run = cut_short.deployment.orchestrate()
    assert run.rc == 0, run
    look = cut_short.settled()
    cut_short.assert_old(look)
    cut_short.assert_none_lost(writer)
    assert cut_short.deployment.orchestrate().changes == {}


@pytest.mark.soak("records")
def test_an_upgrade_that_the_previous_release_left_open_is_made_by_this_one(cut_short, releases):
    cut_short.deployment.use(releases[1])
    with cut_short.writer() as writer:
        writer.posted()
        interrupt(cut_short, "started")
        run = cut_short.deployment.orchestrate()
    assert run.rc == 0, run
    cut_short.assert_new()
    cut_short.assert_none_lost(writer)
    assert cut_short.deployment.orchestrate().changes == {}


@pytest.fixture
def changed(tmp_path):
    """This checkout's states with a breaking change that concerns every host."""
    for folder in ("salt", "etc"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    path = tmp_path / "salt/mattermost/bundle.yaml"
    bundle = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**bundle, "breaking_changes": [*bundle["breaking_changes"], CHANGE]}))
    return tmp_path


@pytest.mark.soak("checks")
def test_a_breaking_change_stops_it_once(deployed, changed):
    deployed.tree = changed
    deployed.write()
    before = deployed.ssh(OURS), deployed.main_pids()
    stopped = deployed.orchestrate()
    assert stopped.rc == 1
    assert "breaking-changes: of-this-test: Something changes. On this host: it changes here, too." in stopped.comments
    assert "Read this. Then set mattermost:acknowledged: [of-this-test]" in stopped.comments
    assert [name for name, stage in stopped.stages.items() if stage["result"]] == []
    assert (deployed.ssh(OURS), deployed.main_pids()) == before

    assert deployed.orchestrate("mattermost.backup").rc == 0, "a backup is never stopped"
    assert deployed.main_pids() == before[1], "nor does it restart anything"
    run = deployed.orchestrate("mattermost.ssl", 'pillar={"acknowledged": ["of-this-test"]}')
    assert run.rc == 0, run
    again = deployed.orchestrate()
    assert again.rc == 0, again
    assert again.changes == {}
