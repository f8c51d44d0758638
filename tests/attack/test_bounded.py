"""What the server's role holds up or makes endless ends: whoever asks its database gives up, with an answer. With a real cluster."""

import subprocess
import time

import pytest

from tests import repository
from tests.attack.test_database_role import ACCOUNTS, ASKED, cluster, pytestmark, template
from tests.soak import in_check

__all__ = ["cluster", "pytestmark", "template"]
LIMITS = "ROLE_LIMITS='-c lock_timeout=500 -c statement_timeout=1500'; publish() { :; }; in_manifest() { say 0; }; "
CALLS = [(name, line) for name, lines in ASKED.items() for line in lines]
ENDLESS = "ALTER TABLE posts RENAME TO genuine; CREATE VIEW posts AS SELECT id, createat FROM genuine, pg_sleep(300);"


@pytest.fixture
def locked(cluster):  # noqa: F811
    """The role holds each table, and would for minutes."""
    held = "BEGIN; LOCK TABLE posts, users, channels, fileinfo, db_migrations; SELECT 'held'; SELECT pg_sleep(300);"
    command = ["runuser", "-u", ACCOUNTS["mattermost"], "--", f"{cluster.bin}/psql", "-XAtq", "-h", str(cluster.place)]
    holder = subprocess.Popen(
        [*command, "-U", "mattermost", "-d", "mattermost"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )
    holder.stdin.write(held.encode())
    holder.stdin.close()
    assert holder.stdout.readline() == b"held\n"
    yield cluster
    cluster.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mattermost'", database="postgres"
    )
    holder.wait(20)
    holder.stdout.close()


def seconds(host, program, lines):
    started = time.monotonic()
    host.run(program, LIMITS + lines)
    return time.monotonic() - started


@pytest.mark.parametrize(("program", "lines"), in_check(CALLS, CALLS[0]))
def test_a_table_that_the_role_holds_is_not_waited_for(locked, program, lines):
    assert seconds(locked, program, lines) < 20


@pytest.mark.parametrize(("program", "lines"), in_check(CALLS, CALLS[0]))
def test_a_view_that_never_ends_is_left(cluster, program, lines):  # noqa: F811
    cluster.plant(ENDLESS)
    assert seconds(cluster, program, lines) < 20


@pytest.mark.parametrize("unit", ["mattermost-backup.service", "mattermost-restore@.service"])
def test_a_program_by_systemd_that_works_on_what_the_role_made_has_an_end(unit):
    folder = "salt/mattermost/deploy/backup/files/etc/systemd/system"
    assert "TimeoutStartSec=20h" in repository.text(f"{folder}/{unit}.jinja").splitlines()
