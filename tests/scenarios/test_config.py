"""Settings that change on a running server: through its own door, without a restart where none is needed, refused in words."""

import base64
import json
import shlex

import hypothesis
import mattermost_database_files as database_files
import mattermost_database_plan as plan
import mattermost_environment_core as environment
import pytest
from hypothesis import strategies as st

from tests.scenarios.deployment import Deployment
from tests.scenarios.findings import findings_of, red
from tests.unit.properties.strategy import HOSTILE, LINE
from tests.unit.properties.test_settings_properties import CHECK

SOCKET = "/run/mattermost/local.socket"
MAIL = "smtp-pa$$ w%rd"
TEN = hypothesis.settings(CHECK, max_examples=10)
VALUES = st.lists(LINE, min_size=1, max_size=6).map(lambda drawn: [*drawn, *HOSTILE])


@pytest.fixture(scope="module")
def server(lab, releases):
    """A host with database and server, no site: each test changes keys of its own."""
    with lab.passing("config") as name:
        deployment = Deployment(lab, lab.host(name), releases[0])
        for component in ("database", "server"):
            run = deployment.apply(component)
            assert run.rc == 0, run
        yield deployment


@pytest.fixture
def settings(server):
    """Set things for one test; afterwards the settings are the old ones again (config.json keeps what was set)."""
    before = server.settings
    yield server.set
    server.settings = before
    server.write()


def pid(server):
    return server.main_pids()["mattermost"]


def patch(server, config):
    """Save *config* as an administrator does in the System Console."""
    data = json.dumps(config).replace("'", "'\\''")
    server.ssh(f"curl -sSf --unix-socket {SOCKET} -X PUT -d '{data}' -o /dev/null http://localhost/api/v4/config/patch")


def key(server, section, name):
    return json.loads(server.ssh("cat /var/opt/mattermost/config/config.json"))[section][name]


def sign_up(server, name):
    """Try to make an account over the port that nginx passes on to; return the status."""
    body = json.dumps({"email": f"{name}@example.test", "username": name, "password": "Sign-up-1-please"})
    url = "http://127.0.0.1:8065/api/v4/users"
    return server.ssh(f"curl -sS -o /dev/null -w '%{{http_code}}' -X POST -d '{body}' {url}")


def test_again_changes_nothing(server):
    before = pid(server)
    run = server.apply("server")
    assert run.rc == 0, run
    assert run.changes == {}
    assert pid(server) == before


def test_what_an_administrator_changes_survives(server):
    patch(server, {"TeamSettings": {"MaxUsersPerTeam": 77}, "EmailSettings": {"SendPushNotifications": True}})
    assert server.apply("server").changes == {}
    assert key(server, "TeamSettings", "MaxUsersPerTeam") == 77
    assert key(server, "EmailSettings", "SendPushNotifications") is True


def test_a_live_key_is_changed_without_a_restart(server, settings):
    before = pid(server)
    settings(server={"config": {"TeamSettings": {"SiteName": "Talk"}}})
    changes = server.apply("server").changes
    assert changes == {
        "server-config-holds-our-settings": {"TeamSettings.SiteName": {"old": "Mattermost", "new": "Talk"}}
    }
    shown = json.loads(server.ssh("curl -sSf 'http://127.0.0.1:8065/api/v4/config/client?format=old'"))
    assert shown["SiteName"] == "Talk"
    assert pid(server) == before


def test_a_key_that_needs_a_restart_restarts_once(server, settings):
    before = pid(server)
    settings(server={"config": {"ServiceSettings": {"SessionLengthWebInHours": 48}}})
    assert server.apply("server").changes["server-config-holds-our-settings"]["restart"] is True
    after = pid(server)
    assert after != before
    assert server.apply("server").changes == {}
    assert pid(server) == after


def test_what_an_administrator_set_for_plugins_survives_a_key_of_ours_beside_it(server, settings):
    one, two = {"token": "from-the-console"}, {"url": "https://example.test"}
    patch(server, {"PluginSettings": {"Plugins": {"org.example.one": one, "org.example.two": two}}})
    before = pid(server)
    settings(server={"config": {"PluginSettings": {"Plugins": {"org.example.two": {"enabled": True}}}}})
    run = server.apply("server")
    assert run.rc == 0, run
    assert "from-the-console" not in str(run)
    plugins = {"org.example.one": one, "org.example.two": {**two, "enabled": True}}
    assert key(server, "PluginSettings", "Plugins") == plugins
    assert server.apply("server").changes == {}
    assert pid(server) == before


def test_a_variable_reaches_the_server_and_restarts_it_once(server, settings):
    settings(server={"environment": {"MM_TEAMSETTINGS_CUSTOMDESCRIPTIONTEXT": "Quotes ' \" and $HOME % \\ stay"}})
    before = pid(server)
    changes = server.apply("server").changes["server-reads-its-secrets-from-a-private-file"]
    assert changes == {"added": ["MM_TEAMSETTINGS_CUSTOMDESCRIPTIONTEXT"], "restart": True}
    shown = json.loads(server.ssh("curl -sSf 'http://127.0.0.1:8065/api/v4/config/client?format=old'"))
    assert shown["CustomDescriptionText"] == "Quotes ' \" and $HOME % \\ stay"
    after = pid(server)
    assert after != before
    assert server.apply("server").changes == {}
    assert pid(server) == after


