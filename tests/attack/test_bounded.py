"""What the server's role holds up or makes endless ends: whoever asks its database gives up, with an answer. With a real cluster."""

import subprocess
import time

import mattermost_database_cluster as host
import mattermost_database_files as files
import pytest

from tests import programs, repository
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


LOUD = """CREATE FUNCTION public.shout() RETURNS text LANGUAGE plpgsql AS $$
BEGIN FOR n IN 1..{times} LOOP RAISE WARNING '%', repeat('x', 1000); END LOOP; RETURN 'said'; END $$;"""


@pytest.mark.exhaustive
def test_messages_without_end_fill_no_file(cluster):  # noqa: F811
    cluster.plant(LOUD.replace("{times}", "20000"))
    said = cluster.place / "own/said"
    done = cluster.run("mattermost-backup", f"as_role mattermost 'SELECT public.shout()' 2>{said}; echo ended $?")
    assert done.stdout.startswith("ended ")
    assert done.stdout != "ended 0\n"
    assert 0 < said.stat().st_size <= 65536


def test_what_a_program_answers_passes_with_its_status(cluster):  # noqa: F811
    lines = "as_role mattermost 'SELECT 1'; echo $?; as_role mattermost 'SELECT no'; echo $?"
    done = cluster.run("mattermost-backup", lines)
    assert done.stdout.splitlines() == ["1", "0", "3"]
    assert 'column "no" does not exist' in done.stderr


def test_an_answer_of_any_size_is_held_by_nobody(cluster):  # noqa: F811
    lines = "CLIENT_MEMORY=200000; as_role mattermost \"SELECT repeat('x', 300000000)\" | wc -c; say | as_role mattermost; echo $?"
    done = cluster.run("mattermost-backup", lines)
    assert done.stdout == "0\n0\n", done.stderr
    assert "memory" in done.stderr


@pytest.mark.parametrize("function", ["role_value", "role_number", "schema", "migrations"])
def test_sh_holds_little_of_an_answer(function):
    """It would end, as a whole, where it has no more memory."""
    library = programs.joined("mattermost-switch").partition("# ---- the command")[0]
    role = "as_role() { head -c 300000000 /dev/zero | tr '\\0' 9; }"
    text = f"ulimit -v 100000; {library}\n{role}\n{function} mattermost 'SELECT 1'; echo ended $?"
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("ended 1\n", "")


@pytest.mark.exhaustive
def test_a_deploy_holds_little_of_an_answer(cluster, monkeypatch):  # noqa: F811
    monkeypatch.setattr(files, "SQL_ACCOUNT", ACCOUNTS["mattermost-sql"])
    monkeypatch.setattr(host, "LARGEST_ANSWER", 1 << 20)
    data = {"bin_dir": cluster.bin, "socket_dir": str(cluster.place), "data_dir": f"{cluster.place}/data"}
    postgresql = host.Cluster(data)
    cluster.plant(LOUD.replace("{times}", "20000"))
    assert postgresql.as_role("SELECT 1", "mattermost", "mattermost") == 1
    for endless in ("SELECT public.shout()", "SELECT to_json(repeat('x', 20000000))"):
        with pytest.raises(host.DatabaseError):
            postgresql.as_role(endless, "mattermost", "mattermost")
    monkeypatch.setattr(host, "TIMEOUT", 1)
    with pytest.raises(host.DatabaseError, match="did not answer the account (daemon|nobody) within 1 s"):
        postgresql.as_role("SELECT pg_sleep(30)", "mattermost", "mattermost")


@pytest.mark.parametrize("unit", ["mattermost-backup.service", "mattermost-restore@.service"])
def test_a_program_by_systemd_that_works_on_what_the_role_made_has_an_end(unit):
    folder = "salt/mattermost/deploy/backup/files/etc/systemd/system"
    assert "TimeoutStartSec=20h" in repository.text(f"{folder}/{unit}.jinja").splitlines()
