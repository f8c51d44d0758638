"""An import into the host that the server is on: taken over behind its admin's own nginx, or the old server serves again, with all its data."""

import contextlib
import json
import time

import pytest

from tests.scenarios import by_hand
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

FILE = bytes(range(256)) * 3000
ASIDE = "/var/lib/mattermost-deploy/aside"
NGINX = r"""
set -e
DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install nginx-light >/dev/null
rm /etc/nginx/sites-enabled/default
cat >/etc/nginx/conf.d/chat.conf <<'END'
server {
    listen 80;
    client_max_body_size 50m;
    location / { proxy_pass http://127.0.0.1:8065; proxy_set_header Host $host; }
}
END
mkdir /etc/systemd/system/mattermost.service.d
printf '[Service]\nLimitNOFILE=4096\n' >/etc/systemd/system/mattermost.service.d/mine.conf
systemctl daemon-reload
systemctl restart nginx
"""
# the old server's places: names, modes, owners, contents; what starts it; its account
CENSUS = r"""
cd /
find /opt /etc/systemd/system \( -path '*mattermost-*' -o -path '*.coming*' -o -path '*/certbot*' -o -path '*/logs*' \) -prune -o -path '*mattermost*' -printf '%p %y %l %m %u %g\n' | sort
find /opt/mattermost /etc/systemd/system/mattermost.service* -path '*/logs' -prune -o -type f -exec sha256sum {} + | sort -k2
getent passwd mattermost
systemctl is-enabled mattermost
"""

# which of the two ports answers, a line each time
PORTS = r"""
(while [ ! -e /run/enough ]; do
    for port in 8065 18065; do curl -s -m 2 -o /dev/null -w "$port=%{http_code} " http://127.0.0.1:$port/api/v4/system/ping; done | sed 's/ $//'
    echo
    sleep 0.1
done >/run/ports) >/dev/null 2>&1 </dev/null &
"""


class HandChat(by_hand.HandChat):
    """Comes by the admin's nginx."""

    port = 80


class InPlace(Deployment):
    def bring(self, *arguments, **more):
        told = {"import": {"from": self.name, "stop": True, **more}}
        return self.orchestrate("mattermost.import", "pillar=" + json.dumps(told), *arguments)

    def serves_as_before(self, numbers, chat=HandChat):
        """Assert that the old server serves, by its own port, with everything where it was and each message there."""
        deadline = time.monotonic() + 90
        while self.ssh("curl -s -m 5 http://127.0.0.1:8065/api/v4/system/ping", check=False)[:1] != "{":
            assert time.monotonic() < deadline, self.ssh("systemctl status mattermost mattermost-aside", check=False)
            time.sleep(0.5)
        program = self.ssh("readlink /proc/$(systemctl show mattermost -p MainPID --value)/exe")
        assert program.startswith("/opt/mattermost/bin/")
        assert set(numbers) - chat(self).there() == set()
        assert self.ssh(CENSUS) == self.census
        assert self.ssh(f"ls {ASIDE}/journal {ASIDE}/kept", check=False) == ""


@contextlib.contextmanager
def installed(lab, release):
    """A host with a server that an administrator set up by hand, with one message and a file."""
    with lab.passing("inplace") as name:
        host = lab.host(name)
        by_hand.install(host, release)
        host.ssh(NGINX, timeout=120)
        deployment = InPlace(lab, host, release)
        chat = HandChat(deployment)
        deployment.file = chat.upload("picture.bin", FILE)
        chat.post([1000000], file_ids=[deployment.file])
        yield deployment


@pytest.fixture(scope="module")
def place(lab, releases):
    with installed(lab, releases[0]) as deployment:
        deployment.taken, deployment.census = {1000000}, deployment.ssh(CENSUS)
        yield deployment


def test_a_dry_run_says_what_comes_and_changes_nothing(place):
    run = place.bring("test=True")
    assert run.rc == 0, run
    assert "hand-made, running" in run.stages["from-host-is-named"]["comment"]
    assert "rename its files" in run.stages["imported"]["comment"]
    ours = "/etc/mattermost /opt/mattermost.* /var/lib/mattermost-deploy /run/mattermost-* /run/mattermost-deploy/*"
    # a dry run, too, is alone at work there
    assert place.ssh(f"ls -d {ours}", check=False).split() == ["/run/mattermost-deploy", "/run/mattermost-deploy/lock"]
    place.serves_as_before({1000000})


