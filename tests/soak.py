"""The long sets: ``python -m tests.soak [--only PART] [--seed N]``. Each part ends within an hour and prints what it came to.

A further part is an entry in `PARTS`, and tests marked ``@pytest.mark.soak("PART")`` (some parameters of a test: `only_some`).
Other runs leave these out. The fixture ``seed`` is the number that the part printed.

`make test` asks of each operation on a host: its main path on one platform, one refusal, one fault or interruption. What else
can happen there is asked on made-up hosts (`tests/unit/hostprogram`, `tests/attack`). The parts from ``records`` on ask the rest;
who changes what they ask runs them once.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import proved

ROOT = proved.ROOT
HOUR = 3600


@dataclass
class Part:
    """tests: arguments for pytest. marked: only what is marked for the part. passed: done when all of it passed.

    share: what one worker asks as a whole, as of pytest-xdist's ``--dist``; "load" where no two tests have a host in common.
    """

    asks: str
    tests: list
    marked: bool = True
    share: str = "loadfile"
    passed: list = field(default_factory=list)


PARTS = {
    "conformance": Part(
        "does the stand-in keep the server's contract",
        ["tests/conformance"],
        marked=False,
        passed=[lambda: proved.RECORD.write_text(proved.now() + "\n")],
    ),
    "kills": Part("programs and controllers that are killed, where `make test` cuts the power", ["tests/scenarios"]),
    "settings": Part(
        "5,000 made-up settings: does what is accepted make files that programs take", ["tests/unit/properties"]
    ),
    "owned": Part(
        "each operation on a host whose server is taken over, then drawn ones while it makes things hard",
        ["tests/scenarios"],
    ),
    "minion": Part(
        "a bare host is deployed by its minion, one deployed over ssh is taken over and operated; faults of both sides",
        ["tests/scenarios", "tests/engine"],
    ),
    "pairs": Part("two operations on one host: who waits, who refuses, who goes on", ["tests/unit/hostprogram"]),
    "power-cut-restore": Part("a restore whose power is cut after each of its changes", ["tests/attack"], share="load"),
    "power-cut-rotation": Part("a rotation of the database's password, likewise", ["tests/attack"], share="load"),
    "power-cut-switch": Part("an upgrade, a rollback and what undoes them, likewise", ["tests/attack"], share="load"),
    "power-cut-postgresql": Part("an upgrade of PostgreSQL, likewise", ["tests/attack"], share="load"),
    "power-cut-deploy": Part("what a deploy writes and a removal takes away, likewise", ["tests/attack"], share="load"),
    "power-cut-import": Part("an import in place, likewise", ["tests/attack"], share="load"),
    "power-cut-move": Part("both hosts of a move, likewise", ["tests/attack"], share="load"),
    "records": Part("upgrades and ways back that fail or are interrupted at each further record", ["tests/scenarios"]),
    "elsewhere": Part("further imports, moves and restores", ["tests/scenarios"]),
    "el": Part("further operations on hosts shaped like EL 7 and 8", ["tests/scenarios"]),
    "web": Part("further changes of certificates, nginx and the firewall", ["tests/scenarios"]),
    "checks": Part(
        "further faults that preflight, verify, status, a backup and a deploy must name", ["tests/scenarios"]
    ),
}


def only_some(part, values, *every) -> list:
    """*values* for ``parametrize``: those in *every* are asked in every run, the others in *part* alone."""
    return _marked(pytest.mark.soak(part), values, every)


def in_check(values, *every) -> list:
    """*values* for ``parametrize`` or a fixture: `make check` asks those in *every*, `make test` the others too."""
    return _marked(pytest.mark.exhaustive, values, every)


def _marked(mark, values, every) -> list:
    missing = [value for value in every if value not in values]
    assert not missing, f"no such values: {missing}"
    return [
        value if value in every else pytest.param(*(value if isinstance(value, tuple) else [value]), marks=mark)
        for value in values
    ]


def pytest_arguments(name, seed, workers, report) -> list:
    part = PARTS[name]
    mark = ["--soak", name] if part.marked else []
    split = ["-n", str(workers), "--dist", part.share]
    return [*part.tests, *mark, f"--seed={seed}", f"--junit-xml={report}", "-q", "--durations=5", *split]


def counted(report) -> dict:
    """How many tests there were, and how many of them failed or were skipped. report: pytest's file in JUnit's form."""
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    return {key: sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")}


def run(name, seed, workers, limit=HOUR) -> bool:
    """Run a part, print what it came to, return whether all of it passed. limit: seconds."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *pytest_arguments(name, seed, workers, report)]
        print(f"soak {name}: {PARTS[name].asks}; seed {seed}", flush=True)
        try:
            status = subprocess.run(command, cwd=ROOT, timeout=limit).returncode
        except subprocess.TimeoutExpired:
            status = "did not end within its time"
        count = counted(report) if report.exists() else {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    passed = status == 0 and count["tests"] > 2 * count["skipped"]
    for done in PARTS[name].passed if passed else []:
        done()
    result = "passed" if passed else f"FAILED ({status})"
    numbers = ", ".join(f"{number} {what}" for what, number in count.items())
    print(f"soak {name}: {result}; seed {seed}; {numbers}; {time.monotonic() - begun:.0f} s", flush=True)
    return passed


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; all by default")
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to have the same again")
    parser.add_argument("--workers", type=int, default=3)
    options = parser.parse_args(arguments)
    seed = random.randrange(10**6) if options.seed is None else options.seed  # noqa: S311
    results = [run(name, seed, options.workers) for name in options.only or PARTS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
