"""What the real nginx does with our files, in front of a small server of the test's own, on the loopback."""

import http.client
import http.server
import json
import os
import signal
import socket
import ssl
import threading
import time

import pytest

from tests.config.nginx_program import BASE, DISTINCT, NON_SSL, SSL, Tree
from tests.config.nginx_site import NAME, Site, Upstream, upgrade, values
from tests.soak import in_check

PLATFORMS = in_check(DISTINCT, "Debian-12")
LIMIT = 256 * 1024  # bytes; the server's limit for a file in these tests
BODY_LIMIT = LIMIT + 1024 * 1024


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024


@pytest.fixture(scope="module")
def upstream():
    server = Server(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def upstream_waits():
    """Return whether the server has the head of a request to a path, and waits for the rest of its body."""

    def waits(path):
        for _ in range(250):
            if path in Upstream.begun:
                return True
            time.sleep(0.02)
        return False

    Upstream.begun.clear()
    return waits


SECOND = "second.example.test"


def started(folder, platform, *sls, path="", **how):
    server = {"port": how.pop("port"), "path": path, "config": {"FileSettings": {"MaxFileSize": LIMIT}}}
    pillar = {"additional_names": [SECOND], "server": server, "nginx": how.pop("nginx", {})}
    return Site(Tree(folder, platform, *sls, pillar=pillar, **how))


@pytest.fixture(scope="module", params=PLATFORMS)
def site(request, upstream, tmp_path_factory):
    running = started(tmp_path_factory.mktemp("ssl"), request.param, BASE, SSL, port=upstream)
    (running.tree.webroot / ".well-known/acme-challenge").mkdir(parents=True)
    (running.tree.webroot / ".well-known/acme-challenge/token").write_text("answer")
    yield running
    running.stop()


@pytest.fixture(scope="module", params=PLATFORMS)
def plain(request, upstream, tmp_path_factory):
    running = started(tmp_path_factory.mktemp("plain"), request.param, BASE, NON_SSL, port=upstream)
    yield running
    running.stop()


@pytest.fixture(scope="module", params=PLATFORMS)
def down(request, tmp_path_factory):
    """A site whose server does not answer."""
    with socket.socket() as taken:  # bound, not listening: nobody else gets the port meanwhile
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        running = started(tmp_path_factory.mktemp("down"), request.param, BASE, SSL, port=port)
        yield running
        running.stop()


# port 80 ---------------------------------------------------------------------------------------------------------------


def test_http_is_sent_to_https(site):
    status, headers, _ = site.ask("/team/channel?x=1", tls=False)
    assert (status, values(headers, "location")) == (301, [f"https://{NAME}/team/channel?x=1"])


@pytest.mark.parametrize("name", [NAME, "other.example.test"])
def test_a_challenge_is_answered_before_the_redirect(site, name):
    assert site.ask("/.well-known/acme-challenge/token", tls=False, name=name)[::2] == (200, b"answer")


def test_an_unknown_token_is_not_passed_on(site):
    assert site.ask("/.well-known/acme-challenge/none", tls=False)[0] == 404


def test_an_unknown_name_gets_nothing_over_http(site):
    assert site.ask("/", tls=False, name="other.example.test")[0] == 404


# additional names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [True, False])
def test_an_additional_name_leads_to_the_public_one(site, tls):
    status, headers, _ = site.ask("/team/channel?x=1", tls=tls, name=SECOND)
    assert (status, values(headers, "location")) == (301, [f"https://{NAME}/team/channel?x=1"])


@pytest.mark.parametrize("path", ["/api/v4/users/login", "/api/v4/websocket"])
def test_a_program_that_uses_an_additional_name_is_told_the_public_one(site, path):
    for method in ("GET", "POST"):
        status, headers, body = site.ask(path, method=method, name=SECOND)
        assert (status, values(headers, "content-type")) == (421, ["application/json"])
        answer = json.loads(body)
        assert set(answer) == {"id", "message", "detailed_error", "request_id", "status_code"}
        assert answer["status_code"] == 421
        assert f"Use https://{NAME} instead." in answer["message"]


def test_a_challenge_for_an_additional_name_is_answered(site):
    assert site.ask("/.well-known/acme-challenge/token", tls=False, name=SECOND)[::2] == (200, b"answer")


def test_browsers_remember_https_of_an_additional_name(site):
    assert values(site.ask(name=SECOND)[1], "strict-transport-security") == ["max-age=63072000"]


def test_an_additional_name_of_a_plain_site_leads_to_the_public_one(plain):
    status, headers, _ = plain.ask("/team?x=1", tls=False, name=SECOND)
    assert (status, values(headers, "location")) == (301, [f"http://{NAME}/team?x=1"])
    assert plain.ask("/api/v4/system/ping", tls=False, name=SECOND)[0] == 421
    assert plain.ask("/.well-known/acme-challenge/none", tls=False, name=SECOND)[0] == 404


# below a path ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def below(upstream, tmp_path_factory):
    running = started(tmp_path_factory.mktemp("below"), "Debian-12", BASE, SSL, path="/chat", port=upstream)
    yield running
    running.stop()


def test_a_site_below_a_path_has_its_websockets_and_names_its_whole_address(below):
    assert upgrade(below, "/chat/api/v4/websocket")[0].split()[1] == "101"
    assert below.seen("/chat/team?x=1")["path"] == "/chat/team?x=1"
    for path in ("/chat/api/v4/users", "/api/v4/users"):
        status, _, body = below.ask(path, name=SECOND)
        assert (status, f"Use https://{NAME}/chat instead." in json.loads(body)["message"]) == (421, True)
    _, headers, _ = below.ask("/chat/team", name=SECOND)
    assert values(headers, "location") == [f"https://{NAME}/chat/team"]


def test_programs_of_a_site_below_a_path_are_answered_in_their_form(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        running = started(tmp_path / "away", "Debian-12", BASE, SSL, path="/chat", port=taken.getsockname()[1])
        try:
            found = {
                path: values(running.ask(path)[1], "content-type") for path in ("/chat/api/v4/users", "/chat/team")
            }
        finally:
            running.stop()
    assert found == {"/chat/api/v4/users": ["application/json"], "/chat/team": ["text/html"]}


# TLS -------------------------------------------------------------------------------------------------------------------


def test_an_unknown_name_ends_in_the_handshake(site):
    with pytest.raises(ssl.SSLError):
        site.connect(name="other.example.test")


def test_an_unknown_host_header_gets_nothing(site):
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        site.ask("/", name="other.example.test")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_old_protocol_is_refused(site, version):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        site.connect(minimum=version)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_present_protocol_is_spoken(site, version):
    with site.connect(minimum=version) as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


def test_http2_is_offered(site):
    context = site.context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", site.tree.https)) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


# headers ---------------------------------------------------------------------------------------------------------------


def test_browsers_remember_https(site):
    assert values(site.ask()[1], "strict-transport-security") == ["max-age=63072000"]


def test_security_headers_are_there_once(site):
    _, headers, _ = site.ask()
    for name in ("x-frame-options", "x-content-type-options", "referrer-policy"):
        assert len(values(headers, name)) == 1, name


def test_the_servers_own_headers_win_and_are_not_doubled(site):
    _, headers, _ = site.ask("/own-headers")
    assert values(headers, "x-frame-options") == ["DENY"]
    assert values(headers, "x-content-type-options") == ["nosniff"]
    assert values(headers, "referrer-policy") == ["origin"]
    assert values(headers, "strict-transport-security") == ["max-age=63072000"]


def test_the_version_is_nobodys_business(site):
    assert values(site.ask()[1], "server") in (["nginx"], [])


def test_the_server_learns_the_real_client(site):
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    headers = site.seen(headers=claims | {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example.test"})[
        "headers"
    ]
    assert "203.0.113.9" not in str(headers)
    assert "evil" not in str(headers)
    assert values(headers, "x-real-ip") == values(headers, "x-forwarded-for") == ["127.0.0.1"]
    assert values(headers, "x-forwarded-proto") == ["https"]
    assert values(headers, "host") == [NAME]


# websockets ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v4/websocket", "/api/v4/users/websocket", "/plugins/com.mattermost.calls/ws"])
def test_a_websocket_is_upgraded_and_carries_bytes(site, path):
    status, echoed = upgrade(site, path)
    assert (status.split()[1], echoed) == ("101", b"ping")


def test_no_other_protocol_is_upgraded(site):
    assert upgrade(site, "/", kind="h2c")[0].split()[1] == "200"


# uploads ---------------------------------------------------------------------------------------------------------------


TOKEN = {"Authorization": f"Bearer {26 * 'x'}"}
STRANGERS_LIMIT = 500_000


def multipart(size):
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    return head + b"0" * size + b"\r\n--x--\r\n"


def announced(site, size, who=TOKEN):
    """Return the status of a POST that announces *size* bytes."""
    with site.connect() as connection:
        lines = [f"POST /api/v4/files HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {size}\r\nExpect: 100-continue"]
        lines += [f"{name}: {value}" for name, value in who.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(4096).split()[1])


def test_the_largest_file_passes_in_its_form(site):
    body = multipart(LIMIT)
    headers = {"Content-Type": "multipart/form-data; boundary=x", **TOKEN}
    assert site.seen("/api/v4/files", "POST", body=body, headers=headers)["read"] == len(body)


def test_a_body_at_nginxs_limit_passes(site):
    assert site.seen("/api/v4/files", "POST", body=b"0" * BODY_LIMIT, headers=TOKEN)["read"] == BODY_LIMIT


def test_one_byte_more_is_refused(site):
    assert announced(site, BODY_LIMIT) == 100
    assert announced(site, BODY_LIMIT + 1) == 413


@pytest.mark.parametrize("who", [TOKEN, {"Cookie": f"MMUSERID=a; MMAUTHTOKEN={26 * 'x'}"}], ids=["header", "cookie"])
def test_without_a_session_a_body_is_small(site, who):
    assert announced(site, STRANGERS_LIMIT, who) == 100
    assert announced(site, STRANGERS_LIMIT, {"Cookie": "MMAUTHTOKEN=short"}) == 413
    assert site.seen("/api/v4/users/login", "POST", body=b"0" * (STRANGERS_LIMIT - 1))["read"] == STRANGERS_LIMIT - 1


def test_a_body_that_does_not_say_its_length_is_small_without_a_session(site):
    """What nginx has read when it is too much is thrown away; the server gets none of it."""
    chunks = iter([b"0" * 100_000] * 8)
    try:
        assert (
            site.ask("/api/v4/files", "POST", body=chunks, headers={"Transfer-Encoding": "chunked"}, encode=True)[0]
            == 413
        )
    except (ConnectionError, ssl.SSLError):
        pass  # it does not read on to say so


def test_an_upload_goes_to_the_server_as_it_comes_and_never_to_the_disk(site, upstream_waits):
    body = site.tree.folder / "body"
    with site.connect() as connection:
        head = [f"POST /api/v4/uploads HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {BODY_LIMIT}"]
        head += [f"{name}: {value}" for name, value in TOKEN.items()]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + b"0" * (BODY_LIMIT - 1))
        assert upstream_waits("/api/v4/uploads"), "the server has not begun to read"
        assert [path for path in body.rglob("*") if path.is_file()] == []
        connection.sendall(b"0")
        assert connection.recv(4096).split()[1] == b"200"


# while the server is down ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_people_see_a_page_while_the_server_is_down(down, method):
    status, headers, body = down.ask("/team/channels/town-square", method, body=b"x" if method != "GET" else None)
    assert (status, values(headers, "retry-after"), values(headers, "content-type")) == (503, ["10"], ["text/html"])
    assert b"back in a moment" in body
    assert values(headers, "cache-control") == ["no-store"]
    assert values(headers, "strict-transport-security") == ["max-age=63072000"]


def test_the_page_loads_nothing(down):
    body = down.ask()[2].decode()
    assert [word for word in ("src=", "href=", "url(", "@import", "<script") if word in body] == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_programs_get_json_while_the_server_is_down(down, method):
    status, headers, body = down.ask("/api/v4/posts?x=1", method, body=b"{}" if method == "POST" else None)
    assert (status, values(headers, "retry-after")) == (503, ["10"])
    assert values(headers, "content-type") == ["application/json"]
    assert json.loads(body)["status_code"] == 503


def test_nobody_can_ask_for_the_page_itself(site):
    assert site.ask("/.mattermost-unavailable.html")[0] == 404


def test_the_servers_own_bad_gateway_passes(site):
    status, _, body = site.ask("/own-502")
    assert (status, json.loads(body)["path"]) == (502, "/own-502")


# the log ---------------------------------------------------------------------------------------------------------------


def test_tokens_stay_out_of_the_log(site):
    site.ask("/reset_password_complete?token=s3cret")
    text = ""
    for _ in range(100):
        text = (site.tree.logs / "mattermost.access.log").read_text()
        if "/reset_password_complete" in text:
            break
        time.sleep(0.02)
    assert "/reset_password_complete" in text
    assert "s3cret" not in text


# over plain HTTP -------------------------------------------------------------------------------------------------------


def test_the_plain_site_answers_itself(plain):
    status, headers, _ = plain.ask("/", tls=False)
    assert status == 200
    assert values(headers, "strict-transport-security") == []


def test_the_plain_site_has_websockets(plain):
    assert upgrade(plain, "/api/v4/websocket", tls=False)[0].split()[1] == "101"


def test_the_plain_site_gives_unknown_names_nothing(plain):
    assert plain.ask("/", tls=False, name="other.example.test")[0] == 404


def test_the_plain_site_tells_the_server_its_scheme(plain):
    assert values(plain.seen(tls=False)["headers"], "x-forwarded-proto") == ["http"]


def test_the_running_nginx_takes_a_reload(site):
    """The way that the state watches: the master's children are new ones."""
    import mattermost_nginx_process as process

    old = process.workers(site.process.pid)
    os.kill(site.process.pid, signal.SIGHUP)
    for _ in range(500):
        if process.workers(site.process.pid) - old:
            break
        time.sleep(0.02)
    assert process.workers(site.process.pid) - old
    assert site.ask()[0] == 200
