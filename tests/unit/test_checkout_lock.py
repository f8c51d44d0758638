"""One run at a time in a checkout."""

import errno
import subprocess
import sys

import pytest
from mattermost_controller.hosts import checkout_lock

HOLD = "import sys; from mattermost_controller.hosts import checkout_lock; checkout_lock.acquire({'root_dir': sys.argv[1]}, 'mattermost.ssl'); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def other_run(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        env={"PYTHONPATH": "salt/_utils"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_run_is_refused_with_who_holds_it(tmp_path, other_run):
    with pytest.raises(checkout_lock.BusyError, match=rf"mattermost\.ssl, process {other_run.pid}, since"):
        checkout_lock.acquire({"root_dir": str(tmp_path)}, "mattermost.non-ssl")


def test_a_killed_run_holds_nothing(tmp_path, other_run):
    other_run.kill()
    other_run.wait()
    checkout_lock.acquire({"root_dir": str(tmp_path)}, "mattermost.ssl")


def test_nobody_else_on_this_machine_can_hold_the_lock(tmp_path):
    (tmp_path / "run.lock").touch(0o666)
    checkout_lock.acquire({"root_dir": str(tmp_path)}, "mattermost.ssl")
    assert (tmp_path / "run.lock").stat().st_mode & 0o777 == 0o600


def test_a_file_system_without_locks_is_no_other_run(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(checkout_lock.fcntl, "flock", flock)
    with pytest.raises(checkout_lock.BusyError, match=r"run\.lock cannot be locked: No locks available\. "):
        checkout_lock.acquire({"root_dir": str(tmp_path)}, "mattermost.ssl")


def test_the_same_run_may_ask_again(tmp_path):
    checkout_lock.acquire({"root_dir": str(tmp_path)}, "mattermost.ssl")
    checkout_lock.acquire({"root_dir": str(tmp_path)}, "mattermost.ssl")
