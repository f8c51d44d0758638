"""What the end of a host means for the tests behind it."""

import os
import subprocess
import sys

import pytest

from tests.repository import ROOT

CONFTEST = """
import pytest
from tests import summary
from tests.lab import again
from tests.lab.errors import LabError

class Host:
    def __init__(self, name):
        self.name, self.running, self.ssh = name, True, True
        HOSTS.append(self)
    def greets(self):
        return self.ssh
    def last_words(self):
        return ["File exists"]
    def remove(self):
        if self in HOSTS:
            HOSTS.remove(self)

HOSTS, MADE = [], []

class Lab:
    hosts = staticmethod(lambda: list(HOSTS))

agains = again.Again(lambda: Lab, stays=["trial"])

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    agains.before(item)

def pytest_runtest_logreport(report):
    agains.ended(report)

def pytest_terminal_summary(terminalreporter):
    summary.write(terminalreporter)

@pytest.fixture(scope="module")
def host():
    MADE.append(1)
    if len(MADE) in BROKEN:
        raise LabError("Host one went down while booting.")
    made = Host("one")
    yield made
    made.remove()

@pytest.fixture(scope="module")
def prepared(host):
    host.prepared = True
    yield host
    if not host.running:
        raise RuntimeError("no answer")
"""


@pytest.fixture
def ran(tmp_path):
    """Run tests (source text) with hosts of which those made in the attempts *broken* do not come up; returns pytest's output."""

    def run(text, broken=()):
        (tmp_path / "conftest.py").write_text(CONFTEST + f"\nBROKEN = {list(broken)!r}\n")
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -p no:xdist\n")
        (tmp_path / "test_it.py").write_text("from conftest import HOSTS, MADE, Host\n" + text)
        command = [sys.executable, "-m", "pytest", "-q", "--reruns=0", "."]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    return run


def test_a_dead_host_costs_one_test_and_is_told_once(ran):
    said = ran("""
def test_kills(prepared): prepared.running = False; assert 0
def test_next(prepared): assert prepared.running and prepared.prepared and len(MADE) == 2
def test_last(prepared): assert prepared.running and prepared.prepared and len(MADE) == 2
""")
    assert "1 failed, 2 passed" in said
    assert said.count("Host one is down after test_it.py::test_kills") == 1
    assert "File exists" in said
    assert "and on clearing away: no answer" in said


@pytest.mark.exhaustive
def test_a_host_without_ssh_behind_a_failed_test_is_made_again(ran):
    said = ran("""
import tests.lab.again
tests.lab.again.wait_until = lambda asked, what, **_: asked()
def test_fails(host): host.ssh = False; assert 0
def test_next(host): assert host.ssh
def test_passes(host): host.ssh = False
def test_last(host): assert not host.ssh  # nobody asks behind a test that passed
""")
    assert "1 failed, 3 passed" in said
    assert "is up, but without ssh" in said


@pytest.mark.exhaustive
def test_a_host_that_never_came_up_gets_another_chance(ran):
    said = ran("def test_first(host): pass\ndef test_next(host): pass\ndef test_last(host): pass\n", broken=[1])
    assert "2 passed, 1 error" in said
    assert said.count("test_it.py::test_next\nHost one went down while booting.") == 1


@pytest.mark.exhaustive
def test_a_host_that_cannot_come_up_is_not_tried_for_ever(ran):
    text = "".join(f"def test_{number}(host): pass\n" for number in range(6))
    said = ran(text + "def test_made(): assert len(MADE) == 3\n", broken=range(1, 9))
    assert "1 passed, 6 errors" in said


@pytest.mark.exhaustive
def test_the_hosts_of_a_person_stay(ran):
    said = ran("def test_first():\n Host('trial').running = False\ndef test_next(): assert HOSTS\n")
    assert "2 passed" in said


@pytest.mark.exhaustive
def test_a_second_try_is_counted_and_told(ran):
    said = ran(
        "import pytest\n@pytest.mark.flaky(reruns=1)\n"
        "def test_race(): MADE.append(1); assert len(MADE) == 2, 'too soon'\n"
    )
    assert "1 passed, 1 rerun" in said
    assert "1 test needed another try" in said
    assert "too soon" in said
