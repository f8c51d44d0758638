"""The server's account at work while root is."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import tempfile
from pathlib import Path

SERVER = pwd.getpwnam("daemon")  # plays the server's account
EXCHANGE = 2  # of renameat2(2)


@contextlib.contextmanager
def world(folders):
    """A folder that the account can enter, for the length of a ``with``, with *folders* in it."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="attack-") as name:
        path = Path(name)
        path.chmod(0o755)
        for folder in folders:
            (path / folder).mkdir(parents=True)
        yield path


@contextlib.contextmanager
def at_work(act, *arguments):
    """Have the account call *act* again and again for the length of a ``with``. A fork: it may not be able to start this Python."""
    racer = os.fork()
    if not racer:
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setgid(SERVER.pw_gid)
            os.setuid(SERVER.pw_uid)
            while True:
                act(*arguments)
        os._exit(1)
    try:
        yield
        assert os.waitpid(racer, os.WNOHANG) == (0, 0), "the account did not go on"
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(racer, signal.SIGKILL)
            os.waitpid(racer, 0)


def exchange(places, libc=ctypes.CDLL(None)):  # noqa: B008
    """Exchange each of *places* with the link PLACE-link, in one step."""
    for place in map(os.fsencode, places):
        libc.renameat2(-100, place, -100, place + b"-link", EXCHANGE)
