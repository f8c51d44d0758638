"""Installations of others: found and read from what the look at their host told."""

import base64
import json
import os
import shutil
import subprocess

import pytest
from mattermost_controller.hosts import scripts
from mattermost_controller.importing import detect, parse

from tests import repository
from tests.unit.import_facts import CONFIG, ENTERPRISE, TEAM, by_hand, coded, facts_text


def test_a_server_by_hand_is_read():
    source = detect.detect(by_hand())
    assert (source.layout, source.version, source.is_team, source.active) == ("hand-made", "11.7.10", True, True)
    assert (source.data, source.plugins) == ("/opt/mattermost/data", "/opt/mattermost/plugins")
    assert source.client_plugins == "/opt/mattermost/client/plugins"
    assert source.config_file == "/opt/mattermost/config/config.json"
    assert source.login == parse.Login(
        "login", "chat", "mmuser", "a@b", "db.example.com", "5433", directory="/usr/lib/postgresql/15/bin"
    )


def test_a_host_whose_server_another_import_stopped_just_now_is_left_alone():
    with pytest.raises(parse.ImportFault, match="Start this import again when that run has ended"):
        detect.detect(by_hand(None, "held\tyes"))


def test_its_environment_wins_over_its_file():
    text = '# ours\nMM_FILESETTINGS_DIRECTORY="/srv/chat data"\nPATH=/bin\n'
    files = f"environment_file\t{coded(text)}"
    running = f"environment\t{coded('MM_SQLSETTINGS_DATASOURCE=postgres:///chat?host=/run/postgresql&user=mm')}"
    source = detect.detect(by_hand(None, files, running))
    assert source.data == "/srv/chat data"
    assert source.variables["MM_TEAMSETTINGS_SITENAME"] == "Named"
    assert "PATH" not in source.variables
    assert (source.login.host, source.login.user, source.login.database) == ("/run/postgresql", "mm", "chat")
    assert source.login.system_user == "chat"


def test_absolute_directories_stay():
    config = {**CONFIG, "FileSettings": {"Directory": "/srv/files/"}}
    assert detect.detect(by_hand(config)).data == "/srv/files"


OMNIBUS = """db_user: mmuser
db_password: secret
fqdn: chat.example.com
data_directory: /var/opt/mattermost/data
"""
OMNIBUS_ENVIRONMENT = """MM_CONFIG="postgres://mmuser:secret@localhost:5432/mattermost?sslmode=disable&connect_timeout=10"
MM_SERVICESETTINGS_SITEURL="https://chat.example.com"
MM_SERVICESETTINGS_LISTENADDRESS=":8065"
"""


def test_omnibus_keeps_its_settings_in_the_database():
    lines = [
        "tree\t/opt/mattermost",
        f"omnibus\t{coded(OMNIBUS)}",
        f"omnibus_environment\t{coded(OMNIBUS_ENVIRONMENT)}",
    ]
    source = detect.detect(facts_text(*lines, *ENTERPRISE, "unit\tActiveState=inactive"))
    assert (source.layout, source.version, source.is_team, source.active) == ("omnibus", "10.12.0", False, False)
    assert source.config is None
    assert source.config_file == ""
    assert source.data == "/var/opt/mattermost/data"
    assert source.login[:6] == ("login", "mattermost", "mmuser", "secret", "localhost", "5432")


def test_gitlabs_is_read_with_its_own_programs():
    config = {
        **CONFIG,
        "SqlSettings": {
            "DriverName": "postgres",
            "DataSource": "user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production",
        },
    }
    config["FileSettings"] = {"Directory": "/var/opt/gitlab/mattermost/data"}
    variables = [
        f"gitlab_environment\tMM_TEAMSETTINGS_SITENAME {coded('GitLab Mattermost')}",
        f"gitlab_environment\tPATH {coded('/bin')}",
    ]
    state = "gitlab_active\trun: mattermost: (pid 812) 3021s; run: log: (pid 80) 99s"
    source = detect.detect(
        facts_text(
            "gitlab_config\t/var/opt/gitlab/mattermost/config.json",
            f"gitlab\t{coded(config)}",
            *variables,
            state,
            *TEAM,
        )
    )
    assert (source.layout, source.active, source.stop_command) == ("gitlab", True, "gitlab-ctl stop mattermost")
    assert source.data == "/var/opt/gitlab/mattermost/data"
    assert source.variables == {"MM_TEAMSETTINGS_SITENAME": "GitLab Mattermost"}
    login = source.login
    assert (login.user, login.system_user, login.host, login.database) == (
        "gitlab-psql",
        "gitlab-psql",
        "/var/opt/gitlab/postgresql",
        "mattermost_production",
    )
    assert login.directory == "/opt/gitlab/embedded/bin"


