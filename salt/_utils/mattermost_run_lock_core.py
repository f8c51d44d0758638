"""Where the lock of a run is on a host, who holds it, and which changes of the host a run never meets. The states are mattermost_run_lock's."""

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


def replacing(paths: dict) -> dict:
    """Return the files that are there while the server's data or its login are replaced: for each, what it is and how it is ended."""
    restore = "A restore", "systemctl start mattermost-restore-back"
    rotation = "A change of the database password", "mattermost-new-database-password wait"
    return {
        **{f"{paths['work']}/backup/{mark}": restore for mark in ("open", "undone", "restored")},
        f"{paths['settings']}/secrets/rotation/begun": rotation,
    }


def first_of(changes: dict) -> str:
    """Return a sentence on the first of *changes* (as of `replacing`) that has begun and not ended, empty when there is none."""
    there = next((said for path, said in changes.items() if os.path.exists(path)), None)
    return f"{there[0]} has not ended. To complete it or roll it back, run on the host: {there[1]}" if there else ""
