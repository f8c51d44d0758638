"""Going back without losing a message: the newer version takes its migrations back, on a copy's safety."""

import subprocess

import pytest

from tests.soak import in_check
from tests.unit.hostprogram.host import NEW, OLD
from tests.unit.hostprogram.test_back import UNDO, fields

FORWARD = ["begin", "stopped", "copying", "copied", "downgrading", "downgraded", "switched", "started"]
MESSAGES = "m1\nm2\nm3"


def kept(host, kind):
    """The names of the databases of this kind."""
    return [name for name in host.kept if f"_{kind}_" in name]


def assert_back(host):
    assert host.current == OLD
    assert host.databases["mattermost"] == OLD
    assert host.get("rows/mattermost") == MESSAGES, "messages were lost"
    assert host.get("state/config/config.json") == "{new}", "what was set since is lost"
    assert host.get("settings/environment").startswith("A=new\n")
    assert host.get("active") == "active"
    assert not host.journal.exists()
    assert [host.databases[name] for name in kept(host, "newer")] == [NEW]
    assert [host.databases[name] for name in kept(host, "before")] == [OLD]


def assert_still_new(host):
    host.assert_new()
    assert host.get("rows/mattermost") == MESSAGES
    assert host.get("state/config/config.json") == "{new}"
    assert host.get("settings/environment").startswith("A=new\n")
    assert kept(host, "newer") == []


def test_it_says_first_that_nothing_is_lost_and_asks_nothing(host):
    pid = host.upgraded().get("pid")
    done = host.run("back")
    assert done.returncode == 0, done.stdout + done.stderr
    said = fields(done.stdout)
    assert (said["way"], said["asks"], said["posts"]) == ("down", "no", "0")
    assert "keeps the messages" in said["reason"]
    assert "migrations 4,3" in said["reason"]
    assert host.get("pid") == pid, "the server was touched"
    assert_still_new(host)


def test_each_shell_goes_back_and_keeps_every_message(host_of_each_shell):
    host = host_of_each_shell.upgraded(really=True)
    host.takes_back()
    done = host.run("back", "go")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_back(host)
    assert host.get("took_back") == "db downgrade 4,3"
    assert "What was written since the upgrade stays" in host.report()["reason"]
    assert "exist only in that database" not in host.report()["reason"]


def test_it_is_run_with_the_servers_settings_and_without_the_local_socket(host):
    host.upgraded().set(**{"settings/environment": 'A=new\nMM_X_Y="a \\"b\\" \\$c"\nMM_SQLSETTINGS_DATASOURCE=rotated'})
    assert host.run("back", "go").returncode == 0
    environment = dict(line.split("=", 1) for line in host.get("down_environment").splitlines() if "=" in line)
    assert environment["MM_X_Y"] == 'a "b" $c'
    assert environment["MM_SQLSETTINGS_DATASOURCE"] == "rotated"
    assert environment["MM_CONFIG"] == str(host.folder / "state/config/config.json")
    assert environment["MM_SERVICESETTINGS_ENABLELOCALMODE"] == "false"


@pytest.mark.parametrize(
    ("older", "people", "way"), [("10.11.7", "2", "copy"), ("10.11.7", "0", "down"), (OLD, "2", "down")], ids=str
)
def test_passwords_that_the_older_version_cannot_read_leave_only_the_copy(host, older, people, way):
    """11.0 hashes them in another way: who logged in there could not log in to 10.x."""
    host.upgraded().set(passwords=people)
    (facts,) = host.folder.glob("work/switch/before/*/facts")
    facts.write_text(facts.read_text().replace(f"from={OLD}", f"from={older}"))
    (host.folder / f"install/{OLD}").rename(host.folder / f"install/{older}")
    said = fields(host.run("back").stdout)
    assert said["way"] == way
    assert ("2 people have a password that 10.11.7 cannot read" in said["reason"]) == (way == "copy")
    if way == "copy":
        assert said["asks"] == "yes"
        assert host.run("back", "go").returncode == 2
        assert host.run("back", "overwrite", "down").returncode == 2
    assert_still_new(host)


def test_rows_that_would_be_dropped_are_said_and_need_the_owners_word(host):
    host.upgraded().set(**{"dropped/recaps": "3", "dropped/users": "1"})
    said = fields(host.run("back").stdout)
    assert (said["way"], said["asks"]) == ("down", "yes")
    assert (
        "deletes data that only the newer version can hold: 3 rows of recaps, 1 value of users.mood" in said["reason"]
    )
    pid = host.get("pid")
    refused = host.run("back", "go")
    assert refused.returncode == 2, refused.stdout
    assert "The rollback would lose data" in refused.stdout
    assert host.get("pid") == pid, "the server was touched"
    assert host.run("back", "overwrite").returncode == 0
    assert_back(host)


@pytest.mark.exhaustive
def test_a_way_that_is_not_the_one_that_was_agreed_to_is_refused(host):
    host.upgraded().set(**{"dropped/recaps": "3"})
    assert fields(host.run("back").stdout)["agree"] == "overwrite down"
    host.set(free_kib="1")
    pid = host.get("pid")
    done = host.run("back", "overwrite", "down")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "The confirmed rollback is no longer possible:" in done.stdout
    assert "MiB are free" in done.stdout
    assert host.get("pid") == pid, "the server was touched"
    assert_still_new(host)
    host.set(free_kib="1000000000")
    assert host.run("back", "overwrite", "down").returncode == 0
    assert_back(host)


