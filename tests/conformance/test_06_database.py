"""Row 6: the database is real, and so are its refusals."""

import pytest

from tests.conformance import ports
from tests.conformance.site import Site, eventually


@pytest.fixture(scope="session")
def early(release, cluster):
    """A start without a database takes long to give up: begin it early, ask for it late."""
    site = Site(release, cluster)
    site.set(SqlSettings__DataSource=cluster.dsn(site.database, port=ports.free()))
    site.start()
    yield site
    site.remove()


@pytest.fixture(autouse=True)
def _begin(early):
    """Let the slow start run while the other tests of this file do."""


def log_of(server, message):
    return [line for line in server.log() if line["msg"] == message]


def assert_told(server, rules, before, since_11):
    """Assert that the end of the start is told: *before* 11.0 in a fatal line; *since_11* on standard error, and not always in the log."""
    if rules.at_least(11, 0):
        first = "Error: failed to initialize platform: cannot create store: "
        assert [line for line in server.error_text().splitlines() if line.startswith(first) and since_11 in line]
        assert [line for line in server.log() if line["level"] == "fatal"] == []
    else:
        assert before in [line for line in server.log() if line["level"] == "fatal"][-1]["msg"]


def test_an_empty_database_is_migrated(site):
    site.up()
    assert int(site.sql("SELECT max(version) FROM db_migrations")) > 0
    assert int(site.sql("SELECT count(*) FROM db_migrations WHERE name <> ''")) > 0
    assert site.sql("SELECT count(*) FROM db_lock") == "0"


def test_every_reserved_character_may_be_in_the_password(site):
    assert "%40" in site.settings()["SqlSettings.DataSource"]
    site.up()


def test_a_socket_and_the_users_own_name_log_in(site):
    from tests.conformance import unprivileged

    name = unprivileged.account().pw_name
    if site.cluster.sql(f"SELECT count(*) FROM pg_roles WHERE rolname = '{name}'") == "0":
        site.cluster.sql(f'CREATE ROLE "{name}" LOGIN')
    site.cluster.sql(f'ALTER DATABASE {site.database} OWNER TO "{name}"')
    source = (
        f"postgres:///{site.database}?host={site.cluster.socket}&port={site.cluster.port}&user={name}&sslmode=disable"
    )
    site.set(SqlSettings__DataSource=source)
    site.up()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("password", "password authentication failed for user"), ("database", 'database "nowhere" does not exist')],
)
def test_a_refused_login_is_logged_and_tried_again(site, rules, fault, reason):
    source = (
        site.cluster.dsn(site.database, password="wrong")
        if fault == "password"
        else site.cluster.dsn(site.database).replace(f"/{site.database}?", "/nowhere?")
    )
    site.set(SqlSettings__DataSource=source)
    server = site.start()
    lines = eventually("a failed ping", lambda: log_of(server, "Failed to ping DB"))
    assert lines[0]["level"] == "error"
    assert reason in lines[0]["error"]
    assert str(lines[0]["retrying in seconds"]) == str(rules.ping_pause)
    assert server.process.poll() is None
    assert server.messages() == []


def test_a_stop_while_it_waits_for_the_database_kills_at_once(site):
    site.set(SqlSettings__DataSource=site.cluster.dsn(site.database, port=ports.free()))
    server = site.start()
    eventually("a failed ping", lambda: log_of(server, "Failed to ping DB"))
    server.process.terminate()
    assert server.wait_end() == -15


def test_a_role_without_rights_is_refused_at_once(site, rules):
    site.cluster.sql(f"ALTER DATABASE {site.database} OWNER TO postgres")
    server = site.start()
    assert server.wait_end() == 1
    assert_told(server, rules, "Failed to apply database migrations.", "failed to apply database migrations")
    assert "permission denied for schema public" in server.log_text() + server.error_text()
    assert server.messages() == []


def test_an_old_postgresql_is_refused(site, rules):
    if site.cluster.major >= rules.postgres_minimum:
        pytest.skip(f"PostgreSQL {site.cluster.major} is new enough for this version")
    server = site.start()
    assert server.wait_end() == 1
    assert_told(server, rules, "Error while checking DB version", "error while checking DB version")


def test_a_newer_schema_is_accepted_silently(site):
    site.up().stop()
    site.sql("INSERT INTO db_migrations VALUES (9999, 'from_the_future')")
    site.up()
    assert site.mattermost("db", "migrate").returncode == 0


def test_a_lock_that_was_left_behind_expires(site, rules):
    site.up().stop()
    newest = site.sql("SELECT max(version) FROM db_migrations")
    site.sql("DELETE FROM db_migrations")
    site.cluster.sql(f"DROP DATABASE {site.database}")
    site.cluster.sql(f"CREATE DATABASE {site.database} OWNER {site.database} TEMPLATE template0")
    site.sql(
        f"SET ROLE {site.database}; CREATE TABLE db_lock (id varchar(64) PRIMARY KEY, expireat bigint);"
        f"INSERT INTO db_lock VALUES ('mm-lock-key', (extract(epoch FROM now()) + 3) * {1 if rules.at_least(11, 0) else 1000})"
    )
    server = site.start()
    eventually("waiting for the lock", lambda: site.sql("SELECT to_regclass('db_migrations') IS NOT NULL") == "t")
    assert (server.process.poll(), server.messages()) == (None, [])
    server.wait_ready()
    assert site.sql("SELECT max(version) FROM db_migrations") == newest


def test_it_gives_up_after_its_pings(early, rules):
    server = early.started[0]
    assert server.wait_end(rules.database_pings * (rules.ping_pause + 2) + 30) == 1
    failed = log_of(server, "Failed to ping DB")
    assert len(failed) >= rules.database_pings - 1
    assert "connection refused" in failed[0]["error"]
    assert_told(server, rules, "Failed to ping DB, server will exit.", "connection refused")
    assert server.messages() == []
