"""What is kept aside: listed, removed by hand, and removed by the program itself when the settings say so."""

import pytest

from tests.unit.hostprogram.host import ID, NEW, OLD

OLDER, OLDEST = "20200801000000", "20200101000000"


def before(host, identity, rows):
    host.keep("before", OLD, {"from": OLD, "to": NEW, "copied": "yes", "schema": OLD.replace(".", "")}, identity)
    host.set(**{f"rows/mattermost_before_{identity}": rows})


@pytest.fixture
def stocked(host):
    """A host with a server of the new version, two copies of before an upgrade and one thing of each other kind."""
    host.deployed().point_at(NEW)
    host.set(**{"rows/mattermost": "m1\nm2", "databases/mattermost_before_mine": "not ours"})
    before(host, ID, "m1")
    before(host, OLDER, "m1")
    host.keep("failed", NEW, identity=ID)
    host.keep("newer", NEW, {"from": "11.9.0", "to": NEW}, OLDEST)
    host.set(**{f"rows/mattermost_newer_{OLDEST}": "m1\nm7\nm8"})
    host.keep("replaced", NEW, identity=OLDEST)
    (host.folder / f"state/replaced-{OLDEST}/data").mkdir(parents=True)
    for version in ("11.5.0", "11.6.0", "11.9.0"):
        (host.folder / "install" / version).mkdir()
    host.setting("keep", 1)
    host.setting("keep_days", 30)
    return host


def test_it_is_listed_with_what_it_is(stocked):
    said = stocked.run("kept").stdout
    assert f"newer_{OLDEST}: " in said
    assert "MiB, of 11.9.0, replaced by a rollback to 11.8.100" in said
    assert f"before_{ID}: " in said
    assert f"{OLD}: " in said
    assert "mine" not in said
    assert f"{NEW}: " not in said, "the version that serves is not something kept"


def test_what_the_settings_no_longer_keep_goes_but_no_message_that_is_nowhere_else(stocked):
    tried = stocked.run("prune", "try").stdout
    assert f"would=before_{OLDER}" in tried
    assert len(stocked.kept) == 6, "a dry run removed something"
    done = stocked.run("prune")
    assert done.returncode == 0, done.stdout + done.stderr
    gone = {line.partition("=")[2] for line in done.stdout.splitlines() if line.startswith("removed=")}
    assert gone == {f"before_{OLDER}", f"replaced_{OLDEST}", "11.5.0", "11.6.0"}
    assert f"stays=newer_{OLDEST} holds 2 messages that exist nowhere else" in done.stdout
    assert stocked.kept == sorted(
        ["mattermost_before_mine", f"mattermost_before_{ID}", f"mattermost_failed_{ID}", f"mattermost_newer_{OLDEST}"]
    )
    assert not (stocked.folder / f"state/replaced-{OLDEST}").exists()
    assert not (stocked.folder / f"work/switch/before/{OLDER}").exists()
    assert (stocked.folder / "install" / OLD).exists(), "the version to go back to is gone"
    assert (stocked.folder / "install/11.9.0").exists(), "the version of what is kept is gone"
    assert "removed" not in stocked.run("prune").stdout


def test_what_a_restore_took_from_the_server_is_nowhere_else_although_it_was_looked_at_before(stocked):
    assert f"would=before_{OLDER}" in stocked.run("prune", "try").stdout
    stocked.set(**{"rows/mattermost": "m2"})
    assert f"stays=before_{OLDER} holds 1 messages that exist nowhere else" in stocked.run("prune").stdout
    assert f"mattermost_before_{OLDER}" in stocked.kept


def test_told_so_it_removes_messages_too(stocked):
    stocked.setting("keep_messages", "")
    assert f"removed=newer_{OLDEST}" in stocked.run("prune").stdout


def test_what_is_young_stays(stocked):
    stocked.setting("keep_days", 3650)
    stocked.setting("keep", 2)
    said = stocked.run("prune").stdout.split()
    assert said == ["removed=11.5.0"]


def test_it_is_forgotten_by_hand(stocked):
    refused = stocked.run("forget", f"newer_{OLDEST}")
    assert refused.returncode == 2
    assert "contains 2 messages that exist nowhere else" in refused.stderr
    assert stocked.run("forget", f"mattermost_newer_{OLDEST}", "anyway").returncode == 0
    assert f"mattermost_newer_{OLDEST}" not in stocked.kept
    assert not (stocked.folder / f"work/switch/newer/{OLDEST}").exists()
    assert stocked.run("forget", "11.6.0").returncode == 0
    assert not (stocked.folder / "install/11.6.0").exists()


@pytest.mark.parametrize("name", [NEW, "mattermost", "before_mine", "current", "../../etc", ""])
def test_what_is_not_kept_aside_is_not_forgotten(stocked, name):
    done = stocked.run("forget", name)
    assert done.returncode == 2
    assert "No copy and no old version has the name" in done.stderr
    assert len(stocked.kept) == 6


def test_nothing_goes_while_a_switch_is_open(stocked):
    stocked.journal.write_text(f"begin {ID} {OLD} {NEW}\n")
    assert stocked.run("prune").returncode == 5
    assert len(stocked.kept) == 6


def test_nothing_goes_while_an_upgrade_holds_the_lock(stocked):
    flock = stocked.folder / "bin/flock"
    flock.write_text("#!/bin/sh\nexit 1\n")  # as it answers after the minute that the program waits
    flock.chmod(0o755)
    done = stocked.run("forget", "11.6.0")
    assert done.returncode == 5, done.stdout + done.stderr
    assert "An upgrade, rollback or restart is running" in done.stderr
    assert (stocked.folder / "install/11.6.0").exists()


@pytest.mark.exhaustive
def test_a_failed_upgrade_never_makes_room_by_messages_that_are_nowhere_else(host):
    host.deployed().keep("failed", NEW)
    host.keep("failed", NEW, identity=OLDEST)
    host.set(**{"rows/mattermost": "m1", f"rows/mattermost_failed_{ID}": "m1\nm9"})
    host.fault(NEW, "wrong-version")
    assert host.run("to", NEW).returncode == 3
    assert f"mattermost_failed_{ID}" in host.kept
    assert f"mattermost_failed_{OLDEST}" not in host.kept
