"""A backup and an upgrade know of each other: the one waits or refuses while the other is at work."""

import fcntl
import subprocess
import time

import pytest

from tests import programs
from tests.unit.hostprogram.host import NEW


@pytest.fixture
def lock(host):
    """The lock that backups and restores hold, open."""
    (host.folder / "work/backup").mkdir()
    with (host.folder / "work/backup/lock").open("w") as file:
        yield file


def test_an_upgrade_waits_for_a_backup_then_refuses(host, lock):
    host.environment["MATTERMOST_PATIENCE"] = "1"
    host.deployed()
    fcntl.flock(lock, fcntl.LOCK_EX)
    started = time.monotonic()
    done = host.run("to", NEW)
    assert (done.returncode, time.monotonic() - started > 0.9) == (2, True), done.stdout + done.stderr
    assert "A backup, a drill, a restore or a PostgreSQL upgrade is running." in done.stdout
    host.assert_old()
    fcntl.flock(lock, fcntl.LOCK_UN)
    assert host.run("to", NEW).returncode == 0
    host.assert_new()


def test_going_back_refuses_as_well(host, lock):
    host.environment["MATTERMOST_PATIENCE"] = "0"
    host.upgraded()
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert host.run("back", "overwrite").returncode == 2
    assert host.current == NEW


def test_a_restart_is_not_held_up_for_a_restore_asks_for_it(host, lock):
    host.deployed()
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert host.run("restart").returncode == 0


@pytest.mark.exhaustive
def test_no_backup_begins_in_the_middle_of_an_upgrade(host, lock):
    host.deployed().fault(NEW, "does-not-start")
    program = subprocess.Popen([*host.command, "to", NEW], env=host.environment, stdout=subprocess.DEVNULL)
    seen = False
    while program.poll() is None:
        if host.journal.exists() and not seen:
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            seen = True
        time.sleep(0.05)
    assert seen
    host.assert_old()
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.fixture
def backup(host):
    values = {
        name: "x" for name in ("name", "settings", "service", "user", "database", "role", "repository", "platform")
    }
    values |= {"bin_dir": host.folder / "bin", "socket_dir": "/run", "database_port": 1, "state": host.folder / "state"}
    values |= {"work": host.folder / "work", "install": host.folder / "empty"}
    values |= {"keep_daily": 1, "keep_weekly": 1, "keep_monthly": 1, "compression": 0}
    (host.folder / "backup.conf").write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    host.environment["MATTERMOST_BACKUP_SETTINGS"] = str(host.folder / "backup.conf")
    program = programs.installed("mattermost-backup", host.folder)
    return lambda patience: subprocess.run(
        ["sh", program, "work"],
        env={**host.environment, "MATTERMOST_PATIENCE": patience},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_a_backup_waits_for_what_has_the_lock_then_refuses(backup, lock):
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert "was still running after 1 s" in backup("1").stderr
    holder = subprocess.Popen(["flock", lock.name, "sleep", "2"])
    fcntl.flock(lock, fcntl.LOCK_UN)
    assert "No Mattermost is installed" in backup("20").stderr
    holder.wait()


@pytest.mark.parametrize("name", ["switch", "postgresql"])
def test_a_backup_waits_for_the_end_of_what_was_interrupted(host, backup, lock, name):
    journal = host.folder / f"work/{name}/journal"
    journal.parent.mkdir()
    journal.write_text("begin 1 a b\n")
    assert "was interrupted and has not ended yet" in backup("1").stderr
    ending = subprocess.Popen(["sh", "-c", f"sleep 1; rm {journal}"])
    assert "No Mattermost is installed" in backup("20").stderr
    ending.wait()


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("work/postgresql/journal", "An upgrade of PostgreSQL"),
        ("settings/secrets/rotation/begun", "database password"),
    ],
)
def test_an_upgrade_refuses_after_what_was_interrupted_and_holds_no_lock(host, mark, says):
    host.deployed()
    (host.folder / mark).parent.mkdir(parents=True)
    (host.folder / mark).touch()
    done = host.run("to", NEW)
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stdout
    host.assert_old()


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("switch/journal", "An upgrade or rollback"),
        ("postgresql/journal", "An upgrade of PostgreSQL"),
        ("backup/open", "A restore"),
        ("secrets/rotation/begun", "A change of the database password"),
        ("backup/lock", ""),
    ],
)
def test_a_move_knows_what_is_at_work_on_either_host(tmp_path, mark, says):
    path = tmp_path / mark
    path.parent.mkdir(parents=True)
    with path.open("w") as file:
        library = programs.sent("move") + f"\nwork={tmp_path} settings={tmp_path}\nbusy\n"
        assert subprocess.run(["sh", "-c", library], capture_output=True, text=True, timeout=20).stdout.strip() == says
        if mark == "backup/lock":
            fcntl.flock(file, fcntl.LOCK_EX)
            found = subprocess.run(["sh", "-c", library], capture_output=True, text=True, timeout=20)
            assert found.stdout.strip() == "A backup, drill or restore"
