"""The server's role holds up what works with its database: each operation ends in bounded time. With a real cluster."""

import contextlib
import subprocess
import time

import mattermost_database_cluster as host
import mattermost_remove_database as removal
import pytest

from tests.attack.test_database_role import ACCOUNTS, cluster, pytestmark, template
from tests.soak import in_check

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


def test_a_deploy_waits_for_a_lock_of_the_role_only_so_long(cluster, monkeypatch):  # noqa: F811
    """The statement is given up by PostgreSQL too: else it would be carried out long after the run has failed."""
    monkeypatch.setattr(host, "LOCK_PATIENCE", 1)
    with busy(cluster, "ALTER ROLE mattermost PASSWORD 'evil'; SELECT pg_sleep(600)"):
        with pytest.raises(host.DatabaseError, match="lock timeout"):
            host.Cluster(described(cluster)).psql("ALTER ROLE mattermost CONNECTION LIMIT 5")


def test_a_copy_that_the_role_holds_is_not_waited_for(cluster):  # noqa: F811
    """The copies are the role's too, and it holds them from within its own database."""
    cluster.sql("CREATE DATABASE mattermost_before_1 OWNER mattermost", database="postgres")
    with busy(cluster, "COMMENT ON DATABASE mattermost_before_1 IS 'mine'; SELECT pg_sleep(600)"):
        lines = "SUPER_LIMITS='-c lock_timeout=500'; super 'DROP DATABASE mattermost_before_1'"
        done = cluster.run("mattermost-kept", lines)
        assert done.returncode != 0
        assert "lock timeout" in done.stderr


def described(cluster):
    """What the settings say of a cluster."""
    place = str(cluster.place)
    return {"bin_dir": cluster.bin, "socket_dir": place, "data_dir": f"{place}/data", "service": "the-cluster"}


def test_a_query_that_looks_at_no_signal_stops_no_removal(cluster, monkeypatch):  # noqa: F811
    monkeypatch.setattr(host, "PATIENCE", 1)
    remains = removal.Remains(described(cluster), "mattermost", "mattermost")
    monkeypatch.setattr(remains, "ours", lambda: ["mattermost"])
    with busy(cluster):
        remains.end_sessions()
        remains.cluster.psql("DROP DATABASE mattermost")


@pytest.fixture
def unit(cluster, monkeypatch):  # noqa: F811
    """What the cluster's unit does: it stops PostgreSQL as Debian's does, for as long as that takes, and starts it."""
    stop = f"{cluster.bin}/pg_ctl stop -D {cluster.place}/data -m fast -t 3600"
    verbs = {"stop": stop, "restart": f"{stop}; sleep 3; {cluster.start_command()}"}
    at_work = []

    def systemctl(*words):
        command = ["runuser", "-u", "postgres", "--", "sh", "-c", verbs[words[-2]]]
        at_work.append(subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return True

    monkeypatch.setattr(host, "systemctl", systemctl)
    yield host.Cluster(described(cluster))
    if (cluster.place / "data/postmaster.pid").exists():
        cluster.ctl("stop", "-m", "immediate")
    for process in at_work:
        process.wait(timeout=30)


@pytest.mark.parametrize("verb", in_check(["restart", "stop"], "stop"))
def test_a_query_that_looks_at_no_signal_stops_no_restart(cluster, unit, verb, monkeypatch):  # noqa: F811
    """Of a deploy with other settings, of a removal; before, a restart failed after 90 s, and PostgreSQL stayed down."""
    monkeypatch.setattr(host, "PATIENCE", 1)
    monkeypatch.setattr(unit, "_has_job", lambda: True)
    run, stops = unit._as, []

    def counted(account, command, *more):
        stops.extend(word for word in command if word == "immediate")
        return run(account, command, *more)

    monkeypatch.setattr(unit, "_as", counted)
    with busy(cluster):
        assert unit.systemctl(verb, seconds=20)
    assert len(stops) == 1, "the next postmaster is not to be stopped too"
    if verb == "restart":
        assert cluster.sql("SELECT count(*) FROM posts").stdout == "2\n"
    else:
        assert not unit.pid_file()


def test_a_restart_that_nothing_holds_up_is_clean(cluster, unit, monkeypatch):  # noqa: F811
    monkeypatch.setattr(unit, "_has_job", lambda: True)
    with busy(cluster, "SELECT pg_sleep(600)"):
        assert unit.systemctl("restart", seconds=60)
    assert "not properly shut down" not in (cluster.place / "log").read_text()


@pytest.mark.exhaustive
def test_a_query_that_looks_at_no_signal_stops_no_upgrade_of_postgresql(cluster):  # noqa: F811
    """Nor its rollback: as those of a process that logs in again after all sessions were ended."""
    with busy(cluster):
        lines = f"systemctl() {{ :; }}; old_service=unit old_data={cluster.place}/data old_bin={cluster.bin} SESSION_PATIENCE=1; stop_unit() {{ :; }}; stop_cluster old"
        done = cluster.run("mattermost-postgresql", lines)
        assert done.returncode == 0, done.stderr
