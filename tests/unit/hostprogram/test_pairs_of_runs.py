"""A deploy, an import, a renewed certificate beside another operation, as in test_pairs.py: who waits, who refuses, who goes on."""

import fcntl
import os
import subprocess
from contextlib import contextmanager

import mattermost_database_major_in_use as majors
import mattermost_remove_files
import pytest

from tests import repository
from tests.states import load_state
from tests.unit.hostprogram import test_aside as aside
from tests.unit.hostprogram import test_pairs as pairs
from tests.unit.hostprogram import test_restore as restore
from tests.unit.hostprogram.conftest import SHELLS
from tests.unit.hostprogram.test_pairs import keeper  # noqa: F401 (the fixture)

pytestmark = pytest.mark.soak("pairs")
HOOK = "salt/mattermost/deploy/letsencrypt/files/etc/letsencrypt/renewal-hooks/deploy/mattermost-nginx"


def deploy(work, settings):
    """What the states say that a deploy begins with; empty where it goes on."""
    state = load_state("mattermost_run_lock", test=False)
    state.LONGEST = -1
    told = state.no_change_is_open("x", {"work": str(work), "settings": str(settings)})
    none = {"config_dir": "/nonexistent/{version}", "data_dir": "/nonexistent/{version}"}
    return majors.refusal(15, majors.inspect(none, str(work)), "upgrade it") or (
        "" if told["result"] else told["comment"]
    )


WAITED = "This run waited for -1 minutes and changed nothing."
BESIDE_A_DEPLOY = {
    pairs.upgrade: "",
    pairs.rollback: "",
    pairs.backup: "",
    pairs.drill: "",
    pairs.fetching: "",
    pairs.new_key: "",
    pairs.exchanging: f"{WAITED} A restore has not ended.",
    pairs.new_login: f"{WAITED} A change of the database password has not ended.",
    pairs.major: "An upgrade of PostgreSQL is running on this host",
    pairs.cut_major: "An upgrade of PostgreSQL is running on this host",
}


@pytest.mark.parametrize("first", BESIDE_A_DEPLOY, ids=lambda first: first.__name__)
def test_a_deploy_begins(tmp_path, keeper, first):  # noqa: F811
    with first(tmp_path, keeper) as (work, settings):
        answer = deploy(work, settings)
    wanted = BESIDE_A_DEPLOY[first]
    assert answer.startswith(wanted) if wanted else answer == ""


@pytest.mark.parametrize("first", BESIDE_A_DEPLOY, ids=lambda first: first.__name__)
def test_a_certificate_is_renewed(tmp_path, keeper, first):  # noqa: F811
    """Nginx takes it, and the other goes on: `held` says so."""
    (tmp_path / "first").mkdir()
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n')
    (tmp_path / "systemctl").chmod(0o755)
    with first(tmp_path / "first", keeper):
        hook = ["sh", str(repository.ROOT / HOOK)]
        subprocess.run(hook, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=True, timeout=20)
    assert "reload nginx" in (tmp_path / "asked").read_text()


# -- while a deploy is at work


@contextmanager
def running(lock):
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        file.write("process 4242 since noon")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_another_deploy_and_a_removal_refuse(tmp_path, monkeypatch):
    state = load_state("mattermost_run_lock", test=False)
    state.__lowstate__ = []
    for name in ("LOCK", "FORMER"):
        monkeypatch.setattr(state.core, name, str(tmp_path / name / "lock"))
    with running(tmp_path / "LOCK/lock"):
        told = state.acquired("x")  # both begin with it
    assert told["comment"].startswith("Another run is in progress on this host (process 4242 since noon).")


def test_a_restore_refuses(tmp_path):
    command, environment = restore.program(restore.made(tmp_path), "latest:overwrite")
    (tmp_path / "bin/sleep").unlink()
    with running(tmp_path / "run/deploy/lock"):
        done = subprocess.run(command, env={**environment, "MATTERMOST_PATIENCE": "1"}, capture_output=True, text=True)
    assert "A deploy is running on this host (process 4242 since noon)." in done.stderr


# -- while an import is at work


def test_a_removal_refuses_while_an_import_is_open(tmp_path):
    world = aside.World(tmp_path, SHELLS[0])
    assert world.put().returncode == 0
    paths = {"work": str(tmp_path / "work"), "settings": str(tmp_path / "settings")}
    assert mattermost_remove_files.unfinished(paths).startswith("An import has not ended.")
