"""Row 5: the server writes its configuration file, always in the same way."""

import json
import os

import pytest

from tests.conformance import unprivileged
from tests.conformance.site import mode


def started_once(site):
    site.up()
    site.started[-1].stop()
    return site.config_file.read_text()


def test_the_form_of_the_file(site):
    site.set(TeamSettings__CustomDescriptionText="a & b <c>")
    text = started_once(site)
    assert text.startswith('{\n    "')
    assert '\n        "' in text
    assert not text.endswith("\n")
    assert "a \\u0026 b \\u003cc\\u003e" in text
    assert json.loads(text)["TeamSettings"]["CustomDescriptionText"] == "a & b <c>"


def test_values_are_corrected(site):
    site.set(ServiceSettings__SiteURL="https://chat.example.test/", FileSettings__Directory=f"{site.home}/data")
    started_once(site)
    config = site.config()
    assert config["ServiceSettings"]["SiteURL"] == "https://chat.example.test"
    assert config["FileSettings"]["Directory"] == f"{site.home}/data/"
    assert config["EmailSettings"]["SMTPServer"] == "localhost"


def test_unknown_keys_are_dropped(site):
    config = site.config()
    config["Nonsense"] = {"a": 1}
    config["FeatureFlags"] = {"TestFeature": "on"}
    config["TeamSettings"]["Nonsense"] = True
    config["PluginSettings"]["Plugins"] = {"org.example.test": {"AnyCase": "kept", "more": {"x": [1]}}}
    site.write_text(json.dumps(config))
    started_once(site)
    written = site.config()
    assert "Nonsense" not in written
    assert "FeatureFlags" not in written
    assert "Nonsense" not in written["TeamSettings"]
    assert written["PluginSettings"]["Plugins"]["org.example.test"] == {"AnyCase": "kept", "more": {"x": [1]}}


def test_missing_keys_get_the_defaults_for_an_update(site):
    config = site.config()
    for section, key in (
        ("ServiceSettings", "SessionLengthWebInHours"),
        ("ServiceSettings", "SessionLengthWebInDays"),
        ("ServiceSettings", "EnableSVGs"),
        ("EmailSettings", "SendPushNotifications"),
        ("ServiceSettings", "ExtendSessionLengthWithActivity"),
    ):
        config[section].pop(key, None)  # the days, of which older ones had no hours, are not everywhere
    site.write_text(json.dumps(config))
    started_once(site)
    written = site.config()
    assert written["ServiceSettings"]["SessionLengthWebInHours"] == 4320
    assert written["ServiceSettings"]["EnableSVGs"] is True
    assert written["ServiceSettings"]["ExtendSessionLengthWithActivity"] is False
    assert written["EmailSettings"]["SendPushNotifications"] is False


def test_two_keys_are_made_once(site):
    started_once(site)
    first = site.config()
    assert len(first["SqlSettings"]["AtRestEncryptKey"]) == 32
    assert len(first["FileSettings"]["PublicLinkSalt"]) == 32
    started_once(site)
    assert site.config() == first


def test_the_second_start_writes_the_same_bytes(site):
    first = started_once(site)
    os.utime(site.config_file, (1, 1))
    assert started_once(site) == first
    assert site.config_file.stat().st_mtime > 1


@pytest.mark.parametrize("bits", [0o600, 0o644, 0o660])
def test_owner_mode_and_inode_are_kept(site, bits):
    site.config_file.chmod(bits)
    before = site.config_file.stat()
    started_once(site)
    after = site.config_file.stat()
    assert (after.st_ino, after.st_uid, after.st_gid, mode(site.config_file)) == (
        before.st_ino,
        before.st_uid,
        before.st_gid,
        bits,
    )


def test_the_directory_may_belong_to_someone_else(site):
    if os.geteuid() == 0:
        os.chown(site.config_file.parent, 0, 0)
    site.config_file.parent.chmod(0o555)
    started_once(site)


def test_a_file_that_cannot_be_written_stops_the_start(site):
    site.config_file.chmod(0o440)
    server = site.start()
    assert server.wait_end() == 1
    assert "failed to persist: failed to write file: open" in server.error_text()
    assert "permission denied" in server.error_text()


def test_reload_takes_an_edit_and_normalises_it(site):
    server = site.up()
    site.set(TeamSettings__SiteName="Edited", ServiceSettings__SiteURL="https://edited.example.test/")
    assert server.local.post("config/reload").status == 200
    assert server.local.get("config").json["TeamSettings"]["SiteName"] == "Edited"
    assert site.config_file.read_text().startswith('{\n    "')
    assert site.config()["ServiceSettings"]["SiteURL"] == "https://edited.example.test"


def test_a_reload_without_a_change_leaves_the_file(site, rules):
    """Since 11.0 at the latest: the form of an edit stays."""
    server = site.up()
    site.write_text(json.dumps(site.config()))
    edited = site.config_file.read_text()
    assert server.local.post("config/reload").status == 200
    assert (site.config_file.read_text() == edited) is rules.at_least(11, 0)


@pytest.mark.parametrize("text", ["{", '{"RateLimitSettings": {"PerSec": 0}}'])
def test_a_bad_edit_is_not_taken(site, text):
    server = site.up()
    before = server.local.get("config").json
    site.write_text(text)
    assert server.local.post("config/reload").status >= 400
    assert server.local.get("config").json == before
    assert site.config_file.read_text() == text


def test_a_save_writes_the_whole_file_from_memory(site):
    """An edit that was not reloaded is lost."""
    server = site.up()
    site.set(TeamSettings__SiteName="Lost")
    assert server.local.put("config/patch", {"TeamSettings": {"MaxUsersPerTeam": 60}}).status == 200
    assert site.config()["TeamSettings"]["SiteName"] == "Mattermost"
    assert site.config()["TeamSettings"]["MaxUsersPerTeam"] == 60


def test_a_save_that_cannot_write_changes_nothing(site):
    server = site.up()
    site.config_file.chmod(0o440)
    answer = server.local.put("config/patch", {"TeamSettings": {"SiteName": "New"}})
    assert answer.status >= 400
    assert "saving the configuration" in answer.text
    assert server.local.get("config").json["TeamSettings"]["SiteName"] == "Mattermost"


def test_database_commands_never_write_it(site):
    unprivileged.own(site.config_file)
    before, stamp = site.config_file.read_bytes(), site.config_file.stat().st_mtime_ns
    assert site.mattermost("db", "migrate").returncode == 0
    assert (site.config_file.read_bytes(), site.config_file.stat().st_mtime_ns) == (before, stamp)
