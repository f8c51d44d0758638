"""Row 8, continued: websockets."""

import pytest

from tests.conformance.site import eventually
from tests.conformance.wire import WebSocket


@pytest.mark.parametrize(
    ("site_url", "origin", "status"),
    [
        ("https://chat.example.test", "", 101),
        ("https://chat.example.test", "https://chat.example.test", 101),
        ("https://chat.example.test/chat", "https://chat.example.test", 101),
        ("https://chat.example.test", "http://chat.example.test", 403),
        ("https://chat.example.test", "https://chat.example.test:8443", 403),
        ("https://chat.example.test", "http://{host}", 403),
        ("https://chat.example.test", "https://second.example.test", 403),
        ("", "http://{host}", 101),
        ("", "https://chat.example.test", 403),
    ],
)
def test_with_an_address_of_its_own_a_websocket_opens_for_pages_of_exactly_that(site, site_url, origin, status):
    """Scheme, host and port; the address that was called counts only without a SiteURL."""
    site.set(ServiceSettings__SiteURL=site_url)
    site.up()
    value = origin.format(host=f"127.0.0.1:{site.port}")
    prefix = "/chat" if site_url.endswith("/chat") else ""
    peer = WebSocket(site.port, path=f"{prefix}/api/v4/websocket", **({"Origin": value} if value else {}))
    assert peer.status == status


def test_a_websocket_does_not_open_for_a_foreign_site(chat):
    assert WebSocket(chat.site.port, Origin="https://evil.example").status == 403


def test_a_websocket_needs_an_upgrade(chat):
    assert chat.http.get("websocket").status == 400


def test_the_users_websocket_needs_a_login(chat):
    assert WebSocket(chat.site.port, path="/api/v4/users/websocket").status == 401


def test_a_websocket_says_hello_pings_and_hears_of_posts(chat, rules):
    peer = WebSocket(chat.site.port, Authorization=f"Bearer {chat.as_member.token}")
    hello = peer.read()
    assert hello["event"] == "hello"
    assert hello["data"]["server_version"].startswith(f"{rules.version}.")
    peer.send({"seq": 1, "action": "ping"})
    answer = eventually("an answer", lambda: (frame := peer.read()).get("seq_reply") == 1 and frame)
    assert (answer["status"], answer["data"]["text"]) == ("OK", "pong")
    post = chat.as_admin.post("posts", {"channel_id": chat.square["id"], "message": "heard"}).json
    heard = eventually("the post", lambda: (event := peer.read())["event"] == "posted" and event)
    assert post["id"] in heard["data"]["post"]
    peer.close()
