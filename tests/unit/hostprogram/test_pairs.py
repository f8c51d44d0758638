"""Two operations on one host, by the real programs: one is held in its longest step, the other begins. Who waits, who refuses, who goes on.

The table in docs/together.md says it for people. Every program of the second kind has the first one's folders for its own.
"""

import os
import signal
import subprocess
import time
from contextlib import contextmanager

import mattermost_remove_files
import pytest

from tests import programs
from tests.unit import test_new_backup_password as repository
from tests.unit.hostprogram import test_new_database_password as rotation
from tests.unit.hostprogram import test_postgresql as postgresql
from tests.unit.hostprogram import test_restore as restore
from tests.unit.hostprogram.conftest import SHELLS
from tests.unit.hostprogram.host import NEW, Host

pytestmark = pytest.mark.soak("pairs")
keeper = postgresql.keeper  # the fixture
# holds the program before the step that WHEN, a line of sh, finds
HOLDS = """#!/bin/sh
name=${0##*/}
PATH=${PATH#"$HOLD:"}
if %s; then : >"$HOLD/held"; while :; do sleep 0.1; done; fi
exec "$name" "$@"
"""


@contextmanager
def held(folder, when, command, environment):
    """Run *command* until it comes to the step, hold it there, and end it."""
    hold = folder / "hold"
    hold.mkdir()
    for name in ("mv", "restic", "runuser", "mattermost-switch"):
        (hold / name).write_text(HOLDS % when)
        (hold / name).chmod(0o755)
    path = {"PATH": f"{hold}:{environment['PATH']}", "HOLD": str(hold)}
    with subprocess.Popen(
        command,
        env={**environment, **path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as program:
        try:
            deadline = time.monotonic() + 60
            while not (hold / "held").exists():
                assert program.poll() is None, "it ended before that step"
                assert time.monotonic() < deadline, "it never came to that step"
                time.sleep(0.05)
            yield
            assert program.poll() is None, "it was not left alone"
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def recorded(record):
    return f'[ "$name" = mv ] && grep -q "^{record}" "$2" 2>/dev/null && [ "${{3##*/}}" = journal ]'


# -- the first: each returns where its state is, (work, settings), while it is held


@contextmanager
def upgrade(folder, keeper):
    host = Host(folder, SHELLS[0]).deployed()
    host.set(**{"run/request": f"20260101000000 to {NEW}"})
    with held(folder, recorded("copied"), [*host.command, "work"], host.environment):
        yield folder / "work", folder / "settings"


@contextmanager
def rollback(folder, keeper):
    host = Host(folder, SHELLS[0]).upgraded()
    host.set(**{"run/request": "20260101000000 back copy"})
    with held(folder, recorded("swapped"), [*host.command, "work"], host.environment):
        yield folder / "work", folder / "settings"


@contextmanager
def restoring(folder, what, when):
    with held(folder, when, *restore.program(restore.made(folder), what)):
        yield folder / "deploy", folder / "settings"


FETCHES = '[ "$name $1 $3" = "restic dump /" ]'


def drill(folder, keeper):
    return restoring(folder, "drill", FETCHES)


def fetching(folder, keeper):
    return restoring(folder, "latest:overwrite", FETCHES)


def exchanging(folder, keeper):
    return restoring(folder, "latest:overwrite", '[ "$name" = mattermost-switch ]')


def backing_up(folder):
    """Return the command of a backup on a host of its own, and its environment."""
    host = restore.made(folder)
    with (host / "settings/backup.conf").open("a") as file:
        file.write("".join(f"{key}={value}\n" for key, value in programs.BACKUPS.items()))
    _, environment = restore.program(host, "")  # which finds the same stubs and settings
    return ["sh", str(programs.installed("mattermost-backup", host)), "work"], environment


@contextmanager
def backup(folder, keeper):
    """Held by its first look at the repository, with all that it holds until its end."""
    with held(folder, '[ "$name" = restic ]', *backing_up(folder)):
        yield folder / "deploy", folder / "settings"


@contextmanager
def major(folder, keeper):
    host = postgresql.made(folder, keeper)
    postgresql.request(host)
    command = ["sh", str(host / "mattermost-postgresql"), "work"]
    when = 'case "$name $*" in "runuser "*pg_upgrade*) : ;; *) false ;; esac'
    with held(folder, when, command, postgresql.environment(host)):
        yield folder / "deploy", folder / "settings"


@contextmanager
def new_login(folder, keeper):
    host = rotation.made(folder)
    rotation.ready(host)
    command = ["sh", str(host / "program.sh"), "work"]
    with held(folder, '[ "$name" = mattermost-switch ]', command, rotation.environment_of(host)):
        yield folder / "deploy", folder / "settings"


@contextmanager
def new_key(folder, keeper):
    host = repository.made(folder)
    command = [str(programs.installed("mattermost-new-backup-password", host))]
    when = '[ "$name $1 $2" = "restic key add" ]'
    with held(folder, when, command, repository.environment(host)):
        yield folder / "work", folder / "settings"


@contextmanager
def cut_major(folder, keeper):
    """One that was cut, and that nothing ends yet: it holds no lock."""
    for name in ("work/postgresql", "settings"):
        (folder / name).mkdir(parents=True)
    (folder / "work/postgresql/journal").write_text("begin 1\n")
    yield folder / "work", folder / "settings"


@contextmanager
def move(folder, keeper):
    for name in ("work", "settings"):
        (folder / name).mkdir()
    yield folder / "work", folder / "settings"


# -- the second: each returns what it says


def said(command, environment, folder, is_moving):
    """Run it with a minute's patience made a second."""
    flock = folder / "bin/flock"
    flock.write_text(
        '#!/bin/sh\ncase "$1 $2" in "-w "*) shift 2; exec /usr/bin/flock -w 1 "$@" ;; esac\nexec /usr/bin/flock "$@"\n'
    )
    flock.chmod(0o755)
    if is_moving:
        (folder / "moving").touch()
    done = subprocess.run(
        command, env={**environment, "MATTERMOST_PATIENCE": "1"}, capture_output=True, text=True, timeout=120
    )
    return done.stdout + done.stderr


def settings_of(folder, work, settings, name="settings"):
    """Have the settings of a second program name the first one's folders: the last line of a key counts."""
    with (folder / name).open("a") as file:
        file.write(f"work={work}\nsettings={settings}\n")


def then_upgrade(folder, work, settings, keeper, is_moving):
    host = Host(folder, SHELLS[0]).deployed()
    settings_of(folder, work, settings, "settings/switch.conf")
    (folder / "run/request").write_text(f"20260101000009 to {NEW}\n")
    return said([*host.command, "work"], host.environment, folder, is_moving)


def then_backup(folder, work, settings, keeper, is_moving):
    begin = backing_up(folder)
    settings_of(folder, work, settings, "settings/backup.conf")
    return said(*begin, folder, is_moving)


def then_restore(folder, work, settings, keeper, is_moving, what="latest:overwrite"):
    host = restore.made(folder)
    manifest = (host / "manifest").read_text().replace(f"settings={folder}/settings\n", f"settings={settings}\n")
    (host / "manifest").write_text(manifest)
    settings_of(host, work, settings, "settings/backup.conf")
    return said(*restore.program(host, what), folder, is_moving)


def then_drill(*arguments):
    return then_restore(*arguments, what="drill")


def then_major(folder, work, settings, keeper, is_moving):
    host = postgresql.made(folder, keeper)
    postgresql.request(host)
    (work / "postgresql").mkdir(exist_ok=True)
    (work / "postgresql/next").write_text("17\n")
    settings_of(host, work, settings, "settings/postgresql-upgrade.conf")
    return said(["sh", str(host / "mattermost-postgresql"), "work"], postgresql.environment(host), folder, is_moving)


def then_new_login(folder, work, settings, keeper, is_moving):
    host = rotation.made(folder)
    rotation.ready(host)
    with (host / "switch.conf").open("a") as file:
        file.write(f"work={work}\n")
    return said(["sh", str(host / "program.sh"), "work"], rotation.environment_of(host), folder, is_moving)


def then_new_key(folder, work, settings, keeper, is_moving):
    host = repository.made(folder)
    settings_of(host, work, host / "settings", "backup.conf")
    command = [str(programs.installed("mattermost-new-backup-password", host))]
    return said(command, repository.environment(host), folder, is_moving)


def then_forget(folder, work, settings, keeper, is_moving):
    host = Host(folder, SHELLS[0]).upgraded()
    settings_of(folder, work, settings, "settings/switch.conf")
    return said([str(folder / "bin/mattermost-kept"), "forget", host.kept[0]], host.environment, folder, is_moving)


def then_move(folder, work, settings, keeper, is_moving):
    library = programs.sent("move") + f"\nwork={work} settings={settings}\nbusy\n"
    return subprocess.run(["sh", "-c", library], capture_output=True, text=True, timeout=20).stdout


def then_removal(folder, work, settings, keeper, is_moving):
    """What systemd says of running units is not asked here: what is open on disk alone refuses."""
    return mattermost_remove_files.unfinished({"work": str(work), "settings": str(settings)})


LOCKED = "A backup, a drill, a restore or a PostgreSQL upgrade is running."
SWITCHING = "An upgrade or rollback"
MOVED = "moved to another host"
# for each of the first, what each of the second says; "" where it goes on. A backup that is at work is for others what a drill is.
REFUSED_BY_LOCK = {
    then_upgrade: LOCKED,
    then_backup: "running after 1 s",
    then_restore: "Another backup, restore, drill",
    then_drill: "Another backup, restore, drill",
    then_new_key: "Another backup, restore, drill",
    then_move: "A backup, drill or restore",
}
EXPECTED = {
    upgrade: {
        **REFUSED_BY_LOCK,
        then_upgrade: "Another upgrade or rollback is running",
        then_major: SWITCHING,
        then_new_login: "mattermost-switch status",
        then_forget: "An upgrade, rollback or restart is running",
        then_move: SWITCHING,
        then_removal: SWITCHING,
    },
    backup: {**REFUSED_BY_LOCK, then_major: "A backup, restore, drill or change"},
    exchanging: {
        **REFUSED_BY_LOCK,
        then_upgrade: "A restore of a backup is running",
        then_major: "A backup, restore, drill or change",
        then_new_login: "journalctl -u 'mattermost-restore*'",
        then_forget: "A restore is running",
        then_move: "A restore",
        then_removal: "A restore",
    },
    major: {
        **REFUSED_BY_LOCK,
        then_upgrade: "An upgrade of PostgreSQL has not ended",
        then_new_login: "mattermost-postgresql status",
        then_move: "An upgrade of PostgreSQL",
        then_removal: "An upgrade of PostgreSQL",
    },
    cut_major: {
        then_upgrade: "An upgrade of PostgreSQL has not ended",
        then_backup: "An upgrade or rollback was interrupted",
        then_restore: "An upgrade of PostgreSQL has not ended",
        then_drill: "An upgrade of PostgreSQL has not ended",
        then_new_login: "mattermost-postgresql status",
        then_move: "An upgrade of PostgreSQL",
        then_removal: "An upgrade of PostgreSQL",
    },
    new_login: {
        then_upgrade: "password has not ended",
        then_restore: "password is being changed",
        then_major: "password is being changed",
        then_move: "A change of the database",
        then_removal: "A change of the database",
    },
    new_key: {**REFUSED_BY_LOCK, then_major: "A backup, restore, drill or change"},
    move: {
        then_upgrade: "being moved to a new host",
        then_restore: MOVED,
        then_major: MOVED,
        then_new_login: "mattermost-move",
    },
}
EXPECTED |= {rollback: EXPECTED[upgrade], drill: EXPECTED[backup], fetching: EXPECTED[backup]}
NAMED = [(first, second) for first, seconds in EXPECTED.items() for second in seconds]


@pytest.mark.parametrize(("first", "second"), NAMED, ids=[f"{a.__name__}-{b.__name__}" for a, b in NAMED])
def test_the_second_refuses(tmp_path, keeper, first, second):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with first(tmp_path / "first", keeper) as (work, settings):
        answer = second(tmp_path / "second", work, settings, keeper, first is move)
    assert EXPECTED[first][second] in answer


ALONE = (then_upgrade, then_restore, then_drill, then_major, then_new_login, then_new_key)


@pytest.mark.parametrize("second", ALONE, ids=lambda one: one.__name__)
def test_the_control_alone_it_goes_on(tmp_path, keeper, second):
    """So that the test above can fail: each of them refuses nothing where no other is at work."""
    for name in ("first/work", "first/settings/secrets", "second"):
        (tmp_path / name).mkdir(parents=True)
    answer = second(tmp_path / "second", tmp_path / "first/work", tmp_path / "first/settings", keeper, False)
    words = {word for seconds in EXPECTED.values() for word in seconds.values()}
    assert [word for word in words if word in answer] == []
