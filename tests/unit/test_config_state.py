"""mattermost_config.merged on files and on a running (fake) server."""

import json
import os

import pytest

from tests.config_host import RELEASE, Host


@pytest.fixture
def host(tmp_path):
    made = Host(tmp_path)
    yield made
    if made.server:
        made.server.close()


def test_a_fresh_host_starts_from_the_releases_own_file_with_our_keys(host):
    ret = host.apply()
    assert ret["result"] is True
    config = host.config()
    assert config["ServiceSettings"]["ListenAddress"] == "127.0.0.1:8065"
    assert config["ServiceSettings"]["SessionLengthWebInHours"] == 720
    assert config["LogSettings"]["EnableSentry"] is False
    assert "restart" not in ret["changes"]
    assert os.stat(host.file).st_mode & 0o777 == 0o600


def test_sign_up_is_closed_before_the_server_first_starts(host):
    host.apply(TeamSettings={"EnableUserCreation": True})
    assert host.config()["TeamSettings"]["EnableUserCreation"] is False


@pytest.mark.parametrize("running", [False, True])
def test_a_second_run_changes_nothing(host, running):
    host.apply()
    if running:
        host.start()
    ret = host.apply()
    assert (ret["result"], ret["changes"]) == (True, {})
    assert host.apply(test=True)["result"] is True


def test_test_mode_writes_nothing(host):
    ret = host.apply(test=True)
    assert ret["result"] is None
    assert ret["changes"]
    assert not host.file.exists()
    assert os.listdir(host.paths["work"]) == []


def test_test_mode_on_a_bare_host_answers(host):
    assert host.apply(test=True, version="11.9.9")["result"] is None
    assert host.apply(version="11.9.9")["result"] is False


def test_a_foreign_file_is_refused_and_left_as_it_is(host):
    host.file.parent.mkdir()
    host.file.write_text('{"TeamSettings": {"SiteName": "Theirs"}}')
    ret = host.apply()
    assert ret["result"] is False
    assert "mattermost:server:adopt" in ret["comment"]
    assert host.file.read_text() == '{"TeamSettings": {"SiteName": "Theirs"}}'


def test_a_foreign_file_is_taken_over_with_what_it_says(host):
    host.file.parent.mkdir()
    theirs = json.loads(json.dumps(RELEASE))
    theirs["TeamSettings"]["SiteName"] = "Theirs"
    theirs["LogSettings"]["EnableSentry"] = True
    host.file.write_text(json.dumps(theirs))
    assert host.apply(adopt=True)["result"] is True
    config = host.config()
    assert config["TeamSettings"]["SiteName"] == "Theirs"
    assert config["LogSettings"]["EnableSentry"] is True
    assert config["ServiceSettings"]["ListenAddress"] == "127.0.0.1:8065"
    assert config["TeamSettings"]["EnableUserCreation"] is False
    assert host.apply()["changes"] == {}


def test_what_an_administrator_changes_in_the_console_stays(host):
    host.apply()
    server = host.start()
    server.config["TeamSettings"]["SiteName"] = "Ours"
    server.config["EmailSettings"]["SendPushNotifications"] = True
    server.config["LogSettings"]["EnableSentry"] = True
    host.file.write_text(json.dumps(server.config))
    assert host.apply()["changes"] == {}
    assert server.config["EmailSettings"]["SendPushNotifications"] is True


def test_a_key_of_the_settings_goes_to_the_running_server_without_a_restart(host):
    host.apply()
    server = host.start()
    ret = host.apply(TeamSettings={"SiteName": "Chat"})
    assert ret["changes"] == {"TeamSettings.SiteName": {"old": "Mattermost", "new": "Chat"}}
    assert server.config["TeamSettings"]["SiteName"] == "Chat"
    assert host.config()["TeamSettings"]["SiteName"] == "Chat"


def test_a_key_that_needs_a_restart_says_so_once(host):
    host.apply()
    host.start()
    assert host.apply(ServiceSettings={"SessionLengthWebInHours": 24})["changes"]["restart"] is True
    host.server.close()
    os.unlink(host.root / "run" / "local.socket")
    host.start()
    assert host.apply()["changes"] == {}


def test_a_restart_that_a_killed_run_left_due_is_said_again(host):
    host.apply()
    host.start()
    host.apply(ServiceSettings={"SessionLengthWebInHours": 24})
    ret = host.apply()
    assert ret["changes"] == {"restart": True}
    assert "earlier run" in ret["comment"]


def test_a_change_of_a_setting_beats_the_console(host):
    host.branches["push"]["service"] = "test"
    host.apply()
    server = host.start()
    assert server.config["EmailSettings"]["SendPushNotifications"] is True
    host.branches["push"]["service"] = "disabled"
    assert host.apply()["changes"] == {"EmailSettings.SendPushNotifications": {"old": True, "new": False}}


@pytest.mark.parametrize("in_clear", [False, True])
def test_a_secret_is_compared_whether_the_server_shows_it_or_not(host, in_clear):
    host.apply(FileSettings={"PublicLinkSalt": "s3cret-salt"})
    host.start(secrets=["FileSettings.PublicLinkSalt"], in_clear=in_clear)
    assert host.apply()["changes"] == {}
    ret = host.apply(FileSettings={"PublicLinkSalt": "other-s3cret"})
    assert host.config()["FileSettings"]["PublicLinkSalt"] == "other-s3cret"
    assert "s3cret" not in str(ret)


