"""What several test workers need is made by the first one, and the others wait for it."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab import packages, relenv
from tests.repository import ROOT

WORKERS = 3


@pytest.fixture
def together():
    """Run a function in several workers at once, all of them begun before one can end; return what each returned."""

    def together(function, *arguments):
        begun = threading.Barrier(WORKERS, timeout=10)

        def worker():
            begun.wait()
            return function(*arguments)

        with ThreadPoolExecutor(WORKERS) as pool:
            return [future.result() for future in [pool.submit(worker) for _ in range(WORKERS)]]

    return together


def test_packages_are_installed_once(together, monkeypatch, tmp_path):
    there, ran = set(), []

    def run(command, **_):
        ran.append(command)
        time.sleep(0.05)
        if "install" in command:
            there.update(packages.NEEDED.values())

    monkeypatch.setattr(packages, "REGISTRY", tmp_path)
    monkeypatch.setattr(packages, "run", run)
    monkeypatch.setattr(packages, "missing", lambda needed: [] if there else [next(iter(needed))])
    together(packages.install, {"busybox": "busybox"})
    assert [command[-1] for command in ran] == ["update", "busybox"]


def test_packages_need_no_module_that_the_setup_installs():
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import tests.lab.packages"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_portable_salt_is_packed_once_and_appears_whole(together, monkeypatch, tmp_path):
    ran = []

    def run(command, **_):
        ran.append(command)
        part = command[command.index("-cf") + 1]
        part.write_text("half")
        time.sleep(0.05)
        part.write_text("whole")

    monkeypatch.setattr(relenv, "_tree", lambda work: work / "salt")
    monkeypatch.setattr(relenv, "run", run)
    made = together(relenv.build, tmp_path)
    assert [path.read_text() for path in made] == ["whole"] * WORKERS
    assert len(ran) == 1
