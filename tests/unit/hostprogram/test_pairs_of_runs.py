"""A run, an import, a renewed certificate beside another operation, as in test_pairs.py: who waits, who refuses, who goes on."""

import fcntl
import os
import subprocess
from contextlib import contextmanager

import mattermost_remove_files
import pytest

from tests import repository
from tests.states import load_state
from tests.unit.hostprogram import test_aside as aside
from tests.unit.hostprogram import test_pairs as pairs
from tests.unit.hostprogram.conftest import SHELLS
from tests.unit.hostprogram.test_pairs import keeper  # noqa: F401 (the fixture)

pytestmark = pytest.mark.soak("pairs")
HOOK = "salt/mattermost/deploy/letsencrypt/files/etc/letsencrypt/renewal-hooks/deploy/mattermost-nginx"


FIRSTS = (
    pairs.upgrade,
    pairs.rollback,
    pairs.backup,
    pairs.drill,
    pairs.fetching,
    pairs.exchanging,
    pairs.new_key,
    pairs.new_login,
    pairs.major,
)


@pytest.mark.parametrize("first", FIRSTS, ids=lambda first: first.__name__)
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


# -- while an import is at work


def test_a_removal_refuses_while_an_import_is_open(tmp_path):
    world = aside.World(tmp_path, SHELLS[0])
    assert world.put().returncode == 0
    paths = {"work": str(tmp_path / "work"), "settings": str(tmp_path / "settings")}
    assert mattermost_remove_files.unfinished(paths).startswith("An import has not ended.")
