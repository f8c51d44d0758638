"""Wait for another program that installs packages on the host, such as its own unattended upgrade, and say which one it is.

Also for what the controller began to fetch before Salt was here (``stages/ahead.py``).

.. code-block:: yaml

    no-other-program-installs-packages:
      mattermost_package_lock.free:
        - pkgs: [nginx]

Salt's own state tries apt again and again, after pauses of up to 17 minutes, and names nobody.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time

import mattermost_packages
import mattermost_progress
import salt.utils.pkg
from mattermost_answer import answer as _ret
from mattermost_packages import AHEAD, PackageError, Packages

LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock", "/var/lib/rpm/.rpm.lock")
KEPT = "mattermost_package_lock.ahead"  # in __context__: the file whose lock this process has
YUM = "/run/yum.pid"  # yum 3 has no lock on a file: it writes its number
FRESH = 600  # seconds that package lists are as good as new: what a run needs from their download to here
LONGEST = 900  # seconds; an upgrade of a whole system takes minutes
PAUSE = 0.2
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux


def free(name, pkgs):
    """Wait until nobody else installs packages, when one of *pkgs* is missing.

    name: only the state's name. pkgs: as of Salt's ``pkg.installed``. Never reports a change; result False, with who it is, after ``LONGEST`` seconds.
    """
    began, waited = time.monotonic(), ""
    wanted = {package if isinstance(package, str) else next(iter(package)) for package in pkgs}
    while not __opts__["test"] and (holder := _ahead() or _holder()):
        try:
            if wanted <= set(Packages().names()):
                break
        except PackageError as err:
            return _ret(name, False, f"{err}.")
        waited = f" This run waited for {holder}."
        if time.monotonic() - began > LONGEST:
            return _ret(
                name,
                False,
                f"This run waited {LONGEST // 60} minutes for {holder}, because only one program at a time can install packages. "
                "See on the host what that program does: ps -ef --forest. When that program has ended, start this run again.",
            )
        mattermost_progress.tell_part("installing packages:", holder)
        time.sleep(PAUSE)
    mattermost_progress.tell_part("installing packages:")
    if KEPT in __context__:
        _use_what_was_fetched(__context__[KEPT])
    if __opts__["test"]:
        return _ret(name, True, "A dry run does not wait for other programs that install packages.")
    return _ret(name, True, f"No other program keeps this run from installing its packages.{waited}")


def _ahead() -> str:
    """Take the lock of who fetches packages ahead of Salt, until this process ends; return who has it, or ""."""
    file = __context__.get(KEPT) or open(AHEAD, "a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return "the package download that this run began"
    __context__[KEPT] = file
    return ""


def _use_what_was_fetched(file) -> None:
    """Spare Salt the package lists that were fetched a moment ago. file: of the lock, with the uptime at that moment and the number of packages."""
    file.seek(0)
    uptime, _, number = file.read(64).partition("\n")
    with open("/proc/uptime", encoding="ascii") as now:
        if uptime and 0 <= float(now.read().split()[0]) - float(uptime.split()[0]) < FRESH:
            salt.utils.pkg.clear_rtag(__opts__)  # what makes the next of Salt's package states fetch the lists
            if number.strip().isdigit():
                mattermost_progress.tell_part("packages", mattermost_packages.arrived(int(number)))


def _holder() -> str:
    """Return the program that installs packages, and its number, or ""."""
    for path in LOCKS:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, *_, number = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        finally:
            os.close(descriptor)
        if kind != fcntl.F_UNLCK:
            return f"{_program(number) or 'a program'} (process {number})"
    try:
        with open(YUM, encoding="ascii") as file:
            number = int(file.read())
    except (OSError, ValueError):
        return ""
    found = _program(number)
    return f"{found} (process {number})" if "yum" in found else ""


def _program(number: int) -> str:
    """Return the name of the program that a process runs, its script's where that has an interpreter; "" when it is gone."""
    try:
        with open(f"/proc/{number}/cmdline", encoding="utf-8", errors="replace") as file:
            words = file.read().split("\0")
    except OSError:
        return ""
    words = [word for word in words if word and not word.startswith("-")]
    is_script = len(words) > 1 and os.path.basename(words[0]).startswith(("python", "perl", "sh", "bash"))
    return os.path.basename(words[1 if is_script else 0]) if words else ""
