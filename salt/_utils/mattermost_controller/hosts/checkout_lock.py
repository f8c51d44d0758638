"""One run at a time in a checkout, or on a Salt master. Held by this process until it ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time

_held = {}


class BusyError(RuntimeError):
    """Another run holds the lock; the text says who."""


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
    file = open(path, "a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        file.seek(0)
        holder = file.read().strip() or "an unknown process"
        file.close()
        raise BusyError(f"Another run is in progress {place}: {holder}. Start again when that run has ended.") from err
    file.truncate(0)
    file.write(f"{what}, process {os.getpid()}, since {time.strftime('%H:%M:%S')}")
    file.flush()
    _held[path] = file
