"""For every tier."""

import gc
import logging
import os
import shutil
import sys
from pathlib import Path

import pytest
import salt._logging
import yaml

from tests import summary
from tests.spent import pytest_runtest_makereport, pytest_runtestloop  # noqa: F401  hooks

TRIED_AGAIN = ("scenarios", "lab_self")

# Salt puts an import hook of the old kind on sys.meta_path; pytest's importlib mode asks every hook for find_spec, and
# Python itself has ignored hooks without it since 3.12.
sys.meta_path[:] = [hook for hook in sys.meta_path if hasattr(hook, "find_spec")]

# pyenv's python3 is a script that starts twenty programs to find the real one; the programs of hosts ask for it often.
if Path(shutil.which("python3") or "").parent.name == "shims":
    os.environ["PATH"] = f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"

# Modules read the schema and other long files when they are imported; what the tests themselves read is read by Python's own.
_OF_PYTHON, yaml.SafeLoader = yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Salt's early handler writes to the stderr of import time, which pytest has closed by the time it flushes.
salt._logging.shutdown_temp_handler()

# Salt's loggers write down everything, and pytest keeps it: 600 MB for one test of the long set of settings.
logging.disable(logging.INFO)


def pytest_configure(config):
    """Only tests on hosts may be tried again. Others are left alone: to ask how often would cost more than most of them."""
    folders = (folder for folder in Path(__file__).parent.iterdir() if folder.is_dir())
    config.option.rerun_exclude_path = [str(folder) for folder in folders if folder.name not in TRIED_AGAIN]


def pytest_addoption(parser):
    parser.addoption("--soak", help="only the tests of this part of `make soak` (tests/soak.py)")
    parser.addoption("--seed", type=int, default=0, help="what random tests begin with")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is collected stays: looking through it for garbage was a third of the time, and would be in each run of the collector."""
    gc.disable()
    try:
        return (yield)
    finally:
        yaml.SafeLoader = _OF_PYTHON
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def seed(request):
    """What a random test begins with; the run's end says it (tests/soak.py)."""
    return request.config.getoption("--seed")


def pytest_collection_modifyitems(config, items):
    """Leave out what is another run's."""
    part = config.getoption("--soak")
    elsewhere = [item for item in items if part != _part(item)]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if part == _part(item)]


def _part(item):
    mark = item.get_closest_marker("soak")
    return mark.args[0] if mark else None


def pytest_terminal_summary(terminalreporter):
    summary.write(terminalreporter)
