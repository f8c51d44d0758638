"""Scenarios drive real hosts of the lab: they need root on a Debian machine. One host at a time holds the public name."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from tests import order
from tests.lab import again, archives, claim, trial
from tests.lab.lab import Lab
from tests.scenarios.deployment import ROOT, Deployment, standins


def pytest_collection_modifyitems(items):
    """Of ours, files with many tests come first."""
    ours = [item for item in items if "tests/scenarios/" in str(item.path)]
    for item in ours:
        item.add_marker(pytest.mark.lab)
    tests = Counter(item.path for item in ours)
    order.among(items, lambda item: item.path in tests, lambda item: -tests[item.path])


# the lab of this session, once it is open
OPEN = []
agains = again.Again(lambda: OPEN[-1] if OPEN else None, stays=[trial.NAME])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    agains.before(item)


def pytest_runtest_logreport(report):
    agains.ended(report)


@pytest.fixture(scope="session")
def lab():
    """The checkout's lab, up; skips, saying so, without root."""
    if os.geteuid() != 0:
        pytest.skip("NO ROOT: scenarios boot lab hosts, which needs root on Debian.")
    directory = lab_directory()
    was_up = claim.remembered(directory) is not None
    lab = Lab.open(ROOT, directory)
    for host in lab.hosts():
        if not host.name.startswith(trial.NAME):  # a killed test run's; the trial is a person's
            host.remove()
    lab.as_shipped = False
    OPEN.append(lab)
    yield lab
    OPEN.remove(lab)
    if not was_up and not os.environ.get("LAB_KEEP"):
        Lab.down(ROOT, directory)


def lab_directory():
    """The checkout's ``.lab``, or one inside it for each of several test workers: a lab of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if not worker:
        return ROOT / ".lab"
    directory = ROOT / ".lab" / "workers" / worker
    directory.mkdir(parents=True, exist_ok=True)
    archives = ROOT / ".lab/archives"  # which may be built only later
    archives.mkdir(exist_ok=True)
    if not (directory / "archives").exists():
        (directory / "archives").symlink_to(archives)
    return directory


@pytest.fixture(scope="session")
def releases():
    """The archives that LAB_ARCHIVES names, in its order, else the stand-in's, oldest first, built when they are not there; who
    comes second waits for the first."""
    if given := os.environ.get("LAB_ARCHIVES", "").split():
        return [archives.admit(path, ROOT / ".lab/archives") for path in given]
    subprocess.run([sys.executable, ROOT / "tests/lab/standin/build.py"], check=True, stdout=sys.stderr)
    return standins()


@pytest.fixture
def bare(lab, releases, request):
    """A deployment on a fresh, bare host, ``as_shipped`` where the test is marked so; the host goes away afterwards."""
    as_shipped = request.node.get_closest_marker("as_shipped") is not None
    with lab.passing(_name(request)) as name:
        yield Deployment(lab, lab.host(name, as_shipped=as_shipped), releases[0])


@pytest.fixture(scope="session")
def deployed_snapshot(lab, releases):
    """A snapshot of a host that `mattermost.ssl` deployed with the oldest release."""
    with lab.passing("deployed") as name:
        host = lab.host(name)
        run = Deployment(lab, host, releases[0]).orchestrate()
        assert run.rc == 0, run
        snapshot = lab.snapshot(host, "deployed")
    return snapshot


@pytest.fixture
def deployed_host(lab, releases, deployed_snapshot, request):
    """A deployment on a host that is deployed with the oldest release: a clone of its own for each test."""
    with lab.passing(_name(request)) as name:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, name), releases[0])
        deployment.wait_until_healthy()
        yield deployment


def _name(request) -> str:
    """A host name of at most 12 characters from the test's name."""
    words = request.node.name.removeprefix("test_").replace("[", "-").replace("]", "").replace("_", "-")
    return "".join(c for c in words if c.isalnum() or c == "-")[:12].strip("-").lower()


@pytest.fixture
def local():
    """Put a file among the controller's own (git-ignored) ones; returns its salt:// URL.

    Their folder stays: tests of other workers may be about to use it. Each file's name is one test's alone.
    """
    made = []

    def put(name, content):
        folder = ROOT / "salt/mattermost/local"
        folder.mkdir(exist_ok=True)
        made.append(folder / name)
        made[-1].write_bytes(content)
        return f"salt://mattermost/local/{name}"

    yield put
    for path in made:
        path.unlink(missing_ok=True)
