"""Row 7: the order of a start, and what stops it."""

import socket

import pytest

from tests.conformance import ports, unprivileged
from tests.conformance.site import eventually, mode


def test_ready_is_said_once_and_nothing_else(site):
    server = site.up()
    assert server.http.get("system/ping").status == 200
    assert server.local.get("system/ping").status == 200
    server.process.terminate()
    assert server.wait_end() == 0
    assert server.messages() == ["READY=1"]


def test_a_migrated_database_starts_as_well(site):
    site.up().stop()
    assert site.up().http.get("system/ping").status == 200


def test_the_file_is_written_before_the_database_is_asked(site):
    site.set(SqlSettings__DataSource=site.cluster.dsn(site.database, port=ports.free()))
    before = site.config_file.read_text()
    server = site.start()
    eventually("a failed ping", lambda: "Failed to ping DB" in server.log_text())
    assert site.config_file.read_text() != before


@pytest.mark.parametrize("folder", ["data", "logs", "plugins"])
def test_an_unwritable_directory_does_not_stop_it(site, folder):
    if folder == "plugins":
        (site.home / "plugins").rmdir()
        site.home.chmod(0o555)
    (site.home / folder).chmod(0o555) if folder != "plugins" else None
    server = site.up()
    site.home.chmod(0o755)
    assert server.http.get("system/ping").status == 200
    if folder == "data":
        assert "Problem with file storage settings" in server.log_text()
        assert server.http.get("system/ping?get_server_status=true").status == 500
    if folder == "plugins":
        assert "Failed to start up plugins" in server.log_text()
        assert server.local.get("plugins").status == 501


def test_a_taken_port_stops_it_late(site):
    """The configuration is written and the database migrated by then; the running server keeps its socket."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", site.port))
        other.listen()
        before = site.config_file.read_text()
        server = site.start()
        assert server.wait_end() == 1
    assert "bind: address already in use" in server.log_text() + server.error_text()
    assert int(site.sql("SELECT max(version) FROM db_migrations")) > 0
    assert site.config_file.read_text() != before
    assert not site.socket.exists()


def test_an_unwritable_socket_directory_stops_it(site):
    site.socket.parent.chmod(0o555)
    server = site.start()
    assert server.wait_end() == 1
    assert "bind: permission denied" in server.log_text() + server.error_text()
    assert server.messages() == []


@pytest.mark.parametrize("kind", ["socket", "file"])
def test_whatever_stands_at_the_sockets_place_is_replaced(site, kind):
    if kind == "file":
        site.socket.write_text("in the way")
    else:
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(site.socket))
    unprivileged.own(site.socket)
    server = site.up()
    assert server.local.get("system/ping").status == 200
    assert mode(site.socket) == 0o600


def test_without_local_mode_there_is_no_socket(site):
    site.set(ServiceSettings__EnableLocalMode=False)
    site.up()
    assert not site.socket.exists()