def test_gitlabs_empty_variable_is_none_and_only_a_first_line_counts():
    config = {**CONFIG, "GitLabSettings": {"Enable": True, "Id": "of the file"}}
    variables = [
        f"gitlab_environment\tMM_GITLABSETTINGS_ID {coded('')}",
        f"gitlab_environment\tMM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS {coded(' gitlab.example.com ')}",
        f"gitlab_environment\tMM_TEAMSETTINGS_SITENAME {coded('Name' + chr(10) + 'more' + chr(10))}",
    ]
    lines = ["gitlab_config\t/srv/mm/config.json", f"gitlab\t{coded(config)}", *variables, *TEAM]
    source = detect.detect(facts_text(*lines))
    assert source.config_file == "/srv/mm/config.json"
    assert source.variables == {
        "MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS": " gitlab.example.com",
        "MM_TEAMSETTINGS_SITENAME": "Name",
    }


def containers(**more):
    labels = {"com.docker.compose.project": "chat", "com.docker.compose.service": "mattermost"}
    server = {
        "Id": "0123456789ab" + "0" * 52,
        "Name": "/chat-mattermost-1",
        "Config": {
            "Image": "mattermost/mattermost-team-edition:11.7.10",
            "Labels": labels,
            "Env": [
                "MM_SQLSETTINGS_DATASOURCE=postgres://mmuser:pw@postgres:5432/mattermost?sslmode=disable",
                "TZ=UTC",
            ],
        },
        "State": {"Running": True},
        "Mounts": [
            {"Destination": "/mattermost/config", "Source": "/srv/chat/volumes/app/mattermost/config"},
            {"Destination": "/mattermost/data", "Source": "/srv/chat/volumes/app/mattermost/data"},
            {"Destination": "/mattermost/plugins", "Source": "/srv/chat/volumes/app/mattermost/plugins"},
            {"Destination": "/mattermost/client/plugins", "Source": "/srv/chat/volumes/app/mattermost/client/plugins"},
        ],
        **more,
    }
    database = {
        "Id": "f" * 64,
        "Name": "/chat-postgres-1",
        "Config": {
            "Image": "postgres:14-alpine",
            "Labels": {**labels, "com.docker.compose.service": "postgres"},
            "Env": [],
        },
        "Mounts": [],
    }
    return f"containers\t{coded([database, server])}"


def test_containers_are_read():
    lines = ["version_of_0123456789ab\tVersion: 11.7.10", "version_of_0123456789ab\tBuild Enterprise Ready: false"]
    source = detect.detect(facts_text(containers(), *lines))
    assert (source.layout, source.version, source.is_team, source.active) == ("docker", "11.7.10", True, True)
    assert source.config_file == "/srv/chat/volumes/app/mattermost/config/config.json"
    assert source.client_plugins == "/srv/chat/volumes/app/mattermost/client/plugins"
    assert (source.login.kind, source.login.container, source.login.user) == ("container", "chat-postgres-1", "mmuser")
    assert source.stop_command == "docker stop chat-mattermost-1"


def changed(edit):
    """The containers' look, after *edit* changed the list (database, server)."""
    listed = json.loads(base64.b64decode(containers().partition("\t")[2]))
    edit(*listed)
    return f"containers\t{coded(listed)}"


def test_a_database_container_of_another_project_is_reached_by_the_network_that_both_are_in():
    def shared(database, server):
        database["Config"]["Labels"] = {}
        database["Name"] = "/pg"
        database["NetworkSettings"] = {"Networks": {"chat": {"Aliases": ["postgres"]}}}
        server["NetworkSettings"] = {"Networks": {"chat": {}}}

    assert detect.detect(facts_text(changed(shared))).login.container == "pg"


@pytest.mark.parametrize(
    ("named", "extra", "host"),
    [
        ("db.example.com", [], "db.example.com"),
        ("host.docker.internal", ["host.docker.internal:host-gateway"], "127.0.0.1"),
        ("db", ["db:10.0.0.5"], "10.0.0.5"),
    ],
)
def test_a_database_outside_of_the_containers_is_reached_by_its_login(named, extra, host):
    def outside(database, server):
        server["Config"]["Env"] = [f"MM_SQLSETTINGS_DATASOURCE=postgres://mm:pw@{named}:5433/chat"]
        server["HostConfig"] = {"ExtraHosts": extra}

    login = detect.detect(facts_text(changed(outside))).login
    assert (login.kind, login.host, login.port, login.directory) == (
        "login",
        host,
        "5433",
        "/usr/lib/postgresql/15/bin",
    )


def test_a_containers_data_source_may_stand_in_its_file():
    def bare(database, server):
        server["Config"]["Env"] = []

    config = {
        "SqlSettings": {"DataSource": "postgres://mm:pw@postgres/chat"},
        "FileSettings": {"Directory": "/mattermost/data/"},
    }
    source = detect.detect(facts_text(changed(bare), f"config_of_0123456789ab\t{coded(config)}"))
    assert (source.login.container, source.login.database) == ("chat-postgres-1", "chat")


