"""For every tier."""

import sys

import salt._logging

# Salt puts an import hook of the old kind on sys.meta_path; pytest's importlib mode asks every hook for find_spec, and
# Python itself has ignored hooks without it since 3.12.
sys.meta_path[:] = [hook for hook in sys.meta_path if hasattr(hook, "find_spec")]

# Salt's early handler writes to the stderr of import time, which pytest has closed by the time it flushes.
salt._logging.shutdown_temp_handler()


def pytest_terminal_summary(terminalreporter):
    """A test that passed only at its second try says why the first one failed, so that a race is found and mended."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"passed or failed only at another try: {report.nodeid}", "-")
        terminalreporter.write_line(report.longreprtext[-3000:])