def test_an_edit_of_the_file_that_the_server_has_not_read_survives(host):
    host.apply()
    host.start()
    host.edit("FileSettings", "PublicLinkSalt", "by hand")
    host.apply(TeamSettings={"SiteName": "Chat"})
    assert host.config()["FileSettings"]["PublicLinkSalt"] == "by hand"
    assert host.config()["TeamSettings"]["SiteName"] == "Chat"


def test_a_value_that_the_server_refuses_fails_with_its_reason(host):
    host.apply()
    host.start().refuse.add("config/patch")
    ret = host.apply(TeamSettings={"SiteName": "x" * 31})
    assert ret["result"] is False
    assert "This value is not valid." in ret["comment"]
    assert ret["changes"] == {}


def test_a_refused_change_leaves_no_restart_due(host):
    host.apply()
    host.start().refuse.add("config/patch")
    assert host.apply(ServiceSettings={"SessionLengthWebInHours": 24})["result"] is False
    host.server.refuse.clear()
    assert host.apply(ServiceSettings={"SessionLengthWebInHours": 720})["changes"] == {}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"TeamSettings": {"SiteNam": "x"}}, "Did you mean TeamSettings.SiteName?"),
        ({"TeamSettings": {"SiteName": 5}}, "must be a string"),
        ({"TeamSettings": {"ExperimentalViewArchivedChannels": False}}, "refuses to start with this value since 11.0"),
    ],
)
def test_a_wrong_or_blocking_key_is_refused_before_anything_changes(host, config, sentence):
    ret = host.apply(**config)
    assert ret["result"] is False
    assert sentence in ret["comment"]
    assert not host.file.exists()
    assert os.listdir(host.paths["work"]) == []


def test_a_blocking_value_of_the_old_servers_file_is_refused_before_an_upgrade(host):
    host.unpack("10.11.9", RELEASE)
    os.unlink(host.root / "install" / "current")
    os.symlink("10.11.9", host.root / "install" / "current")
    host.apply(version="10.11.9")
    host.edit("TeamSettings", "ExperimentalViewArchivedChannels", False)
    assert host.apply(version="10.11.9")["result"] is True
    before = host.file.read_text()
    ret = host.apply(version="11.7.100")
    assert ret["result"] is False
    assert "11.7.100" in ret["comment"]
    assert host.file.read_text() == before


def test_a_key_that_only_the_new_version_knows_waits_in_the_file_for_the_upgrade(host):
    host.apply()
    server = host.start()
    newer = json.loads(json.dumps(RELEASE))
    newer["ServiceSettings"]["Newer"] = False
    host.unpack("11.8.100", newer)
    ret = host.apply(version="11.8.100", ServiceSettings={"Newer": True}, TeamSettings={"SiteName": "Chat"})
    assert ret["result"] is True
    assert server.config["TeamSettings"]["SiteName"] == "Chat"
    assert host.config()["ServiceSettings"]["Newer"] is True
    assert host.config()["TeamSettings"]["SiteName"] == "Chat"


def test_a_key_that_was_insisted_on_and_dropped_is_no_difference_for_ever(host):
    host.server_settings["insist"] = ["ServiceSettings.Unknown"]
    host.apply()
    host.start()
    ret = host.apply(ServiceSettings={"Unknown": 1})
    assert (ret["result"], ret["changes"]) == (True, {})
    assert "has no key ServiceSettings.Unknown" in ret["comment"]


def test_a_broken_file_is_never_overwritten(host):
    host.apply()
    host.file.write_text("{broken")
    ret = host.apply()
    assert ret["result"] is False
    assert "line 1" in ret["comment"]
    assert host.file.read_text() == "{broken"


def test_a_readable_file_is_tightened(host):
    host.apply()
    host.file.chmod(0o644)
    ret = host.apply()
    assert ret["changes"] == {"mode": {"old": "0644", "new": "0600"}}
    assert os.stat(host.file).st_mode & 0o777 == 0o600


def test_an_environment_variable_keeps_a_key_of_ours(host):
    host.server_settings["environment"] = {"MM_LOGSETTINGS_ENABLESENTRY": "true"}
    ret = host.apply()
    assert "set by the environment variable MM_LOGSETTINGS_ENABLESENTRY" in ret["comment"]


# single keys, for other components ---------------------------------------------------------------------------------------

SITE = {"ServiceSettings": {"SiteURL": "https://chat.example.test/"}}


@pytest.mark.parametrize("path", ["", "/talk"])
def test_a_fresh_server_already_has_the_usual_sites_address(host, path):
    host.server_settings["path"] = path
    host.apply()
    host.start()
    assert host.set({"ServiceSettings": {"SiteURL": f"https://chat{path}/"}})["changes"] == {}


def test_a_run_of_the_server_leaves_the_sites_address_alone(host):
    host.apply()
    host.set({"ServiceSettings": {"SiteURL": "http://chat"}})
    assert host.apply()["changes"] == {}
    assert host.config()["ServiceSettings"]["SiteURL"] == "http://chat"


def test_another_component_sets_its_one_key(host):
    host.apply()
    host.start()
    ret = host.set(SITE)
    assert ret["changes"] == {
        "ServiceSettings.SiteURL": {"old": "https://chat", "new": "https://chat.example.test"},
        "restart": True,
    }
    assert host.config()["ServiceSettings"]["ListenAddress"] == "127.0.0.1:8065"


def test_the_users_own_value_for_that_key_wins(host):
    host.apply()
    host.set(SITE, over={"ServiceSettings": {"SiteURL": "https://other.example.test"}})
    assert host.config()["ServiceSettings"]["SiteURL"] == "https://other.example.test"


def test_a_key_without_a_config_file_waits_under_test_and_fails_else(host):
    assert host.set(SITE, test=True)["result"] is None
    assert host.set(SITE)["result"] is False
