"""One run at a time in a checkout. Held by this process until it ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time

_held = {}


class BusyError(RuntimeError):
    """Another run holds the lock; the text says who."""


def acquire(root_dir: str, what: str) -> None:
    """Take the checkout's run lock, once per process. Raises BusyError when another run has it.

    root_dir: Salt's root directory of the checkout. what: words for the other side, e.g. the orchestration's name.
    """
    path = os.path.join(root_dir, "run.lock")
    if path in _held:
        return
    os.makedirs(root_dir, exist_ok=True)
    file = open(path, "a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        file.seek(0)
        holder = file.read().strip() or "an unknown process"
        file.close()
        raise BusyError(
            f"Another run is in progress in this checkout: {holder}. Start again when it has ended."
        ) from err
    file.truncate(0)
    file.write(f"{what}, process {os.getpid()}, since {time.strftime('%H:%M:%S')}")
    file.flush()
    _held[path] = file
