"""What Ctrl-C says: that a host goes on with what it has begun, and how to follow it."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys

STATUS = 130  # what a shell reports of a program that Ctrl-C ended
_hosts: list[str] = []  # of this run, once they are known


def remember(hosts: list[str]) -> None:
    """Note the *hosts* of this run."""
    _hosts[:] = hosts


def words() -> str:
    """Return the two lines."""
    where = ", ".join(_hosts) or "a host"
    return (
        f"Interrupted, but the work that this run has begun on {where} continues there.\n"
        "To see whether that work has ended, run: salt-run state.orchestrate mattermost.status. When the status names no run in progress, start the interrupted command again."
    )


def take_over() -> None:
    """End this process on Ctrl-C with `words` and STATUS, once what was open is closed; at once on a second one.

    Trouble: Salt raises SystemExit(0), which its own runner catches, prints as a traceback and then goes on from.
    """
    first, before, stopped = os.getpid(), sys.excepthook, []

    def stop(*_):
        if stopped or os.getpid() != first:  # each host has a process of its own, which Ctrl-C reaches too
            os._exit(STATUS)
        stopped.append(True)
        os.write(2, f"\n{words()}\n".encode())  # print cannot be called again from within itself
        raise KeyboardInterrupt

    def last(*what):
        if stopped:  # whatever it became on its way up through Salt
            _end()
        before(*what)

    signal.signal(signal.SIGINT, stop)
    sys.excepthook = last
    atexit.register(lambda: stopped and _end())


def _end():
    sys.stdout.flush()
    for process in multiprocessing.active_children():
        process.terminate()
    os._exit(STATUS)
