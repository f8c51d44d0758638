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
        assert (done.returncode, "Database successfully migrated" in done.stdout) == (0, True), (
            "it says so although it did not"
        )
        assert site.sql("SELECT to_regclass('users') IS NULL") == "t"
        assert site.sql("SELECT to_regclass('db_migrations') IS NOT NULL AND to_regclass('db_lock') IS NOT NULL") == "t"
    else:
        assert done.returncode == 1
        assert "unknown flag" in done.stderr


def test_a_plan_is_saved_into_the_file_store(site, rules):
    if not rules.at_least(8, 0):
        pytest.skip("plans came with 8.0")
    assert site.mattermost("db", "migrate", "--save-plan").returncode == 1, "an empty database has no newest row"
    site.mattermost("db", "migrate")
    last = newest(site)
    assert site.mattermost("db", "downgrade", str(last)).returncode == 0
    before = newest(site)
    assert site.mattermost("db", "migrate", "--save-plan").returncode == 0
    plans = [name for name in site.files("data") if name.endswith(".json")]
    assert plans == [f"migration_plan_{before}_{last}.json"]


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


@pytest.fixture
def migrated(site, rules):
    """A site with a whole schema, its configuration, and how to take migrations back."""
    if not rules.at_least(11, 0):
        pytest.skip("asked of 11.0 and later")
    site.mattermost("db", "migrate")
    site.all = [int(line) for line in site.sql("SELECT version FROM db_migrations ORDER BY version").split()]
    return site


def down(site, *words, **environment):
    return site.mattermost("db", "downgrade", *words, **environment)


def applied(site):
    return [int(line) for line in site.sql("SELECT version FROM db_migrations ORDER BY version").split()]


def test_downgrade_takes_exactly_the_numbers_back_whatever_their_order(migrated):
    three = migrated.all[-3:]
    done = down(migrated, ",".join(map(str, three)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Database successfully downgraded"
    assert applied(migrated) == migrated.all[:-3]
    assert migrated.sql("SELECT count(*) FROM db_lock") == "0"


def test_numbers_that_are_not_applied_are_passed_over_with_success(migrated):
    done = down(migrated, f"99999,{migrated.all[-1]}")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Database successfully downgraded")
    assert "could not match give migration versions" in done.stderr
    assert applied(migrated) == migrated.all[:-1]
    assert down(migrated, "99999").returncode == 0
    assert applied(migrated) == migrated.all[:-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "accepts 1 arg(s), received 0"),
        (["1", "2"], "accepts 1 arg(s), received 2"),
        (["1, 2"], 'strconv.Atoi: parsing " 2": invalid syntax'),
        (["2,2"], "not all migrations have opposite migrations"),
        (["1-2"], "unable to read file 1-2"),
    ],
)
def test_a_list_that_is_none_is_refused(migrated, words, said):
    done = down(migrated, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert applied(migrated) == migrated.all


def test_a_dry_run_of_downgrade_says_the_same_and_does_nothing(migrated):
    done = down(migrated, str(migrated.all[-1]), "--dry-run")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Database successfully downgraded")
    assert applied(migrated) == migrated.all


def test_a_migration_that_the_program_lacks_stops_every_downgrade(migrated):
    migrated.sql("INSERT INTO db_migrations VALUES (99999, 'from_the_future')")
    done = down(migrated, str(migrated.all[-1]))
    assert done.returncode == 1
    assert "could not find down script for from_the_future" in done.stderr
    assert applied(migrated) == [*migrated.all, 99999]


def test_the_lock_of_a_dead_downgrade_is_waited_for(migrated):
    migrated.sql("INSERT INTO db_lock VALUES ('mm-lock-key', extract(epoch FROM now()) + 3)")
    assert down(migrated, str(migrated.all[-1])).returncode == 0
    assert int(migrated.sql("SELECT extract(epoch FROM now())::bigint")) > 0
    assert (applied(migrated), migrated.sql("SELECT count(*) FROM db_lock")) == (migrated.all[:-1], "0")


def test_with_local_mode_and_no_directory_for_its_socket_nothing_is_done(migrated):
    migrated.socket.parent.rmdir()
    done = down(migrated, str(migrated.all[-1]))
    assert done.returncode == 1
    assert "local_mode_socket" in done.stderr
    assert applied(migrated) == migrated.all
    assert down(migrated, str(migrated.all[-1]), MM_SERVICESETTINGS_ENABLELOCALMODE="false").returncode == 0
    assert applied(migrated) == migrated.all[:-1]


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
