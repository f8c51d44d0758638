"""Settings in maps below a section's key, plugins' above all: the server's patch replaces a map whole."""

import mattermost_config_core as core
import pytest

from tests.config_host import Host

MASK = "*" * 32
THEIRS = {"other": {"url": "https://x", "token": "t0ken"}, "ours": {"theirs": 1}}
OURS = {"PluginSettings": {"Plugins": {"ours": {"a": True}}}}


@pytest.fixture
def host(tmp_path):
    made = Host(tmp_path)
    yield made
    if made.server:
        made.server.close()


def test_what_is_sent_has_the_whole_map():
    live = {"PluginSettings": {"Enable": True, "Plugins": THEIRS}}
    assert core.patch(core.flatten(OURS), live, {}) == {
        "PluginSettings": {"Plugins": {"other": THEIRS["other"], "ours": {"theirs": 1, "a": True}}}
    }


def test_a_key_that_is_in_no_map_is_sent_alone():
    live = {"TeamSettings": {"SiteName": "A", "MaxUsersPerTeam": 5}}
    assert core.patch({("TeamSettings", "SiteName"): "B"}, live, {}) == {"TeamSettings": {"SiteName": "B"}}


@pytest.mark.parametrize(("live", "file"), [({}, {}), ({"LogSettings": {"AdvancedLoggingJSON": None}}, {})])
def test_a_map_that_is_not_there_yet_begins_with_ours(live, file):
    wanted = {"LogSettings": {"AdvancedLoggingJSON": {"target": {"type": "file"}}}}
    assert core.patch(core.flatten(wanted), live, file) == wanted


@pytest.mark.parametrize(
    ("file", "token"),
    [({"PluginSettings": {"Plugins": {"other": {"token": "t0ken"}}}}, "t0ken"), ({}, MASK)],
)
def test_stars_give_way_to_what_the_file_has(file, token):
    live = {"PluginSettings": {"Plugins": {"other": {"token": MASK, "url": "https://x"}}}}
    sent = core.patch(core.flatten(OURS), live, file)
    assert sent["PluginSettings"]["Plugins"]["other"] == {"token": token, "url": "https://x"}


@pytest.mark.parametrize("in_clear", [False, True])
def test_plugins_that_are_not_ours_keep_their_settings(host, in_clear):
    host.apply()
    host.edit("PluginSettings", "Plugins", THEIRS)
    host.start(secrets=["PluginSettings.Plugins.other.token"], in_clear=in_clear)
    ret = host.apply(**OURS)
    assert ret["changes"] == {"PluginSettings.Plugins.ours.a": {"old": None, "new": True}}
    assert host.config()["PluginSettings"]["Plugins"] == {**THEIRS, "ours": {"theirs": 1, "a": True}}
    assert host.apply()["changes"] == {}


def test_a_plugins_setting_that_the_server_has_not_read_yet_survives(host):
    host.apply()
    host.start()
    host.edit("PluginSettings", "Plugins", THEIRS)
    assert host.apply(**OURS)["result"] is True
    assert host.config()["PluginSettings"]["Plugins"] == {**THEIRS, "ours": {"theirs": 1, "a": True}}


def test_a_map_that_loses_something_is_said(host):
    host.apply()
    host.edit("PluginSettings", "Plugins", THEIRS)
    host.start().forgets.add("PluginSettings.Plugins.other")
    ret = host.apply(**OURS)
    assert ret["result"] is False
    assert (
        "did not accept the value of PluginSettings.Plugins.other.url, PluginSettings.Plugins.other.token"
        in ret["comment"]
    )
    assert "t0ken" not in str(ret)
