"""One run at a time in a checkout, or on a Salt master. Held by this process until it ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time

_held = {}


class BusyError(RuntimeError):
    """The lock cannot be had; the text says who holds it, or why."""


def opened(path: str, mode: str):
    """Return the open file of a lock. Only its owner can open it from now on: who can read a file can hold its lock."""
    file = open(path, mode, encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600))
    with contextlib.suppress(PermissionError):  # the file of another user, who let this one in
        os.fchmod(file.fileno(), 0o600)
    return file


def acquire(opts: dict, what: str) -> None:
    """Take the checkout's run lock, once per process. Raises BusyError when another run has it.

    opts: the master's; its root directory is the checkout's own, or the machine's. what: words for the other side, e.g. the orchestration's name.
    """
    folder, place = (
        (opts["cachedir"], "on this Salt master") if opts["root_dir"] == "/" else (opts["root_dir"], "in this checkout")
    )
    path = os.path.join(folder, "run.lock")
    if path in _held:
        return
    os.makedirs(folder, exist_ok=True)
    try:
        file = opened(path, "a+")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        file.seek(0)
        holder = file.read().strip() or "an unknown process"
        file.close()
        raise BusyError(f"Another run is in progress {place}: {holder}. Start again when that run has ended.") from err
    except OSError as err:
        raise BusyError(
            f"The file {path} cannot be locked: {err.strerror}. Run this command as the owner of that file, from a local disk."
        ) from err
    file.truncate(0)
    file.write(f"{what}, process {os.getpid()}, since {time.strftime('%H:%M:%S')}")
    file.flush()
    _held[path] = file