def test_a_new_server_that_does_not_come_up_leaves_the_old_one_serving(place):
    broken = "/run/systemd/system/mattermost.service.d"
    script = "! [ -e /var/lib/mattermost-deploy/move-placed ]"
    place.ssh(
        f"mkdir -p {broken}; printf '[Service]\\nExecStartPre=+/bin/sh -c \"{script}\"\\n' >{broken}/broken.conf; systemctl daemon-reload"
    )
    chat = HandChat(place)
    with chat:
        run = place.bring()
    place.ssh(f"rm -r {broken}; systemctl daemon-reload")
    assert run.rc != 0
    assert f"{place.name} serves again, with all its data" in run.comments, run
    place.taken |= set(chat.taken)
    place.serves_as_before(place.taken)
    databases = place.ssh('cd /; runuser -u postgres -- psql -XAtc "SELECT datname FROM pg_database"')
    assert "replaced" not in databases
    assert "moving" not in databases


def test_a_deploy_does_not_take_the_place_of_what_was_put_back(place):
    run = place.apply("server")
    assert run.rc != 0
    assert (
        "To import that installation again, run: salt-run state.orchestrate mattermost.import"
        in run.states["no-previous-installation-is-in-the-way"]["comment"]
    )
    place.serves_as_before(place.taken)


@pytest.mark.soak("elsewhere")
def test_a_killed_run_leaves_the_old_server_serving(place):
    until(place, "Server config holds our settings", 3000000)
    place.serves_as_before(place.taken)


def test_a_power_cut_leaves_the_old_server_serving(place):
    until(place, "starting the server with what was copied", 4000000, lambda: (place.host.cut(), place.host.start()))
    place.host.wait_booted()
    place.serves_as_before(place.taken)


def until(place, words, first, also=lambda: None):
    """Import under load until the run says *words*, then kill it, and do *also* at once. first: messages are numbered from there."""
    chat = HandChat(place)
    chat.first = first
    with chat:
        place.killed_at(words, "mattermost.import", {"import": {"from": place.name, "stop": True}}, also)
    place.taken |= set(chat.taken)


def test_a_server_is_taken_over_under_load(place, record_property):
    place.ssh(PORTS)
    chat = HandChat(place)
    chat.first = 2000000
    with chat:
        run = place.bring()
        assert run.rc == 0, run
        chat.posted(5)
    record_property("seconds without a server", run.stages["imported"]["changes"][place.name]["seconds"])
    print(run.stages["imported"]["comment"], chat.pause)
    assert chat.lost() == set()
    assert place.taken - chat.there() == set()
    assert chat.download(place.file) == FILE
    seen = place.ssh("touch /run/enough; cat /run/ports").splitlines()
    assert "8065=000 18065=200" in seen, "the new server was not proved where nobody comes"
    assert "8065=200 18065=200" not in seen
    old = place.ssh(CENSUS.replace("/opt/mattermost ", "/opt/mattermost.before-import "))
    assert "/opt/mattermost.before-import/bin/mattermost" in old


def test_its_site_comes_by_the_tree_once_the_old_one_made_room(place):
    run = place.orchestrate()
    assert run.rc != 0
    assert "nginx on the host serves other sites (/etc/nginx/conf.d/chat.conf)" in run.comments
    place.ssh("rm /etc/nginx/conf.d/chat.conf")
    run = place.orchestrate()
    assert run.rc == 0, run
    assert "stages" not in run.changes
    assert place.taken - by_the_site(place).there() == set()


def test_the_way_back_stays_open(place):
    assert "import is complete" in place.host.ssh("mattermost-aside back", check=False).stderr
    place.ssh("mattermost-aside back overwrite", timeout=120)
    place.serves_as_before(place.taken, by_the_site)


def by_the_site(place):
    return Chat(place, by_hand.LOGIN)


def test_a_removal_leaves_the_old_server_alone(place):
    run = place.orchestrate("mattermost.remove")
    assert run.rc == 0, run
    assert (
        place.ssh(
            "ls /usr/local/sbin/mattermost-* /etc/systemd/system/mattermost-* /opt/mattermost.coming", check=False
        )
        == ""
    )
    assert place.ssh(CENSUS) == place.census
    assert place.ssh("systemctl is-active mattermost").strip() == "active"
