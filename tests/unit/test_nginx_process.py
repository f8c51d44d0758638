"""Who holds a port, and whether a reload was taken."""

import http.server
import os
import socket
import threading

import mattermost_nginx_process as process
import pytest


@pytest.fixture
def listening():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_listener_is_found_with_its_program(listening):
    assert process.listeners(listening) == [(os.getpid(), process.program(os.getpid()))]


def test_an_ipv6_listener_is_found_too():
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        listener.listen()
        assert process.listeners(listener.getsockname()[1]) == [(os.getpid(), process.program(os.getpid()))]


def test_a_foreign_program_on_the_port_is_named(listening):
    sentence = process.occupant([listening])
    assert sentence.startswith(f"Port {listening} is in use by {process.program(os.getpid())} (process {os.getpid()})")


def test_nginx_itself_is_no_occupant(listening):
    assert process.occupant([listening], own=process.program(os.getpid())) is None


def test_a_free_port_has_no_occupant():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, not listening
        assert process.occupant([bound.getsockname()[1]]) is None


def test_the_workers_are_the_masters_children():
    child = os.fork()
    if child == 0:
        os.read(os.pipe()[0], 1)
        os._exit(0)
    try:
        assert child in process.workers(os.getpid())
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_no_tls_means_no_served_certificate():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    try:
        assert process.served_certificate("chat.example.test", server.server_port) is None
    finally:
        thread.join()
        server.server_close()


def test_a_file_without_a_certificate_has_none(tmp_path):
    (tmp_path / "x.pem").write_text("nothing")
    assert process.stored_certificate(str(tmp_path / "x.pem")) is None
    assert process.stored_certificate(str(tmp_path / "none.pem")) is None
