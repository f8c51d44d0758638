"""Row 15: the stand-in's own switches for faults."""

import signal

import pytest

from tests.conformance.site import eventually
from tests.conformance.wire import WebSocket

pytestmark = pytest.mark.standin_only


def test_it_is_honest_about_itself(chat, release):
    assert "stand-in" in chat.http.get("config/client?format=old").json["BuildNumber"]
    assert "Stand-in for the lab" in chat.http.call("GET", "/").text
    assert "stand-in" in (release.root / "README.md").read_text().lower()


def test_fail_start(site):
    before = site.config_file.read_bytes()
    server = site.start(STANDIN_FAULT_FAIL_START="1")
    assert server.wait_end() == 1
    assert "STANDIN_FAULT_FAIL_START" in server.error_text()
    assert site.config_file.read_bytes() == before


def test_slow_start(site):
    server = site.start(STANDIN_FAULT_SLOW_START_SECONDS="2")
    eventually("migrations", lambda: "This is the lab's stand-in" in server.log_text())
    assert server.messages() == []
    server.wait_ready()


def test_slow_migration_keeps_its_lock(site):
    server = site.start(STANDIN_FAULT_SLOW_MIGRATION_SECONDS="0.3")
    eventually(
        "some migrations",
        lambda: site.sql("SELECT to_regclass('db_lock') IS NOT NULL") == "t"
        and site.sql("SELECT count(*) FROM db_lock") == "1",
    )
    assert server.messages() == []
    server.wait_ready()
    assert site.sql("SELECT count(*) FROM db_lock") == "0"


def test_a_migration_that_fails_half_way(site):
    server = site.start(STANDIN_FAULT_FAIL_MIGRATION="1")
    assert server.wait_end() == 1
    assert "failed to apply database migrations" in server.error_text()
    assert int(site.sql("SELECT count(*) FROM db_migrations")) > 0
    assert server.messages() == []


def test_unhealthy(site):
    server = site.up(STANDIN_FAULT_UNHEALTHY="1")
    assert server.http.get("system/ping").status == 200
    assert server.http.get("system/ping?get_server_status=true").status == 500


def test_wrong_version(site):
    server = site.up(STANDIN_FAULT_WRONG_VERSION="1.2.3")
    assert server.http.get("system/ping").headers["X-Version-Id"].startswith("1.2.3.")
    assert server.http.get("config/client?format=old").json["Version"] == "1.2.3"
    assert WebSocket(site.port).status == 101


def test_crash_after(site):
    server = site.up(STANDIN_FAULT_CRASH_AFTER_SECONDS="0.5")
    assert server.wait_end() == -signal.SIGKILL


def test_slow_stop(site):
    server = site.up(STANDIN_FAULT_SLOW_STOP_SECONDS="1")
    assert server.stop() == 0


def test_a_switch_that_is_no_number_is_refused(site):
    server = site.start(STANDIN_FAULT_SLOW_START_SECONDS="soon")
    assert server.wait_end() != 0
