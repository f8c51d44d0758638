"""Another local account can neither hold up a run nor have root end a process."""

import os
import stat
import subprocess
import time

import pytest

from tests.states import load_state

HOLD = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)"


@pytest.fixture
def state(tmp_path, monkeypatch):
    module = load_state("mattermost_run_lock")
    module.__context__, module.__lowstate__ = {}, []
    monkeypatch.setattr(module.core, "LOCK", str(tmp_path / "mattermost-deploy/lock"))
    (tmp_path / "tmp").mkdir()
    os.chmod(tmp_path / "tmp", 0o1777)
    folder = tmp_path
    while str(folder).startswith("/tmp/"):
        os.chmod(folder, 0o755)
        folder = folder.parent
    monkeypatch.setattr(module.core, "FORMER", str(tmp_path / "tmp/mattermost-deploy.lock"))
    return module


def held_by(account, path):
    """Return a process of *account* that holds a lock at *path*."""
    holder = subprocess.Popen(
        ["/usr/bin/python3", "-c", HOLD, str(path)], user=account, group=65534, extra_groups=[], stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"held\n"
    return holder


def ended(holder):
    holder.kill()
    holder.wait()
    holder.stdout.close()


def test_the_lock_lies_where_only_root_can_open_it(state):
    assert state.acquired("x")["result"] is True
    assert stat.S_IMODE(os.stat(os.path.dirname(state.core.LOCK)).st_mode) == 0o700


def test_a_lock_that_another_account_holds_at_the_former_place_stops_nothing(state):
    with open(state.core.FORMER, "w"):
        pass
    os.chmod(state.core.FORMER, 0o644)
    holder = held_by("nobody", state.core.FORMER)
    try:
        assert state.acquired("x")["result"] is True
    finally:
        ended(holder)


def test_what_another_account_made_at_the_former_place_stops_nothing(state):
    subprocess.run(["mkfifo", state.core.FORMER], user="nobody", check=True)
    assert state.acquired("x")["result"] is True


@pytest.mark.parametrize("place", ["LOCK", "FORMER"])
def test_a_run_of_root_is_waited_for_at_either_place(state, place):
    path = getattr(state.core, place)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w"):
        pass
    holder = held_by("root", path)
    try:
        refused = state.acquired("x")
        assert refused["result"] is False
        assert "Another run is in progress" in refused["comment"]
    finally:
        ended(holder)
    deadline = time.monotonic() + 5
    while state.acquired("x")["result"] is False and time.monotonic() < deadline:
        time.sleep(0.1)
    assert state.acquired("x")["result"] is True
