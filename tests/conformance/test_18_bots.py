"""Row 18: a bot that is made over the local socket, what it can do, and deletion for good. Verify's round trip leans on all of it."""

import pytest
from mattermost_controller.verify import http, round_trip

from tests import repository
from tests.conformance.conftest import PASSWORD
from tests.conformance.site import eventually
from tests.conformance.wire import WebSocket, Wire

NAME, NOBODY = "a-bot", "nobody00000000000000000000"
CONTENT = bytes(range(256)) * 300


def made(answer, status=201):
    assert answer.status == status, answer
    return answer.json


def furnish(local):
    """Make a bot in a private channel of a team of its own; return its account, the team and the channel."""
    body = {"email": f"{NAME}@localhost", "username": NAME, "password": PASSWORD, "disable_welcome_email": True}
    user = made(local.post("users", body))
    assert made(local.post(f"users/{user['id']}/convert_to_bot"), 200)["owner_id"] == user["id"]
    # a real server that deletes or deactivates a bot that owns itself never comes to an end
    assert made(local.post(f"bots/{user['id']}/assign/{NOBODY}"), 200)["owner_id"] == NOBODY
    team = made(local.post("teams", {"name": NAME, "display_name": "Bots", "type": "I", "email": f"{NAME}@localhost"}))
    made(local.post(f"teams/{team['id']}/members", {"team_id": team["id"], "user_id": user["id"]}))
    body = {"team_id": team["id"], "name": NAME, "display_name": "Bots", "type": "P"}
    channel = made(local.post("channels", body))
    made(local.post(f"channels/{channel['id']}/members", {"user_id": user["id"]}))
    return user, team, channel


@pytest.fixture
def bot(chat):
    """A bot with a token; all of it is deleted for good afterwards."""
    local = chat.local
    chat.bot, chat.bots_team, chat.bots_channel = furnish(local)
    token = made(local.post(f"users/{chat.bot['id']}/tokens", {"description": "for a test"}), 200)["token"]
    yield Wire(chat.site.port, token)
    for path in (f"users/{chat.bot['id']}", f"teams/{chat.bots_team['id']}"):
        if local.get(path).status == 200:
            assert local.delete(f"{path}?permanent=true").status == 200


def test_an_account_becomes_a_bot_whose_token_needs_no_setting(chat, bot):
    assert chat.local.get("config").json["ServiceSettings"]["EnableUserAccessTokens"] is False
    assert chat.local.get("config").json["ServiceSettings"]["EnableBotAccountCreation"] is False
    me = bot.get("users/me").json
    assert (me["id"], me["is_bot"], me["roles"]) == (chat.bot["id"], True, "system_user")
    assert chat.local.get(f"users/username/{NAME}").json["email"] == f"{NAME}@localhost"
    assert "is_bot" not in chat.admin
    assert chat.local.post(f"users/{chat.bot['id']}/tokens", {}).status == 400
    assert chat.local.post(f"bots/{chat.admin['id']}/assign/{NOBODY}").status == 404


def test_a_bot_hears_of_its_message_and_gets_message_and_file_back(chat, bot):
    peer = WebSocket(chat.site.port, Authorization=f"Bearer {bot.token}")
    assert peer.read()["event"] == "hello"
    upload = bot.api("POST", f"files?channel_id={chat.bots_channel['id']}&filename=a.bin", CONTENT)
    file = made(upload)["file_infos"][0]["id"]
    body = {"channel_id": chat.bots_channel["id"], "message": "Here & there", "file_ids": [file]}
    post = made(bot.post("posts", body))
    heard = eventually("the post", lambda: (event := peer.read())["event"] == "posted" and event)
    assert f'"{post["id"]}"' in heard["data"]["post"]
    peer.close()
    found = made(bot.get(f"posts/{post['id']}"), 200)
    assert (found["message"], found["file_ids"]) == (body["message"], [file])
    assert bot.get(f"files/{file}").body == CONTENT


def test_the_socket_deletes_for_good_whatever_the_settings(chat, bot):
    file = made(bot.api("POST", f"files?channel_id={chat.bots_channel['id']}&filename=a.bin", CONTENT))
    body = {"channel_id": chat.bots_channel["id"], "message": "x", "file_ids": [file["file_infos"][0]["id"]]}
    post = made(bot.post("posts", body))
    assert [name for name in chat.site.files("data") if name.endswith("a.bin")]
    user, team = f"users/{chat.bot['id']}", f"teams/{chat.bots_team['id']}"
    assert chat.local.delete(f"{user}?permanent=true").status == 200
    assert bot.get("users/me").status == 401
    assert [name for name in chat.site.files("data") if name.endswith("a.bin")] == []
    assert chat.local.get(user).status == 404
    assert chat.local.delete(f"{team}?permanent=true").status == 200
    assert chat.local.get(team).status == 404
    for table, column, value in (
        ("users", "username", NAME), ("bots", "userid", chat.bot["id"]), ("useraccesstokens", "userid", chat.bot["id"]),
        ("sessions", "userid", chat.bot["id"]), ("posts", "userid", chat.bot["id"]), ("posts", "id", post["id"]),
        ("fileinfo", "creatorid", chat.bot["id"]), ("channels", "teamid", chat.bots_team["id"]),
        ("channelmembers", "userid", chat.bot["id"]), ("teams", "name", NAME), ("teammembers", "userid", chat.bot["id"]),
    ):  # fmt: skip
        assert chat.site.sql(f"SELECT count(*) FROM {table} WHERE {column} = '{value}'") == "0", table
    again = furnish(chat.local)
    assert chat.local.delete(f"users/{again[0]['id']}?permanent=true").status == 200
    assert chat.local.delete(f"teams/{again[1]['id']}?permanent=true").status == 200


def test_over_the_network_deletion_for_good_needs_its_setting(chat, bot):
    for path, error in (
        (f"users/{chat.bot['id']}", "api.user.delete_user.not_enabled.app_error"),
        (f"teams/{chat.bots_team['id']}", "api.user.delete_team.not_enabled.app_error"),
    ):
        answer = chat.as_admin.delete(f"{path}?permanent=true")
        assert (answer.status, answer.id.replace(".for_admin", "")) == (401, error)  # with it in 11.6, without in 11.0
        assert chat.local.get(path).json["delete_at"] == 0


class Here:
    """A host that is this machine."""

    def __init__(self, folder):
        self.folder = folder

    def stream(self, script):
        return ["sh", "-c", f"own={self.folder}/own\n{script}"], b""


def test_a_round_trip_of_verify_goes_and_leaves_nothing(chat, tmp_path):
    def census():
        tables = ("users", "bots", "teams", "channels", "posts", "fileinfo", "useraccesstokens", "sessions")
        return [chat.site.sql(f"SELECT count(*) FROM {table}") for table in tables], chat.site.files("data")

    before = census()
    site = http.Site("127.0.0.1", "127.0.0.1", False, "", 15, http=chat.site.port)
    settings = {
        "verify": {"timeout": 15},
        "paths": {"run": str(chat.site.socket.parent)},
        "nginx": {"body_limit": 2 * 10**6},
    }
    for _ in range(2):
        found = round_trip.finding(Here(tmp_path), settings, site, [str(repository.ROOT / "salt")], [])
        assert found.level == "ok", found
    assert census() == before