def test_mail_is_proved_by_the_servers_own_test_message(server, settings):
    settings(mail={"server": "mail.lab.test", "port": 25, "security": "plain", "username": "chat", "password": MAIL})
    run = server.apply("server")
    assert run.rc == 0, run
    assert MAIL not in str(run)
    sent = len(server.lab.mailbox.messages())
    asked = server.command("salt-ssh", "*", "mattermost_api.send_test_mail", "--out=json", "--static")
    assert json.loads(asked.out)[server.name]["result"] is True, asked
    (message,) = server.lab.mailbox.messages()[sent:]
    assert (message["To"], message["X-Lab-User"]) == ("admin@example.test", "chat")
    assert MAIL not in server.ssh("cat /var/opt/mattermost/config/config.json")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"TeamSettings": {"SiteNam": "x"}}, "Did you mean TeamSettings.SiteName?"),
        (
            {"EmailSettings": {"SMTPPort": 25}},
            "EmailSettings.SMTPPort must be a string, not 25. Write it in quotes: '25'.",
        ),
        ({"TeamSettings": {"ExperimentalViewArchivedChannels": False}}, "refuses to start with this value since 11.0"),
        ({"TeamSettings": {"SiteName": "x" * 31}}, "Site name must be less than or equal to 30 characters."),
    ],
)
def test_a_key_that_cannot_be_is_refused_in_words_and_changes_nothing(server, settings, config, sentence):
    before = server.ssh("sha256sum /var/opt/mattermost/config/config.json"), pid(server)
    settings(server={"config": config})
    run = server.apply("server")
    assert run.rc != 0
    assert sentence in run.states["server-config-holds-our-settings"]["comment"]
    assert (server.ssh("sha256sum /var/opt/mattermost/config/config.json"), pid(server)) == before


def test_what_postgresql_does_not_start_with_is_refused_before_it_is_told(server, settings):
    before = server.main_pids()
    settings(database={"settings": {"work_mem": "1kB"}})
    found = findings_of(server, "mattermost.preflight")
    assert red(found) == {"values"}
    assert "work_mem" in found["values"]["sentence"]
    assert server.main_pids() == before
    assert server.ssh("grep -rl 1kB /etc/postgresql; ls -d /var/tmp/mattermost-asked*; true") == ""


def put(server, path, text):
    server.ssh(f"printf %s {base64.b64encode(text.encode()).decode()} | base64 -d >{path}")


@TEN
@hypothesis.given(values=VALUES)
def test_systemd_gives_a_program_each_variable(server, values):
    told = {f"MM_{index}": value for index, value in enumerate(values)}
    put(server, "/run/bytes.env", environment.rendered(told))
    shown = server.ssh("systemd-run -q --wait --pipe -p EnvironmentFile=/run/bytes.env /usr/bin/env -0 | base64 -w0")
    found = dict(line.split("=", 1) for line in base64.b64decode(shown).decode().split("\0") if line)
    assert {name: found[name] for name in told} == told


@TEN
@hypothesis.given(values=VALUES)
def test_postgresql_reads_each_setting(server, values):
    told = {f"own.v{index}": value for index, value in enumerate(values)}
    file = "$(runuser -u postgres -- psql -XAtqc 'SHOW config_file' | xargs dirname)/conf.d/zz-bytes.conf"
    put(server, f'"{file}"', database_files.drop_in(told))
    try:
        query = "SELECT json_object_agg(name, setting) FROM pg_file_settings WHERE sourcefile LIKE '%zz-bytes.conf'"
        assert json.loads(server.ssh(f"runuser -u postgres -- psql -XAtqc {shlex.quote(query)}")) == told
    finally:
        server.ssh(f'rm "{file}"')


@TEN
@hypothesis.given(values=VALUES)
def test_psql_takes_each_text_as_a_literal(server, values):
    put(server, "/run/bytes.sql", f"SELECT json_build_array({', '.join(map(plan.literal, values))});\n")
    assert json.loads(server.ssh("runuser -u postgres -- psql -XAtq </run/bytes.sql")) == values


def test_nobody_signs_up_before_or_after_but_by_invitation(server):
    assert sign_up(server, "stranger") == "403"
    assert "system_admin" in server.ssh(
        f"curl -sSf --unix-socket {SOCKET} http://localhost/api/v4/users/username/admin"
    )


def test_the_administrators_account_is_left_alone_also_when_renamed_and_deactivated(server):
    api = f"curl -sSf --unix-socket {SOCKET} http://localhost/api/v4/users"
    user = json.loads(server.ssh(f"{api}/username/admin"))
    body = json.dumps({**user, "username": "boss"})
    server.ssh(f"{api}/{user['id']} -X PUT -d '{body}' >/dev/null")
    server.ssh(f"{api}/{user['id']}/active -X PUT -d '{{\"active\": false}}' >/dev/null")
    assert "first-account-is-the-administrators" not in server.apply("server").changes
    users = json.loads(server.ssh(api))
    assert [(each["username"], each["delete_at"] > 0) for each in users] == [("boss", True)]


@pytest.mark.soak("checks")
def test_without_an_administrator_to_make_sign_up_stays_closed_until_there_is_one(lab, releases):
    host = lab.host("closed")
    try:
        bare = Deployment(lab, host, releases[0])
        bare.set(server={"admin": {"create": False}})
        for component in ("database", "server"):
            run = bare.apply(component)
            assert run.rc == 0, run
        assert sign_up(bare, "first") == "501"
        assert bare.apply("server").changes == {}
        assert sign_up(bare, "first") == "501"
        body = json.dumps({"email": "a@example.test", "username": "chief", "password": "Sign-up-1-please"})
        bare.ssh(f"curl -sSf --unix-socket {SOCKET} -d '{body}' -o /dev/null http://localhost/api/v4/users")
        assert "first-account-is-the-administrators" in bare.apply("server").changes
        assert sign_up(bare, "second") == "403"
    finally:
        host.remove()
