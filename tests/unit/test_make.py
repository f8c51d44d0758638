"""`make test` with programs of the test's own: it fails with any of its parts, and nothing of it is left when it ends."""

import shutil
import subprocess

import pytest

from tests.repository import ROOT

LOCKS = "etc/venv/requirements.lock", "etc/venv/build.lock"
STUB = '#!/bin/sh\necho "${0##*/} $*${PYTHONDONTWRITEBYTECODE+ compiles anew}" >>"$PWD/calls"\ncase "${0##*/} $*" in *"$FAILS"*) exit 1 ;; esac\n'


@pytest.fixture
def make(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    folders = (".venv/bin", "tests/lab", "bin", "etc/venv")
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    started = ("etc/venv/started_elsewhere.py", "etc/venv/checkout_configuration.py")
    for name in ("requirements.txt", *LOCKS, *started, ".venv/ready"):
        (tmp_path / name).touch()
    for path in (*(f".venv/bin/{name}" for name in ("pytest", "python", "ruff", "yamllint")), "bin/python3"):
        (tmp_path / path).write_text(STUB)
        (tmp_path / path).chmod(0o755)

    calls = tmp_path / "calls"

    def make(*options, fails="nothing"):
        env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "FAILS": fails, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            ["make", *options, "test"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
        )
        return done.returncode, calls.read_text() if calls.exists() else ""

    return make


def test_all_parts_run(make):
    status, calls = make()
    assert status == 0
    for part in ("tests.lab.packages", "ruff check", "build.py", "tests.lab base", "tests/scenarios", "tests/unit"):
        assert part in calls


def test_what_python_compiled_is_kept(make):
    assert "compiles anew" not in make()[1]


def test_asked_what_it_would_do_it_does_nothing(make):
    assert make("-n") == (0, "")


@pytest.mark.parametrize("part", ["tests.lab.packages", "ruff check", "build.py", "tests.lab base", "pytest "])
def test_a_part_that_fails_fails_it(make, part):
    assert make(fails=part)[0] != 0
