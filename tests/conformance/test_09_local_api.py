"""Row 9: the local socket: no login, real statuses, names of errors."""

import pytest

from tests.conformance.conftest import PASSWORD
from tests.conformance.site import mode

USER = {"email": "one@example.test", "username": "one", "password": PASSWORD}
STARS = "*" * 32
TEAM = {"name": "red", "display_name": "Red", "type": "O"}


@pytest.fixture(scope="module")
def local(chat):
    return chat.local


def test_the_socket_is_the_servers_alone(chat):
    assert mode(chat.site.socket) == 0o600


def test_no_login_is_needed(local):
    assert local.get("config").status == 200


def test_a_user_is_made_once(local):
    made = local.post("users", USER)
    assert made.status == 201
    assert made.json["roles"] == "system_user"
    again = local.post("users", USER | {"email": "other@example.test"})
    assert (again.status, again.id) == (400, "app.user.save.username_exists.app_error")
    mail = local.post("users", USER | {"username": "other"})
    assert (mail.status, mail.id) == (400, "app.user.save.email_exists.app_error")
    assert local.get("users/username/one").json["id"] == made.json["id"]
    assert local.get("users/email/one@example.test").json["id"] == made.json["id"]
    assert "password" not in made.json


@pytest.mark.parametrize(
    "change", [{"password": "short"}, {"email": "no mail"}, {"username": "Not Allowed"}, {"username": "x" * 65}]
)
def test_a_bad_user_is_refused(local, change):
    body = {"email": "bad@example.test", "username": "bad", "password": PASSWORD} | change
    assert local.post("users", body).status == 400


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("users/username/missing", "app.user.get_by_username.app_error"),
        ("teams/name/missing", "app.team.get_by_name.missing.app_error"),
        ("teams/name/team/channels/name/missing", "app.channel.get_by_name.missing.app_error"),
    ],
)
def test_what_is_missing_is_not_found(local, path, error):
    answer = local.get(path)
    assert (answer.status, answer.id) == (404, error)
    assert {"id", "message", "detailed_error", "request_id", "status_code"} <= set(answer.json)


def test_a_missing_address_is_not_found(local):
    assert local.get("users/email/missing@example.test").status == 404


def test_a_team_is_made_once(local):
    made = local.post("teams", TEAM)
    assert made.status == 201
    again = local.post("teams", TEAM)
    assert (again.status, again.id) == (400, "store.sql_team.save_team.existing.app_error")
    assert local.get("teams/name/red").json["id"] == made.json["id"]
    patched = local.put(f"teams/{made.json['id']}/patch", {"display_name": "Redder"})
    assert (patched.status, patched.json["display_name"]) == (200, "Redder")


def test_an_archived_team_keeps_its_name(local):
    team = local.post("teams", TEAM | {"name": "gone"}).json
    assert local.delete(f"teams/{team['id']}").status == 200
    assert local.get("teams/name/gone").json["delete_at"] > 0
    assert local.post("teams", TEAM | {"name": "gone"}).status == 400


def test_a_channel_is_made_once(chat, local):
    body = {"team_id": chat.team["id"], "name": "news", "display_name": "News", "type": "O"}
    made = local.post("channels", body)
    assert made.status == 201
    again = local.post("channels", body)
    assert (again.status, again.id) == (400, "store.sql_channel.save_channel.exists.app_error")
    by_id = local.get(f"teams/{chat.team['id']}/channels/name/news").json
    by_name = local.get("teams/name/team/channels/name/news").json
    assert by_id["id"] == by_name["id"] == made.json["id"]
    patched = local.put(f"channels/{made.json['id']}/patch", {"header": "Hear"})
    assert (patched.status, patched.json["header"]) == (200, "Hear")


def test_an_archived_channel_is_found_only_when_asked_for(chat, local):
    body = {"team_id": chat.team["id"], "name": "old", "display_name": "Old", "type": "P"}
    channel = local.post("channels", body).json
    assert local.delete(f"channels/{channel['id']}").status == 200
    path = f"teams/{chat.team['id']}/channels/name/old"
    assert local.get(path).status == 404
    assert local.get(f"{path}?include_deleted=true").json["delete_at"] > 0


