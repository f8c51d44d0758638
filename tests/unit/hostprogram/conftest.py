"""The host program's world, under one shell or under each that a host may have."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.soak import in_check
from tests.unit.hostprogram.host import Host

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"]]
EACH_SHELL = in_check(SHELLS, SHELLS[0])


def usable(shell):
    """Skip the test, saying so, where *shell* is not there or would not run what a test puts on PATH."""
    if reason := _hindrance(*shell):
        pytest.skip(f"{reason}: the host program was not tried under it.")


@functools.cache
def _hindrance(*shell):
    if not shutil.which(shell[0]):
        return f"NO {shell[0].upper()} on this machine"
    with tempfile.TemporaryDirectory() as folder:
        stub = Path(folder, "mv")
        stub.write_text("#!/bin/sh\necho ours\n")
        stub.chmod(0o755)
        env = {"PATH": f"{folder}:/usr/bin:/bin"}
        said = subprocess.run([*shell, "-c", "mv"], env=env, capture_output=True, text=True).stdout
    if said != "ours\n":
        return f"{shell[0].upper()} here prefers its own programs to those on PATH, as busybox-static does"
    return None


def made(folder, shell):
    usable(shell)
    return Host(folder, shell)


@pytest.fixture
def host(tmp_path):
    return made(tmp_path, SHELLS[0])


@pytest.fixture(params=EACH_SHELL, ids=lambda shell: shell[0])
def host_of_each_shell(request, tmp_path):
    return made(tmp_path, request.param)


@pytest.fixture
def sleeper():
    """A process with ``MM_A=lent`` in its environment: in place of the running server, which lends its own."""
    process = subprocess.Popen(["sleep", "300"], env={"MM_A": "lent", "PATH": "/usr/bin:/bin"})
    yield process
    process.kill()
    process.wait()
