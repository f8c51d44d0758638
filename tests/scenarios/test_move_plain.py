"""A move of a server whose site is plain HTTP: it stays that, and nobody asks for a certificate on its new host."""

import pytest

from tests.scenarios.by_hand import HandChat
from tests.scenarios.chat import admin_login
from tests.scenarios.test_move import FILE, OTHER, Pair


class PlainChat(HandChat):
    port = 80


@pytest.fixture
def pair(lab, releases, deployed_snapshot):
    """A host that serves by plain HTTP, and a bare one."""
    with lab.passing("plain") as first, lab.passing("plaintaker") as second:
        deployment = Pair(lab, lab.clone(deployed_snapshot, first), releases[0], lab.host(second))
        deployment.wait_until_healthy()
        run = deployment.orchestrate("mattermost.non-ssl")
        assert run.rc == 0, run
        yield deployment


@pytest.mark.soak("elsewhere")
def test_a_server_of_plain_http_moves_under_load(pair):
    login = admin_login(pair)
    chat = PlainChat(pair, login)
    file = chat.upload("picture.bin", FILE)
    with chat:
        run = pair.move(pair.name, OTHER)
    assert run.rc == 0, run
    assert "Then run: salt-run state.orchestrate mattermost.non-ssl" in run.stages["moved"]["comment"]
    moved = PlainChat(pair.there, login)
    assert set(chat.taken) - moved.there() == set()
    assert moved.download(file) == FILE
    sites = pair.second.ssh("ls /etc/nginx/conf.d").stdout.split()
    assert "mattermost-non-ssl.conf" in sites
    assert "mattermost-ssl.conf" not in sites
    pair.settings["mattermost"].update(
        hosts=[OTHER], name=pair.name, verify={**pair.settings["mattermost"]["verify"], "address": pair.second.address}
    )
    pair.write()
    pair.lab.names.set(pair.name, pair.second.address)
    assert pair.orchestrate("mattermost.non-ssl").changes == {}
