"""A fork of a process that has Salt at hand is what a user starts: output, exit status, end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.repository import ROOT
from tests.scenarios import warm
from tests.soak import in_check

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("salt")
    (folder / "master").write_text(f"root_dir: {folder}\n")
    (folder / "var/cache/salt/master/proc").mkdir(parents=True)
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    made = warm.Warm()

    def run(*argv, timeout=60):
        argv = [argv[0], "-c", str(folder), *argv[1:]]
        return made.run(argv, cwd=ROOT, env=environment, timeout=timeout), lambda: subprocess.run(
            argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout
        )

    return run


def said(done):
    """Return its errors, without what Salt 3008.3 says at a program's end of objects that it did not close."""
    return [line for line in done.stderr.splitlines() if not line.removeprefix("[WARNING ] ").startswith("unclosed ")]


ASKED = [
    ["salt-run", "test.arg", "1", "word=x", "--out=json"],
    ["salt-run", "no.such_runner"],
    ["salt-run", "--no-such-option"],
    ["salt-ssh", "--version"],
]


@pytest.mark.parametrize("argv", in_check(ASKED, ASKED[1]), ids=lambda argv: argv[1])
def test_a_fork_answers_as_the_program(run, argv):
    forked, started = run(*argv)
    real = started()
    assert (forked.returncode, forked.stdout, said(forked)) == (real.returncode, real.stdout, said(real))
    assert forked.stdout + forked.stderr


@pytest.mark.exhaustive
def test_a_fork_that_hangs_is_ended(run):
    begun = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        run("salt-run", "test.sleep", "50", timeout=3)
    assert time.monotonic() - begun < 30
    assert run("salt-run", "test.arg", "1")[0].returncode == 0
