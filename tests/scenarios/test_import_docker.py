"""The import of a server in containers, by Debian's own engine and compose: all comes along, the containers stay as they were."""

import json

import pytest

from tests.scenarios import by_hand, containers
from tests.scenarios.chat import Chat
from tests.scenarios.meanwhile import Meanwhile
from tests.scenarios.test_import import FILE, importing
from tests.scenarios.test_move import OTHER

PRINTS = f"cd {containers.DIRECTORY} && find . -path ./volumes/db -prune -o -path '*/logs' -prune -o -type f -print | sort | xargs sha256sum"
CONTAINERS = "docker ps -a --format '{{.ID}} {{.Names}}' | sort"


@pytest.fixture(scope="module")
def pair(lab, releases):
    with importing(lab, releases[0], "compose", containers.install) as deployment:
        yield deployment


def compose(pair, edit="", more=""):
    """Change the compose file with sed, add a further one, and let the containers be as they say."""
    directory = pair.host.root / containers.DIRECTORY.lstrip("/")
    (directory / "more.yml").write_text(more or 'version: "2.4"\n')
    pair.ssh(
        f"cd {containers.DIRECTORY} && sed '{edit}' docker-compose.yml >changed.yml"
        " && docker-compose -f changed.yml -f more.yml up -d 2>&1 && rm changed.yml more.yml",
        timeout=120,
    )


@pytest.mark.soak("elsewhere")
def test_what_no_volume_holds_is_named(pair):
    compose(pair, r"\#/mattermost/plugins:#d")
    run = pair.bring(stop=True)
    assert run.rc != 0
    assert "keeps its plugins (/mattermost/plugins) only inside the container" in run.comments


@pytest.mark.soak("elsewhere")
def test_a_database_outside_is_read_by_its_login(pair):
    database = f"mmuser:{containers.DATABASE_PASSWORD}@{pair.host.address}:5432"
    compose(
        pair,
        rf"s#MM_SQLSETTINGS_DATASOURCE$#&=postgres://{database}/mattermost?sslmode=disable#",
        'version: "2.4"\nservices: {postgres: {ports: ["5432:5432"]}}\n',
    )
    without = pair.bring()
    pair.ssh(
        "DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install postgresql-client-15",
        timeout=120,
    )
    run = pair.bring()
    compose(pair)
    assert "has no pg_dump" in without.comments
    # it was read: nothing is left to object to but that it runs
    (said,) = [line for line in run.comments.splitlines() if line.startswith("installation-fits")]
    assert said.endswith('To allow this, add "stop": true to "import" in the pillar of the command.'), run
    assert containers.DATABASE_PASSWORD not in without.out + without.err + run.out + run.err


def test_a_server_in_containers_is_imported_under_load(pair, record_property):
    pair.ssh("until curl -fs -o /dev/null localhost:8065/api/v4/system/ping; do sleep 0.5; done", timeout=60)
    chat = by_hand.HandChat(pair)
    before, names = pair.ssh(PRINTS), pair.ssh(CONTAINERS)
    with chat, Arguments(pair.host) as arguments:
        run = pair.bring(stop=True)
    assert run.rc == 0, run
    record_property("seconds without a server", run.stages["imported"]["changes"][OTHER]["seconds"])
    print(run.stages["imported"]["comment"])
    assert "docker, running" in run.stages["from-host-is-named"]["comment"]
    assert len(chat.taken) > 5
    # the containers are there, the server's alone stopped; their files are what they were
    assert pair.ssh(CONTAINERS) == names
    assert (
        pair.ssh("docker inspect -f '{{.State.Running}}' $(docker ps -aq --filter name=mattermost_1)").strip()
        == "false"
    )
    assert [line for line in before.splitlines() if line not in pair.ssh(PRINTS).splitlines()] == []
    # its password is nowhere: output, process arguments, the journals of both hosts
    secret = containers.DATABASE_PASSWORD
    assert arguments.seen > 3
    assert secret not in arguments.text
    assert secret not in run.out + run.err
    for host in (pair.host, pair.second):
        assert secret not in host.ssh("journalctl -o cat --no-pager").stdout
    pair.lab.names.set(pair.name, pair.second.address)
    assert pair.orchestrate().rc == 0
    imported = Chat(pair.there, by_hand.LOGIN)
    assert ({1000000} | set(chat.taken)) - imported.there() == set()
    assert imported.download(pair.file) == FILE
    read = json.loads(pair.second.ssh("cat /var/opt/mattermost/config/config.json").stdout)
    assert read["TeamSettings"]["SiteName"] == "In containers"
    assert secret not in json.dumps(read)


class Arguments(Meanwhile):
    """While it is entered, all processes' arguments on a host are looked at again and again."""

    def __init__(self, host):
        super().__init__()
        self.host, self.text, self.seen = host, "", 0

    def step(self, number):
        many = "for _ in 1 2 3 4 5 6 7 8; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; sleep 0.1; done"
        self.text += self.host.ssh(many, check=False).stdout
        self.seen = number
