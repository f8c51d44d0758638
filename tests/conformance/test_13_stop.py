"""Row 13: how it ends."""

import signal
import socket
import threading

import pytest

from tests.conformance.conftest import a_square, first_admin
from tests.conformance.site import eventually
from tests.conformance.wire import WebSocket


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_graceful(site, number):
    server = site.up()
    server.process.send_signal(number)
    assert server.wait_end() == 0
    assert not site.socket.exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_other_signals_kill_and_leave_the_socket(site, number):
    server = site.up()
    server.process.send_signal(number)
    assert server.wait_end() == -number
    assert site.socket.exists()
    assert site.up().local.get("system/ping").status == 200


def refuses(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_new_connections_are_refused_and_sockets_end_without_a_close_frame(site):
    server = site.up()
    peer = WebSocket(site.port)
    assert peer.status == 101
    server.process.terminate()
    eventually("the listener closes", lambda: refuses(site.port))
    assert peer.read() is None
    assert server.wait_end() == 0


def test_posts_in_flight_are_finished(site):
    server = site.up()
    admin = first_admin(server)
    square = a_square(admin)
    accepted, stopped = [], threading.Event()

    def post_on():
        for number in range(5000):
            try:
                answer = admin.post("posts", {"channel_id": square, "message": f"number {number}"})
            except OSError:
                return
            if answer.status != 201 or stopped.is_set():
                return
            accepted.append(answer.json["id"])

    writers = [threading.Thread(target=post_on) for _ in range(4)]
    for writer in writers:
        writer.start()
    eventually("some posts", lambda: len(accepted) > 20)
    server.process.terminate()
    assert server.wait_end() == 0
    stopped.set()
    for writer in writers:
        writer.join(30)
    stored = set(site.sql("SELECT id FROM posts").split())
    assert set(accepted) <= stored


def test_a_slow_upload_is_cut_and_leaves_no_row(site):
    server = site.up()
    admin = first_admin(server)
    square = a_square(admin)
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as slow:
        slow.sendall(
            f"POST /api/v4/files?channel_id={square}&filename=slow.bin HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {admin.token}\r\nContent-Length: 1000000\r\n\r\n".encode()
            + b"x" * 300000
        )
        eventually("a partial file", lambda: [name for name in site.files("data") if name.endswith("slow.bin")])
        server.process.terminate()
        assert server.wait_end() == 0
    assert [name for name in site.files("data") if name.endswith("slow.bin")]
    assert site.sql("SELECT count(*) FROM fileinfo") == "0"
