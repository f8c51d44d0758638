"""mattermost_environment.managed: a root-only file, variables by name alone, a restart when a running server must reread."""

import json
import os

import mattermost_environment_core as core
import pytest

from tests.states import load_state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the file belongs to root")
PASSWORD = "s3cret@/: %$\"'"


@pytest.fixture
def host(tmp_path):
    paths = {name: str(tmp_path / name) for name in ("install", "settings", "run")}
    folder = tmp_path / "install" / "11.7.100" / "config"
    folder.mkdir(parents=True)
    (tmp_path / "run").mkdir()
    (folder / "config.json").write_text(json.dumps({"TeamSettings": {"SiteName": ""}}))
    return paths


def managed(
    paths, test=False, version="11.7.100", database=None, environment=None, mail_password="", born="", license_text=""
):
    database = {
        "auth": "peer",
        "name": "mattermost",
        "user": "mattermost",
        "password": "",
        "port": 5432,
        **(database or {}),
    }
    server = {"environment": environment or {}, "config": {}, "insist": [], "license": license_text}
    state = load_state("mattermost_environment", test, {"mattermost_secret.get": lambda name, directory: born or None})
    path = f"{paths['settings']}/environment"
    ret = state.managed(
        path, paths, {"version": version, "pinned": True}, database, "/var/run/postgresql", server, mail_password
    )
    return ret, path


def written(path):
    with open(path, encoding="utf-8") as file:
        return core.parsed(file.read())


def test_root_alone_reads_it_and_no_password_is_in_it_by_default(host):
    ret, path = managed(host)
    assert ret["changes"] == {"added": ["MM_SQLSETTINGS_DATASOURCE"]}
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert "password" not in written(path)["MM_SQLSETTINGS_DATASOURCE"]


def test_again_is_no_change(host):
    managed(host)
    ret, _path = managed(host)
    assert (ret["result"], ret["changes"]) == (True, {})


def test_secrets_are_written_and_never_shown(host):
    for_all = {"database": {"auth": "password", "password": PASSWORD}, "mail_password": "smtp-s3cret"}
    managed(host)
    for environment in ({"MM_TEAMSETTINGS_SITENAME": "env-s3cret"}, {"MM_TEAMSETTINGS_SITENAME": "env-s3cret2"}, {}):
        ret, path = managed(host, environment=environment, **for_all)
        assert ret["changes"]
        assert "s3cret" not in str(ret)
    assert written(path)["MM_EMAILSETTINGS_SMTPPASSWORD"] == "smtp-s3cret"
    assert "s3cret%40%2F%3A%20%25%24%22%27@127.0.0.1" in written(path)["MM_SQLSETTINGS_DATASOURCE"]


def test_a_license_reaches_the_server_as_its_other_secrets_do(host):
    managed(host)
    ret, path = managed(host, license_text="TElDRU5TRS1zM2NyZXQ+/w==\n")
    assert ret["changes"]["added"] == ["MM_LICENSE"]
    assert "TElDRU5T" not in str(ret)
    assert written(path)["MM_LICENSE"] == "TElDRU5TRS1zM2NyZXQ+/w=="
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert managed(host)[0]["changes"]["removed"] == ["MM_LICENSE"]


def test_a_password_born_on_the_host_is_used(host):
    _ret, path = managed(host, database={"auth": "password"}, born="born-here")
    assert "born-here" in written(path)["MM_SQLSETTINGS_DATASOURCE"]


def test_test_mode_waits_for_a_password_that_is_not_born_yet(host):
    ret, path = managed(host, test=True, database={"auth": "password"})
    assert ret["result"] is None
    assert not os.path.exists(path)


def test_test_mode_on_a_bare_host_answers(host):
    assert managed(host, test=True, version="11.9.9")[0]["result"] is None
    assert managed(host, version="11.9.9")[0]["result"] is False


def test_a_server_that_started_before_the_change_must_restart_until_it_did(host):
    managed(host)
    socket = f"{host['run']}/local.socket"
    open(socket, "w").close()
    os.utime(socket, ns=(1, 1))
    assert managed(host, mail_password="x")[0]["changes"]["restart"] is True
    assert managed(host, mail_password="x")[0]["changes"] == {"restart": True}
    os.utime(socket, ns=(2**62, 2**62))
    assert managed(host, mail_password="x")[0]["changes"] == {}


def test_a_readable_file_is_tightened_without_a_restart(host):
    _ret, path = managed(host)
    os.chmod(path, 0o644)
    assert managed(host)[0]["changes"] == {"mode": {"old": "0644", "new": "0600"}}
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_wrong_variable_is_refused_before_anything_is_written(host):
    ret, path = managed(host, environment={"MM_TEAMSETTINGS_SITNAME": "x"})
    assert ret["result"] is False
    assert "Did you mean MM_TEAMSETTINGS_SITENAME?" in ret["comment"]
    assert not os.path.exists(path)
