"""Row 11: ``mattermost db``."""

import re

import pytest

from tests.conformance.site import eventually


def newest(site):
    return int(site.sql("SELECT max(version) FROM db_migrations"))


def test_version_migrates_and_prints_a_number(site):
    done = site.mattermost("db", "version")
    assert done.returncode == 0, done.stderr
    number = re.search(r"Current database schema version is: (\d+)", done.stdout)
    assert int(number.group(1)) == newest(site) > 0


def test_version_all_lists_the_newest_first(site):
    done = site.mattermost("db", "version", "--all")
    found = [int(number) for number in re.findall(r"Varsion: (\d+), Name: ", done.stdout)]
    assert found == sorted(found, reverse=True)
    assert found[0] == newest(site)


def test_migrate_prints_its_result_on_stdout_and_its_log_elsewhere(site):
    done = site.mattermost("db", "migrate")
    assert done.returncode == 0
    assert "Database successfully migrated" in done.stdout
    assert '"level"' not in done.stdout
    assert newest(site) > 0


def test_migrate_with_nothing_to_do(site, rules):
    site.mattermost("db", "migrate")
    done = site.mattermost("db", "migrate")
    assert done.returncode == 0
    if rules.at_least(9, 8):
        assert "No migrations to apply." in done.stdout


def test_migrate_without_rights(site, rules):
    site.cluster.sql(f"ALTER DATABASE {site.database} OWNER TO postgres")
    done = site.mattermost("db", "migrate")
    assert "permission denied for schema public" in done.stderr
    if rules.at_least(9, 8):
        assert done.returncode == 1
    elif not rules.at_least(8, 0):
        assert (done.returncode, "Database successfully migrated" in done.stdout) == (0, True)


def test_a_dry_run_changes_nothing(site, rules):
    done = site.mattermost("db", "migrate", "--dry-run")
    if rules.at_least(8, 0):
        assert done.returncode == 0
        assert site.sql("SELECT to_regclass('users') IS NULL") == "t"
    else:
        assert done.returncode == 1
        assert "unknown flag" in done.stderr


def test_a_plan_is_saved_into_the_file_store(site, rules):
    if not rules.at_least(8, 0):
        pytest.skip("plans came with 8.0")
    assert site.mattermost("db", "migrate", "--save-plan").returncode == 0
    assert any(name.endswith(".json") for name in site.files("data"))


def test_an_unknown_flag_fails_with_usage(site):
    done = site.mattermost("db", "version", "--nonsense")
    assert done.returncode == 1
    assert "unknown flag: --nonsense" in done.stderr


def test_an_unknown_subcommand_prints_help_and_succeeds(site):
    done = site.mattermost("db", "nonsense")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert site.sql("SELECT to_regclass('db_migrations') IS NULL") == "t"


def test_downgrade_exists_from_8_0(site, rules):
    done = site.mattermost("db", "downgrade", "--help")
    assert done.returncode == 0
    site.mattermost("db", "migrate")
    before = newest(site)
    done = site.mattermost("db", "downgrade", str(before))
    if not rules.at_least(8, 0):
        assert (done.returncode, newest(site)) == (0, before)
    elif done.returncode == 0:
        assert "Database successfully downgraded" in done.stdout
        assert newest(site) < before


def test_reset_empties_the_tables_and_keeps_the_schema(site):
    server = site.up()
    server.local.post("users", {"email": "a@example.test", "username": "first", "password": "Sesame-open-1"})
    eventually("the user", lambda: site.sql("SELECT count(*) FROM users") == "1")
    server.stop()
    before = newest(site)
    done = site.mattermost("db", "reset", "--confirm")
    assert done.returncode == 0
    assert site.sql("SELECT count(*) FROM users") == "0"
    assert newest(site) == before


def test_reset_without_confirmation_does_nothing(site):
    site.mattermost("db", "migrate")
    site.sql("INSERT INTO systems VALUES ('mine', 'kept')")
    assert site.mattermost("db", "reset").returncode == 1
    assert site.sql("SELECT value FROM systems WHERE name = 'mine'") == "kept"
