"""A lab of these tests' own, beside one that a person may have left running."""

import os
import shutil
from pathlib import Path

import pytest

from tests.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = "mattermost-team-0.0.1-linux-amd64.tar.gz"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.lab)
            reason = "NO ROOT: the lab boots hosts, which needs root on Debian."
            item.add_marker(pytest.mark.skipif(os.geteuid() != 0, reason=reason))


def place(name):
    """A directory for a lab of these tests' own, empty: one that a person left running stays what it is.

    It lies in the checkout's `.lab`, so that `make trial-down` finds what a killed test run leaves.
    """
    directory = ROOT / ".lab" / "self" / name
    vacate(directory)
    directory.mkdir(parents=True)
    return directory


def vacate(directory):
    Lab.down(ROOT, directory)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def directory(request):
    """One for each file: their tests may run beside each other's."""
    made = place(request.path.stem)
    yield made
    vacate(made)


@pytest.fixture(scope="module")
def lab(directory):
    made = Lab.open(ROOT, directory)
    (made.archives / ARCHIVE).write_bytes(bytes(range(256)) * 1000)
    return made


@pytest.fixture
def second(request):
    """The directory of a further lab, gone afterwards."""
    made = place(f"{request.path.stem}-second")
    yield made
    vacate(made)


@pytest.fixture(scope="module")
def host(lab):
    return lab.host("one")
