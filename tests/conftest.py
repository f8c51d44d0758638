"""For every tier."""

import sys

import salt._logging

from tests import summary

# Salt puts an import hook of the old kind on sys.meta_path; pytest's importlib mode asks every hook for find_spec, and
# Python itself has ignored hooks without it since 3.12.
sys.meta_path[:] = [hook for hook in sys.meta_path if hasattr(hook, "find_spec")]

# Salt's early handler writes to the stderr of import time, which pytest has closed by the time it flushes.
salt._logging.shutdown_temp_handler()


def pytest_terminal_summary(terminalreporter):
    summary.write(terminalreporter)
