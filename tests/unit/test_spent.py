"""The cost of a test is measured whatever else the machine does."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from tests import spent, summary
from tests.repository import ROOT

BURN = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"


@pytest.mark.exhaustive
def test_what_a_child_used_counts_and_waiting_does_not():
    before = spent.now()
    subprocess.run(["python3", "-c", BURN], check=True)
    used = spent.now() - before
    assert used > 0.45
    time.sleep(1)
    assert spent.now() - before < used + 0.5


@pytest.mark.skipif(os.geteuid() != 0, reason="NO ROOT: only control groups know of processes without a parent.")
def test_what_is_left_without_a_parent_counts_too(tmp_path):
    done = tmp_path / "done"
    before = spent.now()
    subprocess.run(["setsid", "--fork", "sh", "-c", f"python3 -c '{BURN}'; touch {done}"], check=True)
    for _ in range(600):
        if done.exists():
            break
        time.sleep(0.05)
    assert spent.now() - before > 0.45


@pytest.mark.exhaustive
def test_each_phase_of_a_test_says_what_it_cost(tmp_path):
    (tmp_path / "conftest.py").write_text(
        "from tests.spent import pytest_runtest_makereport, pytest_runtestloop\n"
        "def pytest_runtest_logreport(report):\n    print(report.when, 'cost much' if report.cpu > 0.45 else 'cost little')\n"
    )
    (tmp_path / "test_it.py").write_text(f"def test_burns():\n    {BURN.splitlines()[0]}\n    {BURN.splitlines()[1]}\n")
    command = f"{sys.executable} -m pytest -s -p no:cacheprovider -c /dev/null --rootdir {tmp_path} {tmp_path}".split()
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60).stdout
    assert [phase for phase in ("setup", "call", "teardown") if f"{phase} cost much" in said] == ["call"]
    assert "setup cost little" in said


def test_what_cost_most_comes_first():
    reports = [
        SimpleNamespace(nodeid="tests/unit/test_a.py::test_one", duration=9.0, cpu=1.0),
        SimpleNamespace(nodeid="tests/render/test_b.py::test_two", duration=1.0, cpu=2.0),
        SimpleNamespace(nodeid="tests/unit/test_a.py::test_one", duration=1.0, cpu=0.5),
        SimpleNamespace(nodeid="tests/unit/test_a.py::test_three", duration=1.0),
    ]
    assert summary.spent_by(reports, summary._tier) == [("render", 1.0, 2.0), ("unit", 11.0, 1.5)]
    assert [name for name, *_ in summary.spent_by(reports, summary._test)][0] == "tests/render/test_b.py::test_two"
