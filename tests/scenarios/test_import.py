"""The import of a server that was set up by hand: every message and file comes along, and the source stays as it was."""

import contextlib
import json

import pytest

from tests.scenarios import by_hand
from tests.scenarios.chat import Chat
from tests.scenarios.test_move import OTHER, Pair

FILE = bytes(range(256)) * 3000
PRINTS = (
    "cd /opt/mattermost && find config data plugins -type f | sort | xargs sha256sum; systemctl is-enabled mattermost"
)


class Importing(Pair):
    def bring(self, *arguments, **more):
        told = {"import": {"from": self.name, "to": OTHER, **more}}
        return self.orchestrate("mattermost.import", "pillar=" + json.dumps(told), *arguments)


@contextlib.contextmanager
def importing(lab, archive, name, install):
    """A host *name* on which *install* set the server of *archive* up, with a file and a message, and a bare one."""
    with lab.passing(name) as first, lab.passing("importer") as second:
        host = lab.host(first)
        install(host, archive)
        deployment = Importing(lab, host, archive, lab.host(second))
        deployment.set(hosts=[OTHER], name=deployment.name, verify={"address": deployment.second.address})
        chat = by_hand.HandChat(deployment)
        deployment.file = chat.upload("picture.bin", FILE)
        chat.post([1000000], file_ids=[deployment.file])
        yield deployment


@pytest.fixture(scope="module")
def pair(lab, releases):
    with importing(lab, releases[0], "byhand", by_hand.install) as deployment:
        yield deployment


def test_a_server_that_people_use_is_not_stopped_unasked(pair):
    run = pair.bring()
    assert run.rc != 0
    assert '"stop": true' in run.comments
    by_hand.HandChat(pair).post([1000001])


def test_a_dry_run_says_what_it_found_and_changes_nothing(pair, releases):
    with pair.settings_put_back():
        pair.set(email="")  # the authority's; an import asks it for nothing
        run = pair.bring("test=True", stop=True)
    assert run.rc == 0, run
    found = f"Mattermost {releases[0].version}, Team Edition (hand-made, running)"
    assert found in run.stages["from-host-is-named"]["comment"]
    assert by_hand.DATABASE_PASSWORD not in run.out + run.err
    assert pair.second.ssh("ls -d /etc/mattermost /opt/mattermost", check=False).stdout == ""


def test_a_server_by_hand_is_imported_under_load(pair, record_property):
    chat = by_hand.HandChat(pair)
    config = pair.ssh("cat /opt/mattermost/config/config.json")
    with chat:
        run = pair.bring(stop=True)
    assert run.rc == 0, run
    record_property("seconds without a server", run.stages["imported"]["changes"][OTHER]["seconds"])
    print(run.stages["imported"]["comment"])
    assert len(chat.taken) > 5
    assert by_hand.DATABASE_PASSWORD not in run.out + run.err
    # the source is as it was, but for being stopped
    assert pair.ssh("systemctl is-active mattermost", check=False).strip() == "inactive"
    assert pair.ssh("systemctl is-enabled mattermost").strip() == "enabled"
    assert pair.ssh("cat /opt/mattermost/config/config.json") == config
    assert (
        pair.ssh("find /run/mattermost-move /run/systemd/system/mattermost-move.service 2>/dev/null", check=False) == ""
    )
    pair.lab.names.set(pair.name, pair.second.address)
    site = pair.orchestrate()
    assert site.rc == 0, site
    there = pair.there
    imported = Chat(there, by_hand.LOGIN)
    assert ({1000000, 1000001} | set(chat.taken)) - imported.there() == set()
    assert imported.download(pair.file) == FILE
    read = json.loads(there.host.ssh("cat /var/opt/mattermost/config/config.json").stdout)
    assert read["TeamSettings"]["SiteName"] == "By hand"
    assert read["TeamSettings"]["MaxUsersPerTeam"] == 77
    assert read["ServiceSettings"]["ListenAddress"] == "127.0.0.1:8065"
    assert by_hand.DATABASE_PASSWORD not in json.dumps(read)
    assert read["SqlSettings"]["AtRestEncryptKey"] == json.loads(config)["SqlSettings"]["AtRestEncryptKey"]
    assert pair.orchestrate().changes == {}


def test_what_was_imported_already_is_not_replaced(pair):
    Chat(pair.there, by_hand.LOGIN).post([1000002])
    pair.ssh("systemctl start mattermost")
    run = pair.bring(stop=True)
    assert run.rc != 0
    assert '"overwrite": true' in run.comments
    assert 1000002 in Chat(pair.there, by_hand.LOGIN).there()