def test_becoming_a_member_twice_is_fine(chat, local):
    user = local.post("users", {"email": "m@example.test", "username": "memberly", "password": PASSWORD}).json
    body = {"team_id": chat.team["id"], "user_id": user["id"]}
    assert [local.post(f"teams/{chat.team['id']}/members", body).status for _ in range(2)] == [201, 201]
    news = {"team_id": chat.team["id"], "name": "joined", "display_name": "Joined", "type": "O"}
    channel = local.post("channels", news).json
    body = {"user_id": user["id"]}
    assert [local.post(f"channels/{channel['id']}/members", body).status for _ in range(2)] == [201, 201]
    listed = local.get(f"users?in_team={chat.team['id']}&per_page=200").json
    assert "memberly" in [user["username"] for user in listed]


def test_roles_activity_and_password_are_put(local):
    user = local.post("users", {"email": "p@example.test", "username": "putty", "password": PASSWORD}).json
    path = f"users/{user['id']}"
    assert local.put(f"{path}/roles", {"roles": "system_user system_admin"}).status == 200
    assert set(local.get(path).json["roles"].split()) == {"system_user", "system_admin"}
    assert local.put(f"{path}/active", {"active": False}).status == 200
    assert local.get(path).json["delete_at"] > 0
    assert local.put(f"{path}/active", {"active": True}).status == 200
    assert local.get(path).json["delete_at"] == 0
    assert local.put(f"{path}/password", {"new_password": "Another-secret-2"}).status == 200


def test_delete_only_deactivates(local):
    user = local.post("users", {"email": "d@example.test", "username": "deleted", "password": PASSWORD}).json
    assert local.delete(f"users/{user['id']}").status == 200
    assert local.get(f"users/{user['id']}").json["delete_at"] > 0


def test_an_empty_list_is_a_list(chat, local):
    assert local.get(f"users/{chat.admin['id']}/tokens").json == []
    assert isinstance(local.get("bots").json, list)  # a real one makes a bot of its own


def test_tokens_need_their_setting(chat, local):
    assert local.post(f"users/{chat.admin['id']}/tokens", {"description": "for a test"}).status == 501
    assert local.get(f"users/{chat.admin['id']}/tokens").json == []


def test_jobs_are_a_list_or_null(local):
    answer = local.get("jobs")
    assert answer.status == 200
    assert answer.json is None or isinstance(answer.json, list)


def test_the_schema_is_listed(chat, local):
    listed = local.get("system/schema/version").json
    assert {"version", "name"} <= set(listed[0])
    assert max(row["version"] for row in listed) == int(chat.site.sql("SELECT max(version) FROM db_migrations"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "posts"),
        ("POST", "bots"),
        ("POST", "users/usernames"),
        ("GET", "config/environment"),
        ("POST", "database/recycle"),
        ("POST", "caches/invalidate"),
    ],
)
def test_a_route_that_the_socket_does_not_have(local, method, path):
    answer = local.api(method, path, {} if method == "POST" else None)
    assert (answer.status, answer.id) == (404, "api.context.404.app_error")


def test_nobody_is_me_on_the_socket(local, rules):
    assert local.get("users/me").status == (400 if rules.at_least(11, 0) else 404)


def test_the_client_configuration_is_on_the_socket_since_9_8(local, rules):
    answer = local.get("config/client")
    assert answer.status == (200 if rules.at_least(10, 12) else 404)
    if rules.at_least(10, 12):
        assert {"SchemaVersion", "InstallationDate"} <= set(answer.json)


def test_a_route_with_an_id_that_the_socket_does_not_have(chat, local):
    for method, path in (
        ("PUT", f"users/{chat.admin['id']}/patch"),
        ("GET", f"users/{chat.admin['id']}/teams"),
        ("GET", f"teams/{chat.team['id']}/members"),
    ):
        answer = local.api(method, path, {} if method == "PUT" else None)
        assert (answer.status, answer.id) == (404, "api.context.404.app_error"), path


