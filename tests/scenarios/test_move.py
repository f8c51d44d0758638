"""A move to another host: every message that was taken is there, files byte for byte, and until then the old host serves."""

import json

import pytest
import yaml

from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

FILE = bytes(range(256)) * 3000
OTHER = "other.example.test"
WORK = "/var/lib/mattermost-deploy"


class Pair(Deployment):
    """A deployment with a second host in its roster, under the ID ``OTHER``."""

    def __init__(self, lab, host, archive, second):
        self.second = second
        super().__init__(lab, host, archive)
        self.set(hosts=[self.name])

    def write(self, **roster_entry):
        super().write(**roster_entry)
        entries = yaml.safe_load((self.directory / "roster").read_text())
        entries[OTHER] = {"host": self.second.address, "user": "root", "priv": str(self.lab.ssh_key)}
        (self.directory / "roster").write_text(yaml.safe_dump(entries))
        with (self.directory / "known_hosts").open("a") as file:
            file.write(self.second.known_hosts(OTHER))

    def move(self, source, target, *arguments, **more):
        told = {"move": {"from": source, "to": target, **more}}
        return self.orchestrate("mattermost.move", "pillar=" + json.dumps(told), *arguments)

    @property
    def there(self):
        """The second host, as a deployment of the same public name."""
        other = Deployment.__new__(Deployment)
        other.lab, other.host, other.name = self.lab, self.second, self.name
        return other


@pytest.fixture(scope="module")
def pair(lab, releases, deployed_snapshot):
    """A deployed host with a file and a message, and a bare one."""
    with lab.passing("mover") as first, lab.passing("taker") as second:
        deployment = Pair(lab, lab.clone(deployed_snapshot, first), releases[0], lab.host(second))
        deployment.wait_until_healthy()
        chat = Chat(deployment)
        deployment.login, deployment.file = chat.login, chat.upload("picture.bin", FILE)
        chat.post([1000000], file_ids=[deployment.file])
        yield deployment


def serves(deployment, numbers):
    """Assert that a deployment's site answers and holds the messages, and the file byte for byte."""
    deployment.wait_until_healthy(120)
    chat = Chat(deployment, chat_login(deployment))
    assert set(numbers) - chat.there() == set()
    return chat


def chat_login(deployment):
    return deployment.login


def test_two_names_of_one_machine_are_refused(pair):
    entries = yaml.safe_load((pair.directory / "roster").read_text())
    alias = {**entries[pair.name], "host": pair.host.address}
    (pair.directory / "roster").write_text(yaml.safe_dump({**entries, "alias.example.test": alias}))
    with (pair.directory / "known_hosts").open("a") as file:
        file.write(pair.host.known_hosts("alias.example.test"))
    try:
        run = pair.move(pair.name, "alias.example.test")
    finally:
        pair.write()
    assert run.rc != 0
    assert "are the same machine" in run.comments
    serves(pair, {1000000})


def test_a_dry_run_changes_nothing(pair):
    run = pair.move(pair.name, OTHER, "test=True")
    assert run.rc == 0, run
    assert "Would stop" in run.stages["moved"]["comment"]
    assert pair.second.ssh("ls /etc/mattermost /opt/mattermost", check=False).stdout == ""
    serves(pair, {1000000})


def test_a_target_that_does_not_come_up_leaves_the_source_serving(pair):
    unit = "/etc/systemd/system/mattermost.service.d"
    script = f"! [ -e {WORK}/move-placed ]"
    pair.second.ssh(
        f"mkdir -p {unit}; printf '[Service]\\nExecStartPre=+/bin/sh -c \"{script}\"\\n' >{unit}/broken.conf"
    )
    run = pair.move(pair.name, OTHER)
    pair.second.ssh(f"rm {unit}/broken.conf; systemctl daemon-reload")
    assert run.rc != 0
    assert f"{pair.name} serves again, with all its data" in run.comments, run
    serves(pair, {1000000})
    databases = pair.second.ssh('cd /; runuser -u postgres -- psql -XAtc "SELECT datname FROM pg_database"').stdout
    assert "replaced" not in databases
    assert "moving" not in databases


def test_a_killed_run_leaves_the_source_serving(pair):
    Chat(pair, pair.login).post([1000001])
    pair.killed_at("the server is stopped", "mattermost.move", {"move": {"from": pair.name, "to": OTHER}})
    serves(pair, {1000000, 1000001})


def test_a_server_moves_under_load(pair, record_property):
    chat = Chat(pair, pair.login)
    with chat:
        chat.posted(11)
        run = pair.move(pair.name, OTHER)
    assert run.rc == 0, run
    record_property("seconds without a server", run.stages["moved"]["changes"][OTHER]["seconds"])
    print(run.stages["moved"]["comment"])
    pair.taken = {1000000, 1000001} | set(chat.taken)
    assert len(pair.taken) > 10
    moved = Chat(pair.there, pair.login)
    assert pair.taken - moved.there() == set()
    assert moved.download(pair.file) == FILE


def test_the_old_host_stays_silent_and_says_so(pair):
    run = pair.orchestrate()
    assert run.rc != 0
    assert f"was moved from this host to {OTHER}" in run.comments
    pair.host.reboot()
    pair.host.wait_booted()
    assert pair.ssh("systemctl is-active mattermost", check=False).strip() == "inactive"
    run = pair.move(pair.name, OTHER)
    assert run.rc != 0
    assert f"was already moved to {OTHER}" in run.comments


def test_a_run_cut_short_after_the_old_host_was_left_is_ended_by_the_next(pair):
    closed = "/etc/nginx/mattermost/closed"
    pair.second.ssh(
        f"echo 20260101000000 >{WORK}/move-placed; touch {closed} /run/mattermost-switch.closed; systemctl stop mattermost"
    )
    dry = pair.move(pair.name, OTHER, "test=True")
    assert dry.stages["moved"]["comment"] == f"Would start the server on {OTHER} and open its site."
    assert "Would copy the" not in dry.comments
    run = pair.move(pair.name, OTHER)
    assert run.rc == 0, run
    assert "An earlier run of this move already stopped" in run.comments
    assert (
        pair.second.ssh(f"ls {closed} {WORK}/move-placed {WORK}/received", check=False).stdout == f"{WORK}/received\n"
    )
    assert pair.taken - Chat(pair.there, pair.login).there() == set()


def test_the_new_host_is_a_deployment_like_any_other(pair):
    pair.settings["mattermost"].update(
        hosts=[OTHER], name=pair.name, verify={**pair.settings["mattermost"]["verify"], "address": pair.second.address}
    )
    pair.write()
    pair.lab.names.set(pair.name, pair.second.address)
    run = pair.orchestrate()
    assert (run.rc, run.changes) == (0, {}), run
    pair.second.ssh("mattermost-backup now", timeout=120)
    Chat(pair.there, pair.login).post([1000002])


def test_it_moves_back_with_what_was_posted_since(pair):
    run = pair.move(OTHER, pair.name)
    assert run.rc == 0, run
    assert "The data that was replaced is in /var/opt/mattermost/replaced-" in run.stages["moved"]["comment"]
    pair.lab.names.set(pair.name, pair.host.address)
    chat = Chat(pair, pair.login)
    assert (pair.taken | {1000002}) - chat.there() == set()
    assert chat.download(pair.file) == FILE
    assert pair.second.ssh("systemctl is-enabled mattermost", check=False).stdout.strip() == "disabled"
