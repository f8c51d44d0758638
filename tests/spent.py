"""Processor seconds: of the process that runs tests, of all that it started and of its labs' hosts.

What else the machine does changes how long a test takes, not these.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from tests.lab import cgroup

# a group for each process that runs tests, named by its ID; empty ones go away with the next that begins
OURS = "mmtests"
_last = 0.0
_groups = []  # the directories of this process's own group that count; looked for once, for each test asks three times


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    if session.config.getoption("dist", "no") == "no":  # else the workers run them
        begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Each phase of a test says what it cost."""
    global _last
    report = yield
    before, _last = _last, now()
    report.cpu = max(0.0, _last - before)
    return report


def begin() -> None:
    """Count from now on; with root also what this process starts and never waits for."""
    global _last
    _groups.clear()
    for root in cgroup.hierarchies():
        with contextlib.suppress(OSError):
            for left in (root / OURS).glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    left.rmdir()
            if _seconds(root) is not None or (root / "cgroup.controllers").exists():
                own = root / OURS / str(os.getpid())
                own.mkdir(parents=True, exist_ok=True)
                (own / "cgroup.procs").write_text(str(os.getpid()))
                _groups.append(own)
    _last = now()


def now() -> float:
    """Seconds so far."""
    labs = (_most(cgroup.Group(name).directories) for name in cgroup.MADE)
    return (_most(_groups) or sum(os.times()[:4])) + sum(labs)


def _most(directories) -> float:
    return max((_seconds(directory) or 0.0 for directory in directories), default=0.0)


def _seconds(directory: Path) -> float | None:
    """What a control group used: version 1 has a file for it, version 2 a line."""
    with contextlib.suppress(OSError):
        return int((directory / "cpuacct.usage").read_text()) / 1e9
    with contextlib.suppress(OSError, KeyError):
        lines = (line.split() for line in (directory / "cpu.stat").read_text().splitlines())
        return int(dict(lines)["usage_usec"]) / 1e6
    return None
