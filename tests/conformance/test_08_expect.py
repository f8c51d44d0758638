"""Row 8, continued: a client that asks before it sends."""

import socket

import pytest

from tests.conformance.conftest import a_square, first_admin


@pytest.fixture
def ask(site):
    """Send the head of an upload that waits for leave; return the status line and the open socket."""
    site.set(FileSettings__MaxFileSize=1000)
    server = site.up()
    admin = first_admin(server)
    square = a_square(admin)
    opened = []

    def send(size, token=admin.token):
        peer = socket.create_connection(("127.0.0.1", site.port), timeout=30)
        opened.append(peer)
        peer.sendall(
            f"POST /api/v4/files?channel_id={square}&filename=a.bin HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        file = peer.makefile("rb")
        return file.readline().decode(), peer, file

    yield send
    for peer in opened:
        peer.close()


def test_it_may_go_on(ask):
    line, peer, file = ask(1000)
    assert " 100 " in line
    assert file.readline() == b"\r\n"
    peer.sendall(b"x" * 1000)
    assert " 201 " in file.readline().decode()


def test_it_is_told_before_it_sends_too_much(ask):
    assert " 413 " in ask(1001)[0]


def test_it_is_told_before_it_sends_without_a_session(ask):
    assert " 401 " in ask(10, token="nonsense")[0]
