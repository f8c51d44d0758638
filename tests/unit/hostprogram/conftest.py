"""The host program's world, under one shell or under each that a host may have."""

import shutil
import subprocess

import pytest

from tests.unit.hostprogram.host import Host

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"]]


def made(folder, shell):
    if not shutil.which(shell[0]):
        pytest.skip(f"NO {shell[0].upper()} on this machine: the host program was not tried under it.")
    return Host(folder, shell)


@pytest.fixture
def host(tmp_path):
    return made(tmp_path, SHELLS[0])


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def host_of_each_shell(request, tmp_path):
    return made(tmp_path, request.param)


@pytest.fixture
def sleeper():
    """A process with ``MM_A=lent`` in its environment: in place of the running server, which lends its own."""
    process = subprocess.Popen(["sleep", "300"], env={"MM_A": "lent", "PATH": "/usr/bin:/bin"})
    yield process
    process.kill()
    process.wait()
