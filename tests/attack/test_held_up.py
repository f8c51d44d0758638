"""The server's role holds up what works with its database: each operation ends in bounded time. With a real cluster."""

import contextlib
import subprocess
import time

import mattermost_remove_database as removal
import pytest

from tests.attack.test_database_role import ACCOUNTS, cluster, pytestmark, template

__all__ = ["cluster", "pytestmark", "template"]
# libxml2 looks at no signal: neither statement_timeout nor pg_terminate_backend ends it, for longer than anybody waits
ENDLESS = "SELECT count(*) FROM xpath('//*[count(//*[count(//*[count(//*)>1])>1])>1]', ('<a>' || repeat('<b/>', 2000) || '</a>')::xml)"


@contextlib.contextmanager
def busy(cluster, statement=ENDLESS, database="mattermost"):
    """Yield while a session of the role is at *statement*."""
    command = [f"{cluster.bin}/psql", "-Xqh", cluster.place, "-U", "mattermost", "-d", database, "-c", statement]
    account = ACCOUNTS["mattermost-sql"]
    with subprocess.Popen(
        ["runuser", "-u", account, "--", *command], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as client:
        question = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND state = 'active' AND (wait_event = 'PgSleep' OR query LIKE '%xpath%')"
        deadline = time.monotonic() + 30
        while cluster.sql(question, database="postgres").stdout == "0\n":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        try:
            yield client
        finally:
            client.kill()


@pytest.mark.exhaustive
def test_a_query_that_looks_at_no_signal_stops_no_upgrade(cluster):  # noqa: F811
    with busy(cluster):
        cluster.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'mattermost'", database="postgres"
        )
        done = cluster.run("mattermost-switch", "strategy=; copy_database mattermost_before_1 words")
        assert done.returncode == 0, done.stderr
        assert "PostgreSQL starts again" in done.stderr
    assert cluster.sql("SELECT count(*) FROM posts", database="mattermost_before_1").stdout == "2\n"


def test_a_session_that_ends_when_it_is_told_to_costs_nobody_elses(cluster):  # noqa: F811
    with busy(cluster, "SELECT pg_sleep(600)"):
        began = cluster.sql("SELECT pg_postmaster_start_time(), pg_conf_load_time()").stdout
        done = cluster.run("mattermost-switch", "end_sessions mattermost")
        assert (done.returncode, done.stderr) == (0, "")
    assert cluster.sql("SELECT pg_postmaster_start_time(), pg_conf_load_time()").stdout == began
    assert "crash" not in (cluster.place / "log").read_text()


def test_a_view_that_no_limit_of_postgresql_ends_is_left(cluster):  # noqa: F811
    cluster.plant(
        f"ALTER TABLE posts RENAME TO genuine; CREATE VIEW posts AS SELECT genuine.* FROM genuine, ({ENDLESS}) endless;"
    )
    done = cluster.run("mattermost-backup", "CLIENT_SECONDS=2 ROLE_LIMITS='-c statement_timeout=500'; dump_database")
    assert done.returncode == 4
    assert "could not be dumped" in done.stderr


def test_a_session_that_holds_the_role_itself_stops_no_new_password(cluster):  # noqa: F811
    """While the server is stopped for it."""
    with busy(cluster, "ALTER ROLE mattermost PASSWORD 'evil'; SELECT pg_sleep(600)"):
        (cluster.place / "own/forward.sql").parent.mkdir(exist_ok=True)
        (cluster.place / "own/forward.sql").write_text("ALTER ROLE mattermost PASSWORD 'new'")
        done = cluster.run("mattermost-new-database-password", "run_file $own/forward.sql")
        assert (done.returncode, done.stderr) == (0, "")


def test_a_copy_that_the_role_holds_is_not_waited_for(cluster):  # noqa: F811
    """The copies are the role's too, and it holds them from within its own database."""
    cluster.sql("CREATE DATABASE mattermost_before_1 OWNER mattermost", database="postgres")
    with busy(cluster, "COMMENT ON DATABASE mattermost_before_1 IS 'mine'; SELECT pg_sleep(600)"):
        lines = "SUPER_LIMITS='-c lock_timeout=500'; super 'DROP DATABASE mattermost_before_1'"
        done = cluster.run("mattermost-kept", lines)
        assert done.returncode != 0
        assert "lock timeout" in done.stderr


def test_a_query_that_looks_at_no_signal_stops_no_removal(cluster, monkeypatch):  # noqa: F811
    monkeypatch.setattr(removal, "PATIENCE", 1)
    data = {"bin_dir": cluster.bin, "socket_dir": str(cluster.place), "data_dir": f"{cluster.place}/data"}
    remains = removal.Remains(data, "mattermost", "mattermost")
    monkeypatch.setattr(remains, "ours", lambda: ["mattermost"])
    with busy(cluster):
        remains.end_sessions()
        remains.cluster.psql("DROP DATABASE mattermost")
