"""Going back to the version before the last upgrade, to its database of then: said first, then done whole or not at all."""

import pytest

from tests.soak import in_check
from tests.unit.hostprogram.host import NEW, OLD

FORWARD = ["begin", "stopped", "swapping", "swapped", "switched", "started"]
UNDO = ["undo", "database-back", "config-back", "version-back"]


def fields(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def assert_back(host):
    assert host.current == OLD
    assert host.databases["mattermost"] == OLD
    assert host.get("active") == "active"
    assert host.get("state/config/config.json") == "{old}"
    assert host.get("settings/environment") == "A=old\nMM_SQLSETTINGS_DATASOURCE=rotated", "the login must stay today's"
    assert not host.journal.exists()
    (kept,) = host.kept
    assert kept.startswith("mattermost_newer_")
    assert host.databases[kept] == NEW
    assert host.get(f"rows/{kept}") == "m1\nm2\nm3"
    folder = host.folder / "work/switch/newer" / kept.rpartition("_")[2]
    assert (folder / "config.json").read_text() == "{new}"
    assert (folder / "environment").read_text().startswith("A=new\n")


def assert_still_new(host):
    host.assert_new()
    assert host.get("state/config/config.json") == "{new}"
    assert host.get("settings/environment") == "A=new\nMM_SQLSETTINGS_DATASOURCE=rotated"
    assert host.get("rows/mattermost") == "m1\nm2\nm3"
    (kept,) = host.kept
    assert kept.startswith("mattermost_before_")
    assert host.databases[kept] == OLD


def test_it_only_says_what_would_be_lost(host):
    pid = host.upgraded().get("pid")
    done = host.run("back", "copy")
    assert done.returncode == 0, done.stdout + done.stderr
    said = fields(done.stdout)
    assert (said["result"], said["from"], said["to"], said["posts"]) == ("asked", NEW, OLD, "2")
    assert "2 messages, 0 users" in said["reason"]
    assert said["advice"].endswith("To go back, run on this host: mattermost-switch back overwrite copy")
    assert "config.json was changed" in said["config"]
    assert host.get("pid") == pid, "the server was touched"
    assert_still_new(host)


def test_each_shell_goes_back_and_keeps_the_rest_aside(host_of_each_shell):
    host = host_of_each_shell.upgraded(really=True)
    done = host.run("back", "overwrite", "copy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_back(host)
    said = host.report()
    assert (said["kind"], said["posts"]) == ("back", "2")
    assert f"Set mattermost:release:version to {OLD}" in said["advice"]
    again = host.run("back")
    assert again.returncode == 2
    assert "There is nothing to go back to" in again.stdout


@pytest.mark.parametrize("fault", in_check(["does-not-start", "unhealthy", "wrong-version"], "unhealthy"))
def test_an_older_version_that_does_not_come_up_is_undone(host, fault):
    host.upgraded().fault(OLD, fault)
    done = host.run("back", "overwrite", "copy")
    assert done.returncode == 3, done.stdout + done.stderr
    assert_still_new(host)
    assert (
        "To try again, correct the cause, then run on the controller: salt-run state.orchestrate mattermost.rollback"
        in host.report()["advice"]
    )
    host.fault(OLD, "")
    assert host.run("back", "overwrite", "copy").returncode == 0
    assert_back(host)


@pytest.mark.parametrize("record", in_check(FORWARD, "swapped"))
def test_killed_after_a_record_it_stays_with_the_newer_version(host, record):
    host.upgraded().set(kill_after=record)
    assert host.run("back", "overwrite", "copy").returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    assert_still_new(host)


@pytest.mark.exhaustive
@pytest.mark.parametrize("record", in_check(["serving", "healthy"], "serving"))
def test_killed_once_people_post_to_the_older_version_it_ends_there(host, record):
    host.upgraded().set(kill_after=record)
    assert host.run("back", "overwrite", "copy").returncode == 0
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    assert_back(host)


@pytest.mark.exhaustive
@pytest.mark.parametrize("record", in_check(UNDO, "database-back"))
def test_killed_in_the_undo_it_ends_the_undo(host, record):
    host.upgraded().fault(OLD, "wrong-version")
    host.set(kill_after=record)
    assert host.run("back", "overwrite", "copy").returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    assert_still_new(host)


@pytest.mark.exhaustive
def test_messages_posted_to_an_older_version_that_fails_then_are_named(host):
    host.upgraded().fault(OLD, "wrong-version")
    host.set(posts="3")
    assert host.run("back", "overwrite", "copy").returncode == 3
    (kept,) = host.kept
    assert (
        f"3 messages were posted to {OLD} before it failed. They are now only in the database {kept}"
        in host.report()["reason"]
    )


COPIED = [("always", "No migrations to apply."), ("migrations", "Dry run: 1"), ("migrations", "Error: No migrations")]
DRY_RUN = '#!/bin/sh\n[ "$MM_A $*" = "lent db migrate --dry-run" ] && echo "{}"\n'


def about_to_upgrade(host, sleeper, says):
    """Have a running server to lend its environment, and a new one that says *says* of its migrations."""
    host.deployed().set(pid=str(sleeper.pid), no_migrations="")
    (host.folder / "install" / NEW / "bin/mattermost").write_text(DRY_RUN.format(says))


@pytest.mark.parametrize(
    ("setting", "says"),
    in_check(COPIED, COPIED[1]),
)
def test_without_the_setting_and_the_new_versions_word_the_copy_is_made(host, sleeper, setting, says):
    about_to_upgrade(host, sleeper, says)
    host.setting("copy", setting)
    assert host.run("to", NEW).returncode == 0
    assert len(host.kept) == 1


@pytest.mark.exhaustive
def test_an_upgrade_without_a_copy_that_fails_is_undone_and_keeps_every_message(host, sleeper):
    about_to_upgrade(host, sleeper, "No migrations to apply.")
    host.setting("copy", "migrations")
    host.fault(NEW, "wrong-version")
    host.set(posts="3")
    assert host.run("to", NEW).returncode == 3
    host.assert_old()
    assert host.kept == []
    assert "3 messages" not in host.report()["reason"]


def test_where_the_new_version_has_no_migration_only_version_and_configuration_go_back(host, sleeper):
    about_to_upgrade(host, sleeper, "No migrations to apply.")
    host.setting("copy", "migrations")
    assert host.run("to", NEW).returncode == 0
    assert host.kept == [], "a copy was made although it is not needed"
    host.set(**{"rows/mattermost": "m1\nm2", "state/config/config.json": "{changed}"})
    said = fields(host.run("back").stdout)
    assert (said["copied"], said["posts"], said["way"], said["asks"]) == ("no", "0", "down", "no")
    done = host.run("back", "go")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (host.current, host.kept) == (OLD, [])
    assert host.get("rows/mattermost") == "m1\nm2", "messages went although the database fits"
    assert host.get("state/config/config.json") == "{changed}", "what was set since went"
    assert not (host.folder / "took_back").exists()


@pytest.mark.parametrize(
    ("says", "breaks"),
    [
        (
            "There is nothing to go back to",
            lambda host: (host.folder / "work/switch/before").rename(host.folder / "gone"),
        ),
        (
            "no longer exists. To return to older data, restore a backup.",
            lambda host: (host.folder / "install" / OLD / "bin/mattermost").unlink(),
        ),
        ("PostgreSQL does not answer", lambda host: host.set(postgresql_is_down="")),
    ],
)
def test_nothing_to_go_back_to_is_a_refusal(host, says, breaks):
    host.upgraded().setting("database_timeout", 0)
    breaks(host)
    pid = host.get("pid")
    for command in (["back"], ["back", "go"], ["back", "overwrite"], ["back", "overwrite", "copy"]):
        done = host.run(*command)
        assert done.returncode == 2, done.stdout + done.stderr
        assert says in done.stdout
    assert host.get("pid") == pid, "the server was touched"
    assert host.current == NEW


def test_another_word_is_refused(host):
    assert host.upgraded().run("back", "now").returncode == 2


WITHOUT_IT = [
    ("is missing", lambda host: (host.folder / "databases" / host.kept[0]).unlink()),
    ("is not known whether", lambda host: host.set(**{f"databases/{host.kept[0]}": "other"})),
]


@pytest.mark.parametrize(("says", "breaks"), in_check(WITHOUT_IT, WITHOUT_IT[0]))
def test_without_the_copy_of_then_that_way_is_refused_and_the_other_one_works(host, says, breaks):
    breaks(host.upgraded())
    for command in (["back", "copy"], ["back", "overwrite", "copy"]):
        done = host.run(*command)
        assert done.returncode == 2, done.stdout + done.stderr
        assert says in done.stdout
    assert host.current == NEW
    assert host.run("back", "go").returncode == 0
    assert host.current == OLD
