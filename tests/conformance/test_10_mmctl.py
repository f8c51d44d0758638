"""Row 10: ``mmctl`` on the local socket, with its shapes and its habits."""

import json

import pytest

from tests.conformance.conftest import PASSWORD

HONEST = (9, 8)  # from here on failures of a search or of a plugin command reach the exit code


@pytest.fixture(scope="module")
def mmctl(chat):
    return chat.site.mmctl


def value(done):
    """What a command printed, parsed; it must have succeeded."""
    assert done.returncode == 0, done
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_it_says_its_version(mmctl, rules):
    done = mmctl("version", local=False, as_json=False)
    assert done.returncode == 0
    assert rules.version in done.stdout


def test_it_says_the_servers_version(mmctl, rules):
    assert rules.version in mmctl("system", "version").stdout


def test_without_a_socket_it_says_so(site, rules):
    done = site.mmctl("user", "list")
    assert done.returncode == 1
    word = "exist" if rules.at_least(9, 6) else "exists"
    words = f'socket file "{site.socket}" doesn\'t {word}, please check the server configuration for local mode'
    assert words in done.stderr


def test_a_stale_socket_refuses(site):
    server = site.up()
    server.process.kill()
    server.wait_end()
    assert site.socket.exists()
    done = site.mmctl("user", "list")
    assert done.returncode == 1
    assert "connect: connection refused" in done.stderr


def test_it_insists_on_the_sockets_mode(site):
    site.up()
    site.socket.chmod(0o660)
    done = site.mmctl("user", "list")
    assert done.returncode == 1
    assert "it must be a socket with 0600 permissions" in done.stderr


def test_without_local_it_wants_a_login(chat, rules):
    if rules.at_least(10, 8):
        pytest.skip("from 10.8 on the socket is assumed")
    done = chat.site.mmctl("user", "list", local=False)
    assert done.returncode == 1
    assert "cannot read user credentials, maybe you need to use login first" in done.stderr


def test_local_may_come_from_the_environment(chat):
    assert chat.site.mmctl("user", "list", local=False, MMCTL_LOCAL="true").returncode == 0


def test_empty_lists(site):
    site.up()
    assert value(site.mmctl("user", "list", "--all")) is None
    assert value(site.mmctl("plugin", "list")) == [{"active": [], "inactive": []}]
    for words in (["--all"], []):
        assert site.mmctl("bot", "list", *words).returncode == 1


def test_a_user_is_created_and_found(mmctl):
    words = ["--email", "made@example.test", "--username", "made", "--password", PASSWORD]
    made = value(mmctl("user", "create", *words, "--system-admin", "--email-verified", "--firstname", "May"))
    assert made["username"] == "made"
    assert made["roles"] == "system_user", "the object is from before the promotion"
    found = value(mmctl("user", "search", "made"))
    assert set(found["roles"].split()) == {"system_user", "system_admin"}
    assert found["first_name"] == "May"
    assert value(mmctl("user", "search", "made@example.test"))["id"] == made["id"]
    assert mmctl("user", "create", *words).returncode == 1


def test_a_weak_password_fails(mmctl):
    words = ["--email", "weak@example.test", "--username", "weak", "--password", "x"]
    assert mmctl("user", "create", *words).returncode == 1


def test_a_missing_user_is_empty_output(mmctl, rules):
    done = mmctl("user", "search", "missing")
    assert done.stdout.strip() == ""
    assert done.stderr
    assert done.returncode == (1 if rules.at_least(*HONEST) else 0)


def test_several_users_are_a_list(mmctl):
    found = value(mmctl("user", "search", "admin", "member"))
    assert [user["username"] for user in found] == ["admin", "member"]


def test_every_user_is_listed(mmctl):
    listed = value(mmctl("user", "list", "--all"))
    assert {"admin", "member"} <= {user["username"] for user in listed}


def test_deactivating_repeats(mmctl):
    mmctl("user", "create", "--email", "off@example.test", "--username", "off", "--password", PASSWORD)
    for _ in range(2):
        assert value(mmctl("user", "deactivate", "off")) is None
    assert value(mmctl("user", "search", "off"))["delete_at"] > 0
    assert value(mmctl("user", "activate", "off")) is None
    assert value(mmctl("user", "search", "off"))["delete_at"] == 0


def test_roles_say_a_sentence_and_then_nothing(mmctl):
    mmctl("user", "create", "--email", "boss@example.test", "--username", "boss", "--password", PASSWORD)
    first = value(mmctl("roles", "system_admin", "boss"))
    assert len(first) == 1
    assert isinstance(first[0], str)
    assert value(mmctl("roles", "system_admin", "boss")) is None


def test_a_password_changes(mmctl, chat):
    mmctl("user", "create", "--email", "pw@example.test", "--username", "pw", "--password", PASSWORD)
    assert mmctl("user", "change-password", "pw", "--password", "Another-secret-2").returncode == 0
    chat.http.login("pw", "Another-secret-2")