def test_configuration_is_patched_live(site):
    server = site.up()
    answer = server.local.put("config/patch", {"TeamSettings": {"SiteName": "Patched"}, "Nonsense": {"a": 1}})
    assert answer.status == 200
    assert server.http.get("config/client?format=old").json["SiteName"] == "Patched"
    assert site.config()["TeamSettings"]["SiteName"] == "Patched"


@pytest.mark.parametrize(
    "part",
    [{"RateLimitSettings": {"PerSec": 0}}, {"TeamSettings": {"SiteName": "x" * 31}}, {"TeamSettings": {"SiteName": 5}}],
)
def test_a_bad_patch_changes_nothing(site, part):
    server = site.up()
    before = site.config_file.read_bytes()
    assert server.local.put("config/patch", part).status == 400
    assert site.config_file.read_bytes() == before


def test_the_socket_shows_secrets_since_10_4_and_the_network_never(chat, rules):
    shown = chat.local.get("config").json["SqlSettings"]["DataSource"]
    assert shown == (chat.site.settings()["SqlSettings.DataSource"] if rules.at_least(10, 4) else STARS)
    assert chat.as_admin.get("config").json["SqlSettings"]["DataSource"] == STARS


def test_what_answers_a_patch_has_stars_and_a_patch_with_stars_keeps_secrets(site):
    server = site.up()
    answer = server.local.put("config/patch", {"SqlSettings": {"DataSource": STARS}})
    assert (answer.status, answer.json["SqlSettings"]["DataSource"]) == (200, STARS)
    assert site.config()["SqlSettings"]["DataSource"] == site.settings()["SqlSettings.DataSource"]


def test_a_patch_replaces_a_map_whole(site):
    server = site.up()
    one, two = {"a": {"one": 1}, "c": {"x": 1, "y": 2}}, {"b": {"two": 2}, "c": {"x": 3}}
    for value in (one, two):
        assert server.local.put("config/patch", {"PluginSettings": {"Plugins": value}}).status == 200
    assert site.config()["PluginSettings"]["Plugins"] == two


def test_plugin_uploads_switch_by_patch_and_since_10_11_by_put(site, rules):
    server = site.up()
    assert server.local.put("config/patch", {"PluginSettings": {"EnableUploads": True}}).status == 200
    config = server.local.get("config").json
    assert config["PluginSettings"]["EnableUploads"] is True
    config["PluginSettings"]["EnableUploads"] = False
    assert server.local.put("config", config).status == 200
    assert server.local.get("config").json["PluginSettings"]["EnableUploads"] is not rules.at_least(10, 11)


def test_data_is_in_the_database(site):
    server = site.up()
    server.local.post("users", USER)
    assert site.sql("SELECT username FROM users WHERE email = 'one@example.test'") == "one"
    server.stop()
    assert site.up().local.get("users/username/one").status == 200


def test_passwords_have_since_11_a_form_that_older_servers_cannot_read(chat, rules):
    """Going back to 10.x counts those that have it, and leaves the down migrations alone."""
    stored = chat.site.sql("SELECT password FROM users WHERE username = 'admin'")
    assert stored.startswith("$pbkdf2") == rules.at_least(11, 0)


def test_the_first_account_over_the_socket_is_an_admin(site):
    server = site.up()
    made = server.local.post("users", USER).json
    assert set(made["roles"].split()) == {"system_admin", "system_user"}


def test_an_eleventh_server_takes_250_users_and_no_more(site, rules):
    if not rules.at_least(11, 0):
        pytest.skip("the limit came with 11.0")
    local = site.up().local
    for number in range(250):
        body = {"email": f"u{number}@example.test", "username": f"u{number}", "password": PASSWORD}
        assert local.post("users", body).status == 201
    refused = local.post("users", USER)
    assert refused.status == 400
    assert "ERROR_SAFETY_LIMITS_EXCEEDED" in refused.text
    off = local.get("users/username/u7").json["id"]
    assert local.put(f"users/{off}/active", {"active": False}).status == 200
    assert local.post("users", USER).status == 201
    assert local.put(f"users/{off}/active", {"active": True}).status >= 400
