"""A restore and a deploy never meet: the one would rename a database, the other create it where it is missing."""

import fcntl
import subprocess
import threading

import pytest

from tests.states import load_state
from tests.unit.hostprogram import test_restore as restore
from tests.unit.hostprogram.test_restore import host  # noqa: F401 (the fixture)


@pytest.fixture
def run_lock(host):  # noqa: F811
    """The lock of a run of Salt, open."""
    (host / "run/deploy").mkdir()
    with (host / "run/deploy/lock").open("w") as file:
        file.write("process 4242 since noon")
        file.flush()
        yield file


def restored(host, patience):  # noqa: F811
    command, environment = restore.program(host, "latest:overwrite")
    environment["MATTERMOST_PATIENCE"] = str(patience)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_a_restore_refuses_while_a_deploy_is_at_work(host, run_lock):  # noqa: F811
    fcntl.flock(run_lock, fcntl.LOCK_EX)
    done = restored(host, 1)
    assert (done.returncode, "A deploy is running on this host (process 4242 since noon)." in done.stderr) == (2, True)
    restore.assert_whole(host, "old")


def test_it_waits_for_the_end_of_the_deploy(host, run_lock):  # noqa: F811
    fcntl.flock(run_lock, fcntl.LOCK_EX)
    timer = threading.Timer(1, fcntl.flock, (run_lock, fcntl.LOCK_UN))
    timer.start()
    assert restored(host, 30).returncode == 0
    assert not timer.is_alive()
    restore.assert_whole(host, "new")


def test_a_deploy_may_begin_again_once_the_exchange_is_on_disk(host, run_lock):  # noqa: F811
    """It then waits for what is open, which outlives the program; the lock does not."""
    stub = host / "bin/mattermost-switch"
    free = f'flock -n {run_lock.name} true && : >"$HOST/free"\n'
    stub.write_text(restore.STUB.replace("    mattermost-switch)\n", f"    mattermost-switch)\n        {free}"))
    assert restored(host, 30).returncode == 0
    assert (host / "free").exists()


# -- the deploy's side

MARKS = ["work/backup/open", "work/backup/undone", "work/backup/restored", "settings/secrets/rotation/begun"]


@pytest.fixture
def deploy(tmp_path, monkeypatch):
    """The state, whose pause is not waited for."""
    state = load_state("mattermost_run_lock", test=False)
    monkeypatch.setattr(state.time, "sleep", lambda seconds: state.passed.append(seconds))
    monkeypatch.setattr(state.time, "monotonic", lambda: float(sum(state.passed)))
    state.passed = []
    state.paths = {"work": str(tmp_path / "work"), "settings": str(tmp_path / "settings")}
    return state


def begun(folder, mark):
    path = folder / mark
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.mark.parametrize("mark", MARKS)
def test_a_deploy_gives_up_on_what_does_not_end(tmp_path, deploy, mark):
    begun(tmp_path, mark)
    done = deploy.no_change_is_open("x", deploy.paths)
    assert done["result"] is False
    assert "has not ended. To complete it or roll it back, run on the host: " in done["comment"]
    assert "waited for 10 minutes and changed nothing." in done["comment"]
    assert sum(deploy.passed) > 600


@pytest.mark.parametrize("mark", MARKS)
def test_a_deploy_waits_for_what_ends(tmp_path, deploy, monkeypatch, mark):
    path = begun(tmp_path, mark)
    monkeypatch.setattr(deploy.time, "sleep", lambda seconds: path.unlink())
    done = deploy.no_change_is_open("x", deploy.paths)
    assert (done["result"], done["changes"]) == (True, {})


def test_a_dry_run_does_not_wait(tmp_path, deploy):
    begun(tmp_path, MARKS[0])
    deploy.__opts__["test"] = True
    done = deploy.no_change_is_open("x", deploy.paths)
    assert (done["result"], deploy.passed) == (None, [])