def test_configuration_is_got(mmctl, chat, rules):
    assert value(mmctl("config", "get", "TeamSettings.SiteName")) == "Mattermost"
    assert value(mmctl("config", "get", "ServiceSettings.TrustedProxyIPHeader")) == []
    assert value(mmctl("config", "get", "PluginSettings"))["Enable"] is True
    source = chat.site.settings()["SqlSettings.DataSource"] if rules.at_least(10, 4) else "*" * 32
    assert value(mmctl("config", "get", "SqlSettings.DataSource")) == source
    unknown = mmctl("config", "get", "TeamSettings.Nonsense")
    assert unknown.returncode == 1
    assert "invalid key" in unknown.stderr
    assert value(mmctl("config", "show"))["TeamSettings"]["SiteName"] == "Mattermost"


def test_configuration_is_set(site):
    site.up()
    (shown,) = value(site.mmctl("config", "set", "TeamSettings.SiteName", "Set"))
    assert shown["TeamSettings"]["SiteName"] == "Set"
    assert site.mmctl("config", "set", "TeamSettings.MaxUsersPerTeam", "70").returncode == 0
    words = ["config", "set", "ServiceSettings.TrustedProxyIPHeader", "X-Real-IP", "X-Forwarded-For"]
    assert site.mmctl(*words).returncode == 0
    assert site.config()["ServiceSettings"]["TrustedProxyIPHeader"] == ["X-Real-IP", "X-Forwarded-For"]
    assert (site.config()["TeamSettings"]["SiteName"], site.config()["TeamSettings"]["MaxUsersPerTeam"]) == ("Set", 70)


@pytest.mark.parametrize(
    ("key", "text"),
    [("TeamSettings.MaxUsersPerTeam", "many"), ("RateLimitSettings.PerSec", "0"), ("TeamSettings.Nonsense", "1")],
)
def test_a_bad_setting_changes_nothing(site, key, text):
    site.up()
    before = site.config_file.read_bytes()
    done = site.mmctl("config", "set", key, text)
    assert done.returncode == 1
    assert done.stderr.strip()
    assert site.config_file.read_bytes() == before


def test_setting_what_the_environment_sets_does_nothing(site):
    site.up(MM_TEAMSETTINGS_SITENAME="Outside")
    before = site.config_file.read_bytes()
    assert site.mmctl("config", "set", "TeamSettings.SiteName", "Inside").returncode == 0
    assert value(site.mmctl("config", "get", "TeamSettings.SiteName")) == "Outside"
    assert site.config_file.read_bytes() == before


def test_a_file_is_patched(site):
    site.up()
    patch = site.home / "patch.json"
    patch.write_text(json.dumps({"TeamSettings": {"SiteName": "Patched"}, "Nonsense": {"a": 1}}))
    patch.chmod(0o644)
    assert site.mmctl("config", "patch", patch).returncode == 0
    assert site.config()["TeamSettings"]["SiteName"] == "Patched"


def test_a_patch_merges_plugins_by_key_before_it_is_sent(site):
    site.up()
    patch = site.home / "patch.json"
    for plugins in ({"a": {"one": 1}, "c": {"x": 1, "y": 2}}, {"b": {"two": 2}, "c": {"x": 3}}):
        patch.write_text(json.dumps({"PluginSettings": {"Plugins": plugins}}))
        patch.chmod(0o644)
        assert site.mmctl("config", "patch", patch).returncode == 0
    assert site.config()["PluginSettings"]["Plugins"] == {"a": {"one": 1}, "b": {"two": 2}, "c": {"x": 3, "y": 2}}


def test_a_section_is_reset(site):
    site.set(TeamSettings__SiteName="Changed")
    site.up()
    assert site.mmctl("config", "reset", "TeamSettings", "--confirm").returncode == 0
    assert site.config()["TeamSettings"]["SiteName"] == "Mattermost"


def test_reload(site):
    site.up()
    assert value(site.mmctl("config", "reload")) is None
    site.write_text("{")
    done = site.mmctl("config", "reload")
    assert done.returncode == 1
    assert "Failed to reload config." in done.stderr


def test_a_bot_is_never_created_locally(mmctl):
    assert mmctl("bot", "create", "robot", "--display-name", "Robot").returncode == 1


def test_system_status(mmctl):
    assert mmctl("system", "status").returncode == 0


def test_system_status_of_an_unhealthy_server(site, rules):
    site.up()
    (site.home / "data").chmod(0o555)
    if rules.at_least(11, 0) and not rules.at_least(11, 1):
        pytest.skip("between 11.0 and 11.1 either may happen")
    honest = rules.at_least(11, 1) or (rules.at_least(10, 11, 4) and not rules.at_least(11, 0))
    assert (site.mmctl("system", "status").returncode != 0) is honest
