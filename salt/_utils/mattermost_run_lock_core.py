"""Where the lock of a run is on a host, and who holds it. The state that takes it is mattermost_run_lock.acquired."""

from __future__ import annotations

import os

# only root can make or open anything there, while /run/lock is everybody's on Debian; tools.sh says it to the host programs
LOCK = "/run/mattermost-deploy/lock"
FORMER = "/run/lock/mattermost-deploy.lock"  # until 2026-11; a run of that tree may still be at work


def holder_of(path: str) -> str:
    """Return which process of root holds the lock at *path*, else "".

    Anybody may hold a lock in a directory that everybody can write, so other accounts' processes do not count.
    """
    try:
        info = os.lstat(path)
        with open("/proc/locks", encoding="ascii") as file:
            locks = [line.split() for line in file]
    except OSError:
        return ""
    place = f"{os.major(info.st_dev):02x}:{os.minor(info.st_dev):02x}:{info.st_ino}"
    for fields in locks:
        if place in fields and fields[1] == "FLOCK":
            try:
                if os.stat(f"/proc/{fields[4]}").st_uid == 0:
                    return f"process {fields[4]}"
            except OSError:
                continue
    return ""
