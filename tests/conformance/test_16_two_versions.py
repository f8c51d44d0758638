"""Upgrade and undo between the two stand-ins, which have a real migration between them."""

import pytest

from tests.conformance import contract
from tests.conformance.conftest import ARCHIVES, PASSWORD, a_square, first_admin
from tests.conformance.release import Release
from tests.conformance.site import Site

pytestmark = pytest.mark.standin_only


@pytest.fixture(scope="module")
def newer(release):
    """The next newer archive beside the one that is asked."""
    candidates = sorted(
        (found.numbers, path) for path in ARCHIVES.glob("*.tar.gz") if (found := contract.of(path.name)) is not None
    )
    above = [path for numbers, path in candidates if numbers > release.contract.numbers]
    if not above:
        pytest.skip("no newer archive beside this one")
    found = Release(above[0])
    yield found
    found.remove()


@pytest.fixture
def old(site):
    """A site of the older version with one post; stopped."""
    server = site.up()
    admin = first_admin(server)
    site.square = a_square(admin)
    assert admin.post("posts", {"channel_id": site.square, "message": "before"}).status == 201
    server.stop()
    return site


def post(site, text):
    """Log in to the running server and post."""
    admin = site.started[-1].http.login("admin", PASSWORD)
    return admin.post("posts", {"channel_id": site.square, "message": text}).status


def schema(site):
    return int(site.sql("SELECT max(version) FROM db_migrations"))


def test_the_newer_one_migrates_and_keeps_the_data(old, newer):
    before = schema(old)
    old.root = newer.root
    old.up()
    assert schema(old) > before
    assert old.sql("SELECT message FROM posts") == "before"
    assert old.sql("SELECT type FROM posts") == "message"
    assert post(old, "after") == 201


def test_the_older_one_on_the_newer_schema_starts_and_cannot_post(old, newer):
    before = old.root
    old.root = newer.root
    old.up().stop()
    old.root = before
    old.up()
    assert post(old, "too late") >= 400
    assert old.sql("SELECT count(*) FROM posts") == "1"


def test_downgrading_with_the_newer_program_brings_the_old_schema_back(old, newer):
    before, tree = schema(old), old.root
    old.root = newer.root
    old.up().stop()
    numbers = old.sql(f"SELECT string_agg(version::text, ',') FROM db_migrations WHERE version > {before}")
    done = old.mattermost("db", "downgrade", numbers)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Database successfully downgraded")
    old.root = tree
    old.up()
    assert post(old, "again") == 201


def test_a_failed_migration_leaves_a_schema_that_only_a_copy_undoes(old, newer):
    copy, before, tree = f"{old.database}_copy", schema(old), old.root
    old.cluster.sql(f"CREATE DATABASE {copy} TEMPLATE {old.database} OWNER {old.database}")
    old.root = newer.root
    server = old.start(STANDIN_FAULT_FAIL_MIGRATION="1")
    assert server.wait_end() == 1
    assert schema(old) == before + 1, "the first of three is applied, the second one half"
    assert old.start().wait_end() == 1, "half a migration is in the way of a whole one"
    old.cluster.sql(f"DROP DATABASE {old.database}")
    old.cluster.sql(f"ALTER DATABASE {copy} RENAME TO {old.database}")
    old.root = tree
    old.up()
    assert post(old, "again") == 201


def test_the_database_of_the_older_one_survives_a_dump_and_a_restore(old, cluster):
    from tests.conformance import unprivileged

    dump = old.home / "dump"
    tool = [cluster.programs / "pg_dump", "-h", cluster.socket, "-p", cluster.port, "-U", "postgres", "-Fc", "-f", dump]
    assert unprivileged.run([*tool, old.database]).returncode == 0
    other = Site(old.release, cluster)
    try:
        words = ["-h", cluster.socket, "-p", cluster.port, "-U", "postgres", "--no-owner", "--no-privileges", "-1"]
        target = ["--role", other.database, "-d", other.database, dump]
        done = unprivileged.run([cluster.programs / "pg_restore", *words, *target])
        assert done.returncode == 0, done.stderr
        other.square = old.square
        other.up()
        assert post(other, "restored") == 201
    finally:
        other.remove()