def test_a_container_may_have_its_settings_in_the_database():
    def in_database(database, server):
        server["Config"]["Env"] = ["MM_CONFIG=postgres://mm:pw@postgres/chat"]
        server["Mounts"] = server["Mounts"][1:]

    source = detect.detect(facts_text(changed(in_database)))
    assert (source.config_file, source.config, source.login.database) == ("", None, "chat")


def test_two_servers_in_containers_are_told_apart_by_what_runs():
    def twice(database, server):
        database["Config"] = server["Config"]

    assert detect.detect(facts_text(changed(twice))).stop_command == "docker stop chat-mattermost-1"

    def both(database, server):
        twice(database, server)
        database["State"] = {"Running": True}

    with pytest.raises(parse.ImportFault, match="several Mattermost servers in containers"):
        detect.detect(facts_text(changed(both)))


def test_a_container_that_stands_still_tells_its_version_by_its_image():
    source = detect.detect(facts_text(containers(State={"Running": False})))
    assert (source.version, source.active) == ("11.7.10", False)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("No Mattermost was found", facts_text()),
        ("was interrupted", "tree\t/opt/mattermost"),
        (
            "uses a MySQL database",
            by_hand({**CONFIG, "SqlSettings": {"DriverName": "mysql", "DataSource": "mm:pw@tcp(localhost:3306)/chat"}}),
        ),
        ("is not valid JSON", facts_text("tree\t/opt/mattermost", f"config\t{coded('{')}", *TEAM)),
        (
            r"outside mattermost.service on the host in import:from \(process 812 in chat.service, 900 in session-3.scope\)",
            by_hand(None, "stray\t812 in chat.service", "stray\t900 in session-3.scope"),
        ),
        (
            "which no import can use",
            by_hand(
                {**CONFIG, "SqlSettings": {"DataSource": "postgres://mm:pw@127.0.0.1/-f%2Fetc%2Fprofile.d%2Fx.sh"}}
            ),
        ),
        (
            "which no import can use",
            by_hand({**CONFIG, "SqlSettings": {"DataSource": "postgres://mm:pw@127.0.0.1/dbname=x%20passfile=y"}}),
        ),
        (
            "characters that an import cannot use",
            facts_text("tree\t/home/mm/a';id;'", f"config\t{coded(CONFIG)}", *TEAM),
        ),
        ("sets no database", by_hand({**CONFIG, "SqlSettings": {}})),
        ("installation is unknown", facts_text("tree\t/opt/mattermost", f"config\t{coded(CONFIG)}")),
        ("only inside the container", facts_text(containers(Mounts=[]))),
        ("sets no MM_CONFIG", facts_text("tree\t/opt/mattermost", f"omnibus\t{coded(OMNIBUS)}")),
    ],
)
def test_what_cannot_be_imported_says_why(words, text):
    with pytest.raises(parse.ImportFault, match=words):
        detect.detect(text)


DOCKER = """#!/bin/sh
case "$1 $2" in
    'ps -aq') echo 0123456789ab; echo ffffffffffff ;;
    'inspect -f') case $4 in 0*) echo mattermost/mattermost-team-edition:11.7 ;; *) echo postgres:14 ;; esac ;;
    'inspect '*) cat "$containers" ;;
    'exec 0123456789ab') printf 'Version: 11.7.9\\nBuild Enterprise Ready: false\\n' ;;
    *) exit 1 ;;
esac
"""


@pytest.mark.skipif(
    os.path.exists("/opt/mattermost"),
    reason="A MATTERMOST IS INSTALLED HERE: it would be found in place of the example.",
)
def test_the_look_at_a_host_finds_containers(tmp_path):
    program, listed = tmp_path / "docker", tmp_path / "containers"
    program.write_text(DOCKER)
    program.chmod(0o755)
    listed.write_text(base64.b64decode(containers().partition("\t")[2]).decode())
    text = scripts.build(
        [str(repository.ROOT / "salt")], (scripts.TOOLS, "mattermost/scripts/import.sh"), {"directory": ""}
    )
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "containers": str(listed)}
    done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    source = detect.detect(done.stdout)
    assert (source.layout, source.version, source.login.container) == ("docker", "11.7.9", "chat-postgres-1")


def test_the_look_at_a_host_finds_a_server_that_no_unit_started(tmp_path):
    """It would go on and take messages while its data are copied."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/mattermost"
    shutil.copy(shutil.which("sleep"), program)
    text = scripts.build(
        [str(repository.ROOT / "salt")],
        (scripts.TOOLS, "mattermost/scripts/import.sh"),
        {"directory": str(tmp_path)},
    )
    server = subprocess.Popen([str(program), "60"])
    try:
        done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, timeout=60)
    finally:
        server.kill()
        server.wait()
    assert f"\nstray\t{server.pid} in " in done.stdout
    done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, timeout=60)
    assert "\nstray\t" not in done.stdout
