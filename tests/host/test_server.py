"""The Mattermost server on a deployed host: it runs as promised, its release is root's, its secrets are private."""

import json
import re

import pytest

INSTALL, STATE, SETTINGS, WORK = (
    "/opt/mattermost",
    "/var/opt/mattermost",
    "/etc/mattermost",
    "/var/lib/mattermost-deploy",
)


@pytest.fixture(scope="module")
def process(host):
    """The server's main process: uid, working directory, limits."""
    pid = host.check_output("systemctl show --value -p MainPID mattermost")
    return f"/proc/{pid}"


def test_the_server_runs_and_is_enabled(host):
    assert host.service("mattermost").is_running
    assert host.service("mattermost").is_enabled


def test_what_ends_an_interrupted_switch_is_enabled_at_boot(host):
    assert host.service("mattermost-switch").is_enabled


def test_the_running_version_is_the_one_that_current_names(host):
    version = host.check_output("readlink %s/current", INSTALL)
    said = host.check_output("curl -s -D - -o /dev/null http://127.0.0.1:8065/api/v4/system/ping")
    assert re.search(rf"(?im)^X-Version-Id: {re.escape(version)}\.", said), said


def test_database_and_file_store_are_healthy(host):
    status = json.loads(host.check_output("curl -s 'http://127.0.0.1:8065/api/v4/system/ping?get_server_status=true'"))
    assert (status["status"], status["database_status"], status["filestore_status"]) == ("OK", "OK", "OK")


def test_the_edition_is_team(host):
    config = json.loads(host.check_output("curl -s 'http://127.0.0.1:8065/api/v4/config/client?format=old'"))
    assert config["BuildEnterpriseReady"] == "false"


def test_nothing_of_the_release_can_be_written_by_the_server(host):
    found = host.check_output("find %s/current/ -not -type l '(' -not -user root -o -perm /022 ')' -print", INSTALL)
    assert found == ""
    assert host.run("runuser -u mattermost -- touch %s/current/x", INSTALL).rc != 0


def test_no_download_and_no_half_unpacked_release_is_left(host):
    assert not host.file(f"{WORK}/downloads").exists
    assert host.check_output("find %s -maxdepth 1 -name '.unpack-*'", INSTALL) == ""


@pytest.mark.parametrize("name", ["data", "logs", "plugins", "client-plugins"])
def test_what_outlives_a_version_belongs_to_the_server(host, name):
    folder = host.file(f"{STATE}/{name}")
    assert (folder.user, folder.group, folder.mode) == ("mattermost", "mattermost", 0o750)


def test_config_json_is_the_servers_in_a_directory_of_roots(host):
    folder, file = host.file(f"{STATE}/config"), host.file(f"{STATE}/config/config.json")
    assert (folder.user, folder.mode) == ("root", 0o750)
    assert (file.user, file.mode) == ("mattermost", 0o600)


@pytest.mark.parametrize("path", [SETTINGS, WORK])
def test_settings_and_work_are_roots_alone(host, path):
    assert (host.file(path).user, host.file(path).mode) == ("root", 0o700)


def test_the_server_process_has_no_privileges(host, process):
    status = host.check_output("cat %s/status", process)
    assert re.search(r"(?m)^Uid:\t(?!0\b)", status)
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"):
        assert line in status


def test_the_server_may_open_many_files(host):
    # what systemd is told; a container's own limit may lie below it
    assert host.check_output("systemctl show --value -p LimitNOFILE mattermost") == "49152"


def test_the_local_socket_is_not_for_others(host):
    folder = host.file("/run/mattermost")
    assert (folder.user, folder.mode) == ("mattermost", 0o750)


def test_the_sandbox_is_as_tight_as_promised(host, platform):
    said = host.check_output("systemd-analyze security mattermost.service --no-pager")
    level = float(re.search(r"exposure level for mattermost.service: ([\d.]+)", said)[1])
    # systemd 219 knows a fifth of the directives
    assert level <= (2.0 if platform["systemd"] >= 232 else 6.0), said


def test_the_server_leaves_no_core_dump(host):
    assert host.check_output("systemctl show -p LimitCORE mattermost") == "LimitCORE=0"


def test_the_units_are_clean_to_systemd(host):
    done = host.run(
        "systemd-analyze verify /etc/systemd/system/mattermost.service /etc/systemd/system/mattermost-switch.service"
    )
    assert done.stderr == ""


def test_no_switch_is_open(host):
    assert not host.file(f"{WORK}/switch/journal").exists
