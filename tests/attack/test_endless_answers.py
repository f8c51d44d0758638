"""Who has the server's account answers in its place, on the local socket and on its port: whoever asks as root ends, with little read."""

import contextlib
import socket
import subprocess
import threading
import time

import mattermost_api_core as api
import pytest
from mattermost_controller.verify import http, websocket

from tests import programs, repository

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


def endless(connection):
    connection.sendall(HEAD)
    while True:
        connection.sendall(b"x" * 65536)


def drops(connection):
    """The head of the answer, a byte now and then."""
    for byte in HEAD * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def late(connection):
    connection.sendall(HEAD + b"[")
    for _ in range(1000):
        connection.sendall(b" ")
        time.sleep(0.05)


def silent(connection):
    time.sleep(60)


@contextlib.contextmanager
def answering(listener, answer):
    listener.listen()

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield listener


@pytest.mark.parametrize("answer", [endless, drops, late, silent])
def test_what_asks_over_the_local_socket_ends(tmp_path, monkeypatch, answer):
    monkeypatch.setattr(api, "MOST", 1 << 20)
    place = str(tmp_path / "local.socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    with answering(listener, answer):
        began = time.monotonic()
        with pytest.raises(api.Unreachable, match="longer than 1 MiB" if answer is endless else "timed out|within 2 s"):
            api.Api(place, timeout=2).request("GET", "config")
        assert time.monotonic() - began < 6


def goes_on(connection):
    for _ in range(1000):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


@pytest.fixture(params=[drops, late, goes_on], ids=lambda answer: answer.__name__)
def held_up(request):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    with answering(listener, request.param):
        yield http.Site("chat", "127.0.0.1", False, "", 1, http=listener.getsockname()[1])


def test_a_site_holds_up_no_run(held_up):
    """A verify and a status of all hosts wait for each of these answers."""
    began = time.monotonic()
    assert http.request(held_up, "/") == http.Answer(0, {}, b"", "no answer within the time limit")
    with pytest.raises(OSError, match="status 200|^$"):
        websocket.Websocket(held_up, "/", {}, None)
    assert time.monotonic() - began < 6


def test_a_message_of_a_websocket_that_comes_byte_by_byte_is_left():
    ours, theirs = socket.socketpair()
    stream = ours.makefile("rb")
    held = websocket.Websocket.__new__(websocket.Websocket)
    held._connection, held._stream, held._answer = ours, stream, None

    def send():
        with contextlib.suppress(OSError):
            for byte in b"\x81\x7e\xff\xff" + b"x" * 1000:
                theirs.sendall(bytes([byte]))
                time.sleep(0.05)

    threading.Thread(target=send, daemon=True).start()
    began = time.monotonic()
    with theirs, held:
        assert not held.wait("hello", lambda _: True, 1)
    assert time.monotonic() - began < 6


def test_an_answer_that_breaks_off_is_none(tmp_path):
    place = str(tmp_path / "local.socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)

    def short(connection):
        connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n") + b"[]")

    with answering(listener, short), pytest.raises(api.Unreachable, match="broke off"):
        api.Api(place, timeout=5).request("GET", "config")


def test_the_health_check_does_not_fill_the_disk(tmp_path):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    functions = programs.joined("mattermost-switch").partition("# ---- the command")[0]
    values = f"scratch={tmp_path} port={listener.getsockname()[1]}\nsite_path() {{ :; }}\nfetch /; say $code"
    with answering(listener, endless):
        done = subprocess.run(["sh", "-c", f"{functions}\n{values}"], capture_output=True, text=True, timeout=60)
    assert done.stdout == "000\n"
    assert (tmp_path / "body").stat().st_size <= 4 << 20


def test_the_status_reads_little_of_it(tmp_path):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    text = repository.text("salt/mattermost/scripts/status.sh")
    (server,) = [line for line in text.splitlines() if line.startswith("server() {")]
    values = f"PORT={listener.getsockname()[1]} SITE_PATH=\n{server}\nserver / | wc -c"
    with answering(listener, endless):
        done = subprocess.run(["sh", "-c", values], capture_output=True, text=True, timeout=60)
    assert 0 < int(done.stdout) <= 200000
