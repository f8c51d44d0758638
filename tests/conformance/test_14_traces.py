"""Row 14: what a run leaves: files written, lines logged."""

import pytest

from tests.conformance.conftest import a_square, first_admin
from tests.conformance.site import mode

LICENCE = "License key from https://mattermost.com required"
# of a start without an address of its own and with the web client as it was built, which a read-only tree keeps
KNOWN_ERRORS = (LICENCE, "Failed to update assets subpath from config")


def test_the_console_is_json(site):
    server = site.up()
    lines = server.log_text().splitlines()
    assert len(server.log()) == len(lines) > 0
    for line in server.log():
        assert {"timestamp", "level", "msg", "caller"} <= set(line)


def test_a_healthy_start_has_only_the_known_errors(site):
    site.set(ServiceSettings__SiteURL="https://chat.example.test")
    errors = [line["msg"] for line in site.up().log() if line["level"] == "error"]
    assert [message for message in errors if not message.startswith(KNOWN_ERRORS)] == []


def test_the_missing_licence_is_a_warning_since_9_8(site, rules):
    levels = {line["level"] for line in site.up().log() if line["msg"].startswith(LICENCE)}
    assert levels == {"warn" if rules.at_least(9, 8) else "error"}


def test_a_read_only_client_that_has_to_change_is_an_error(site):
    errors = [line["msg"] for line in site.up().log() if line["level"] == "error"]
    assert KNOWN_ERRORS[1] in errors


def test_the_log_file_is_written(site):
    site.up()
    assert site.files("logs") == ["mattermost.log"]
    assert (site.home / "logs/mattermost.log").read_text().startswith("{")


def test_nothing_is_written_but_the_known_places(site):
    tree = sorted(path.stat().st_mtime_ns for path in site.root.rglob("*"))
    server = site.up()
    server.http.get("system/ping?get_server_status=true")
    server.stop()
    assert sorted(path.stat().st_mtime_ns for path in site.root.rglob("*")) == tree
    assert site.files("config") == ["config.json"]
    assert site.files("data") == []
    assert site.files("tmp") == []
    assert [path.name for path in (site.home / "run").iterdir()] == []


def test_uploaded_files_are_private(site):
    server = site.up()
    admin = first_admin(server)
    square = a_square(admin)
    assert admin.api("POST", f"files?channel_id={square}&filename=a.bin", b"data").status == 201
    path = site.home / "data" / site.files("data")[0]
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o750


@pytest.mark.parametrize("secret", ["p@ss:w/or#d%1", "p%40ss%3Aw%2For%23d%251"])
def test_the_database_password_is_not_logged(site, secret):
    server = site.up()
    assert secret not in server.log_text() + server.error_text() + (site.home / "logs/mattermost.log").read_text()


def test_the_console_level_is_kept(site):
    site.set(LogSettings__ConsoleLevel="ERROR")
    server = site.up()
    assert {line["level"] for line in server.log()} == {"error"}
