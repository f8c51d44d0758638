"""The import of servers that are laid out as others do it: settings in the database, like Omnibus, like GitLab's. One target takes them all."""

import json

import pytest
import yaml

from tests.scenarios import by_hand, foreign
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

FILE = bytes(range(256)) * 3000
SOURCE = "old.example.test"


class Target(Deployment):
    """A deployed host with the one to import from in its roster."""

    def write(self, **roster_entry):
        super().write(**roster_entry)
        source = getattr(self, "source", None)
        if source is None:
            return
        entries = yaml.safe_load((self.directory / "roster").read_text())
        entries[SOURCE] = {"host": source.address, "user": "root", "priv": str(self.lab.ssh_key)}
        (self.directory / "roster").write_text(yaml.safe_dump(entries))
        with (self.directory / "known_hosts").open("a") as file:
            file.write(source.known_hosts(SOURCE))

    def bring(self, *arguments, **more):
        told = {"import": {"from": SOURCE, "to": self.name, **more}}
        return self.orchestrate("mattermost.import", "pillar=" + json.dumps(told), *arguments)


class Source:
    """What a user of the source needs to know: where it is, and its layout."""

    def __init__(self, deployment, layout):
        self.lab, self.name, self.layout = deployment.lab, deployment.name, layout
        self.host = deployment.source


class SourceChat(by_hand.HandChat):
    def __init__(self, source):
        self.port = source.layout.port
        super().__init__(source)


@pytest.fixture(scope="module")
def target(lab, releases, deployed_snapshot):
    with lab.passing("importer") as name:
        deployment = Target(lab, lab.clone(deployed_snapshot, name), releases[0])
        deployment.wait_until_healthy()
        yield deployment


@pytest.fixture(scope="module")
def base(lab, releases):
    return foreign.base(lab, releases[0])


@pytest.fixture(params=foreign.LAYOUTS, ids=lambda layout: layout.name)
def source(request, lab, base, target):
    """A host with a server of one layout, and a message with a file."""
    layout = request.param
    with lab.passing(layout.name) as name:
        target.source = lab.clone(base, name)
        target.set(hosts=[target.name])
        foreign.install(layout, target.source)
        yield Source(target, layout)


@pytest.mark.soak("elsewhere")
def test_every_message_and_file_comes_along(source, target, record_property):
    layout, host = source.layout, source.host
    chat = SourceChat(source)
    chat.call("PUT", "config/patch", {"TeamSettings": {"MaxUsersPerTeam": 77}}, 200)
    if layout.name == "database":  # said in the database alone: no file and no variable knows it
        chat.call("PUT", "config/patch", {"FileSettings": {"Directory": "/srv/chat/files/"}}, 200)
        host.ssh("systemctl restart mattermost", timeout=120)
        chat = SourceChat(source)
    picture = chat.upload("picture.bin", FILE)
    chat.post([1000000], file_ids=[picture])
    keys = kept_keys(host, layout)
    before = foreign.prints(layout, host)
    assert len(before.splitlines()) > 4

    if layout.accept:
        refused = target.bring(stop=True, overwrite=True)
        assert refused.rc != 0
        assert '"accept": ["gitlab-sign-in"]' in refused.comments
        chat.post([1000001])
    with chat:
        run = target.bring(stop=True, overwrite=True, accept=list(layout.accept))
    assert run.rc == 0, run
    record_property("seconds without a server", run.stages["imported"]["changes"][target.name]["seconds"])
    assert f"Team Edition ({layout.says}, running)" in run.stages["from-host-is-named"]["comment"]
    assert [secret for secret in layout.secrets if secret in run.out + run.err] == []
    assert len(chat.taken) > 5

    assert host.ssh(layout.stopped, check=False).returncode == 0
    assert foreign.prints(layout, host) == before
    assert host.ssh("find /run/mattermost-move /run/systemd/system/mattermost-move.service", check=False).stdout == ""

    imported = Chat(target, by_hand.LOGIN)
    assert {1000000, *chat.taken} - imported.there() == set()
    assert imported.download(picture) == FILE
    config = json.loads(target.ssh("cat /var/opt/mattermost/config/config.json"))
    assert config["TeamSettings"]["MaxUsersPerTeam"] == 77
    assert config["SqlSettings"]["AtRestEncryptKey"] == keys
    assert config["LogSettings"]["FileLocation"] == "/var/opt/mattermost/logs"
    assert config["ServiceSettings"]["SiteURL"] == f"https://{target.name}"
    assert layout.login not in config["SqlSettings"]["DataSource"]
    assert target.orchestrate().rc == 0


def kept_keys(host, layout):
    """Return the key for encryption at rest that the source's server uses."""
    if layout.name == "gitlab":
        return host.ssh("cat /opt/gitlab/etc/mattermost/env/MM_SQLSETTINGS_ATRESTENCRYPTKEY").stdout
    database = "chat" if layout.name == "database" else "mattermost"
    query = "SELECT value::json->'SqlSettings'->>'AtRestEncryptKey' FROM configurations WHERE active"
    return host.ssh(f'cd /; runuser -u postgres -- psql -XAt -d {database} -c "{query}"').stdout.strip()
