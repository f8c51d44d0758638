"""While PostgreSQL is upgraded, the host's package manager is kept out by its own lock; one that is at work is waited for."""

import fcntl
import shutil
import subprocess
import sys
import time

import pytest

from tests.soak import in_check
from tests.unit.hostprogram import test_postgresql as postgresql
from tests.unit.hostprogram.test_postgresql import host, keeper  # noqa: F401 (fixtures)

# as dpkg and rpm do: a process of its own has it, and says when
HOLDER = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(1, flush=True); sys.stdin.read()"
STEP = 'case $name in pg_upgrade) : >"$HOST/copying"; while [ ! -e "$HOST/go-on" ]; do /bin/sleep 0.05; done ;; esac\n'


@pytest.fixture
def lock(host):  # noqa: F811
    path = host / "packages/lock-frontend"
    path.parent.mkdir()
    path.touch()
    return path


@pytest.fixture
def begun(host, lock):  # noqa: F811
    """Begin an upgrade with a patience of some seconds; it waits where it copies. The interpreters named are all that it finds."""
    programs = []

    def begin(patience=0, step=STEP):
        stub = host / "bin/pg_upgrade"
        stub.write_text(postgresql.STUB.replace("case $name in\n", f"{step}case $name in\n", 1))
        own = {"MATTERMOST_PACKAGE_LOCKS": str(lock), "MATTERMOST_PATIENCE": str(patience)}
        postgresql.request(host)
        command = ["sh", str(host / "mattermost-postgresql"), "work"]
        programs.append(subprocess.Popen(command, env={**postgresql.environment(host), **own}))
        return programs[-1]

    yield begin
    (host / "go-on").touch()
    for program in programs:
        program.wait(30)


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_free(lock):
    with lock.open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


@pytest.mark.parametrize("interpreter", in_check(["perl", "python3"], "perl"))
def test_it_is_held_until_the_end(host, lock, begun, interpreter):  # noqa: F811
    if interpreter != "perl":
        (host / "bin/perl").write_text("#!/bin/sh\nexit 2\n")  # as one without its modules
        (host / "bin/perl").chmod(0o755)
    program = begun()
    until((host / "copying").exists)
    assert not is_free(lock)
    (host / "go-on").touch()
    assert program.wait(30) == 0
    until(lambda: is_free(lock))
    assert postgresql.state_of(host)["result"] == "result=done"


@pytest.mark.skipif(not shutil.which("dpkg"), reason="NO DPKG: rpm's lock is the same call")
def test_the_real_dpkg_refuses_meanwhile(host, lock, begun):  # noqa: F811
    ask = ["dpkg", f"--admindir={lock.parent}", "--configure", "-a"]
    for folder in ("updates", "info", "triggers"):
        (lock.parent / folder).mkdir()
    (lock.parent / "status").touch()
    alone = subprocess.run(ask, capture_output=True, text=True)
    assert alone.returncode == 0, alone.stderr
    begun()
    until((host / "copying").exists)
    refused = subprocess.run(ask, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "lock" in refused.stderr


def test_when_the_program_is_killed_it_is_free(lock, begun, host):  # noqa: F811
    program = begun()
    until((host / "copying").exists)
    program.kill()
    until(lambda: is_free(lock))


@pytest.fixture
def manager(lock):
    with subprocess.Popen([sys.executable, "-c", HOLDER, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        one.stdout.readline()
        yield one
        one.kill()


def test_a_package_manager_at_work_is_named_and_nothing_is_touched(host, begun, manager):  # noqa: F811
    assert begun().wait(30) == 0
    report = (host / "deploy/postgresql/report").read_text()
    assert "result=refused" in report
    assert f"(process {manager.pid}) is installing packages on this host." in report
    found = postgresql.state_of(host)
    assert (found["old"], found["new"], found["server"]) == (True, False, "up"), found


@pytest.mark.exhaustive
def test_one_that_ends_in_time_is_waited_for(host, begun, manager):  # noqa: F811
    program = begun(patience=1000, step="")
    until(lambda: (host / "calls").exists() and "sleep 1" in (host / "calls").read_text())
    manager.kill()
    assert program.wait(60) == 0
    assert postgresql.state_of(host)["result"] == "result=done"


def test_what_was_cut_ends_also_while_packages_are_installed(host, lock, begun, manager):  # noqa: F811
    (host / "kill-after").write_text("stopped\n")
    postgresql.request(host)
    killed = subprocess.run(["sh", str(host / "mattermost-postgresql"), "work"], env=postgresql.environment(host))
    assert killed.returncode == -9
    (host / "run/mattermost-postgresql/request").unlink(missing_ok=True)
    own = {"MATTERMOST_PACKAGE_LOCKS": str(lock)}
    done = subprocess.run(
        ["sh", str(host / "mattermost-postgresql"), "work"], env={**postgresql.environment(host), **own}, timeout=60
    )
    assert done.returncode == 0
    postgresql.is_old(host)