@pytest.mark.parametrize(
    ("says", "breaks"),
    [
        ("MiB are free", lambda host: host.set(free_kib="1")),
        (
            "does not have the same migrations as just after the upgrade",
            lambda host: host.set(**{"databases/mattermost": "other"}),
        ),
    ],
)
def test_where_they_cannot_be_taken_back_the_copy_is_offered_with_the_reason(host, says, breaks):
    breaks(host.upgraded())
    said = fields(host.run("back").stdout)
    assert (said["way"], said["asks"]) == ("copy", "yes")
    assert says in said["reason"]
    assert "2 messages, 0 users" in said["reason"]
    assert host.run("back", "go").returncode == 2
    assert host.current == NEW


NOT_TAKEN_BACK = [
    ("echo 'Error: failed to downgrade migrations: could not find down script for x' >&2; exit 1", "could not find down script for x"),
    ("true", "The command reported success, but the schema of the database did not change"),
    ("echo other >databases/mattermost", "The command reported success, but the schema of the database did not change"),
    ("sleep 30", "The command did not end within 1 s."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "says"),
    in_check(NOT_TAKEN_BACK, NOT_TAKEN_BACK[0]),
    ids=["no-down-file", "does-nothing", "goes-half-way", "hangs"],
)
def test_migrations_that_are_not_taken_back_are_undone_by_the_copy(host, script, says):
    host.upgraded().setting("back_timeout", 1)
    host.takes_back(script)
    done = host.run("back", "go")
    assert done.returncode == 3, done.stdout + done.stderr
    assert says in host.report()["reason"]
    assert '"way": "copy"' in host.report()["advice"]
    assert_still_new(host)
    assert host.run("back", "overwrite", "copy").returncode == 0
    assert (host.current, host.get("rows/mattermost")) == (OLD, "m1")


@pytest.mark.exhaustive
def test_a_copy_that_fails_is_undone(host):
    host.upgraded().set(copy_fails="")
    assert host.run("back", "go").returncode == 3
    assert_still_new(host)
    assert not (host.folder / "took_back").exists()


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", in_check(["does-not-start", "unhealthy", "wrong-version"], "unhealthy"))
def test_an_older_version_that_does_not_come_up_is_undone(host, fault):
    host.upgraded().fault(OLD, fault)
    assert host.run("back", "go").returncode == 3
    assert_still_new(host)
    host.fault(OLD, "")
    assert host.run("back", "go").returncode == 0
    assert_back(host)


@pytest.mark.parametrize("record", in_check(FORWARD, "downgraded"))
def test_killed_after_a_record_it_stays_with_the_newer_version(host, record):
    host.upgraded().set(kill_after=record)
    assert host.run("back", "go").returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    assert_still_new(host)


@pytest.mark.exhaustive
@pytest.mark.parametrize("record", in_check(["serving", "healthy"], "serving"))
def test_killed_once_people_post_to_the_older_version_it_ends_there(host, record):
    host.upgraded().set(kill_after=record)
    assert host.run("back", "go").returncode == 0
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    assert_back(host)


@pytest.mark.exhaustive
@pytest.mark.parametrize("record", in_check(UNDO, "database-back"))
def test_killed_in_the_undo_it_ends_the_undo(host, record):
    host.upgraded().fault(OLD, "wrong-version")
    host.set(kill_after=record)
    assert host.run("back", "go").returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    assert_still_new(host)


@pytest.mark.exhaustive
def test_the_lock_of_a_dead_migration_is_removed(host):
    host.upgraded().set(db_lock="mm-lock-key")
    assert host.run("back", "go").returncode == 0
    assert not (host.folder / "db_lock").exists()
    assert_back(host)


@pytest.mark.exhaustive
def test_a_host_that_an_older_program_upgraded_goes_back_the_same_way(host):
    host.upgraded()
    folder = next((host.folder / "work/switch/before").iterdir())
    (folder / "added").unlink()
    facts = [line for line in (folder / "facts").read_text().splitlines() if not line.startswith("applied=")]
    (folder / "facts").write_text("\n".join(facts) + "\n")
    host.set(**{"dropped/recaps": "2"})
    assert "2 rows of recaps" in host.run("back").stdout
    assert host.run("back", "overwrite").returncode == 0
    assert_back(host)
    assert host.get("took_back") == "db downgrade 4,3"


def test_columns_that_cannot_be_read_are_not_taken_for_columns_that_are_not_there(host):
    host.upgraded().set(columns_are_locked="", **{"dropped/recaps": "2"})
    (added,) = (host.folder / "work/switch/before").glob("*/added")
    added.unlink()
    said = fields(host.run("back").stdout)
    assert (said["way"], "may delete data, and this data cannot be counted" in said["reason"]) == ("copy", True)
    assert host.run("back", "go").returncode == 2
    assert_still_new(host)


@pytest.mark.exhaustive
def test_an_upgrade_notes_no_columns_that_it_could_not_read(host):
    host.set(columns_are_locked="")
    host.upgraded(really=True)
    assert list((host.folder / "work/switch/before").glob("*/added")) == []
    (host.folder / "columns_are_locked").unlink()
    host.set(**{"dropped/recaps": "2"})
    assert "2 rows of recaps" in host.run("back").stdout


@pytest.mark.exhaustive
def test_what_an_older_program_was_asked_for_is_the_copy(host):
    host.upgraded().set(**{"run/request": "20200101000000 back -"})
    subprocess.run([*host.command, "work"], env=host.environment, check=False, timeout=60)
    assert (host.current, host.get("rows/mattermost")) == (OLD, "m1")
