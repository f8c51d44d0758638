"""Which of our files go with a removal and which stay, on given paths; and how they go."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import shutil
import signal
import subprocess
import time

import mattermost_baseline_record as records
import mattermost_commands as commands
import mattermost_remove_core as core
import mattermost_run_lock_core as run_lock
from mattermost_packages import AHEAD
from mattermost_release_tree import current

PROGRAMS = (
    *(f"/usr/local/sbin/mattermost-{name}" for name in core.NAMES.split()),
    "/usr/local/lib/mattermost",
    "/etc/tmpfiles.d/mattermost-salt.conf",
    "/etc/tmpfiles.d/mattermost-logs.conf",
    *(f"/run/mattermost-{name}{rest}" for name in core.NAMES.split() for rest in ("", ".*")),
    AHEAD,
)
UNITS = "/etc/systemd/system"
MOUNTS = "/proc/mounts"
STAMPS = "/var/lib/systemd/timers"
STATE = ("config", "data", "logs", "plugins", "client-plugins", "replaced-*", ".restore-*", "imported-*")
DERIVED = ("*.conf",)  # each deploy writes them from the settings
SETTINGS = (*DERIVED, "environment", "first-admin-login", "certificate", "secrets")
WORK_KEPT = ("before.json", "bundle", "config.json", "certificates.json", "backup", "postgresql")
BACKUP_KEPT = ("known", "last-good", "backup-report", "rejected-*")
RESTIC = ("config", "data", "index", "keys", "locks", "snapshots")


def unfinished(paths):
    """Return a sentence on the change of this host that was cut short and ends yet, empty when there is none."""
    work = paths["work"]
    ends = {
        f"{work}/postgresql/journal": ("An upgrade of PostgreSQL", "mattermost-postgresql wait"),
        f"{work}/switch/journal": ("An upgrade or rollback", "mattermost-switch wait"),
        f"{work}/aside/journal": ("An import", "mattermost-aside back (rolls the import back)"),
        **run_lock.replacing(paths),
    }
    return run_lock.first_of(ends)


def is_elsewhere(repository: str) -> bool:
    """Say whether a repository of backups lies on another machine, links followed."""
    # a name in it may hold any byte; the kernel writes a blank and a newline in digits, but no carriage return
    with open(MOUNTS, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        place = os.path.realpath(repository) if repository.startswith("/") else repository
        return core.is_elsewhere(place, file.read())


def found(patterns) -> list[str]:
    """Return what is there of *patterns* (shell patterns of absolute paths)."""
    return sorted({path for pattern in patterns for path in glob.glob(pattern) if os.path.lexists(path)})


def sites(folder: str) -> list[str]:
    """Return our files in nginx's *folder* of sites, known by their first lines; a site of others may be called alike."""
    return [path for path in inside(folder, ["mattermost-*.conf"]) if b"Managed by Salt (mattermost" in _start(path)]


def _start(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1000)
    except OSError:
        return b""


def inside(folder: str, names) -> list[str]:
    """Return what *folder* has of *names* (shell patterns)."""
    return found(os.path.join(glob.escape(folder), name) for name in names)


def units() -> list[str]:
    """Return our unit files, their drop-ins and the links that start them; the server's own may be another's, which an import put back."""
    server = [] if records.is_foreign(f"{UNITS}/mattermost.service") else ["mattermost.service"]
    ours = found(
        [
            *(f"{UNITS}/{name}" for name in server),
            *(f"{UNITS}/mattermost.service.d/{name}" for name in (core.DROPINS if server else ())),
        ]
    )
    rest = found([f"{UNITS}/mattermost-*", f"{UNITS}/*.wants/mattermost*", f"{STAMPS}/stamp-mattermost-*"])
    for path in rest:
        name = os.path.basename(path).removeprefix("stamp-")
        if core.is_ours(name) or name in server:
            ours.append(path)
    return sorted(ours)


def apt_sources(root: str = "/") -> list[str]:
    """Return our source of apt and its key; none while a PostgreSQL is installed, which gets its updates from there."""
    if glob.glob(f"{root}usr/lib/postgresql/*/bin/postgres"):
        return []
    return found([f"{root}etc/apt/sources.list.d/mattermost-*.sources", f"{root}etc/apt/keyrings/mattermost-*.asc"])


def versions(install: str) -> list[str]:
    """Return the trees of releases, whole and begun ones, and those that an import left beside."""
    names = os.listdir(install) if os.path.isdir(install) else []
    return [
        *found([f"{install}.coming"]),
        *(os.path.join(install, name) for name in sorted(names) if re.fullmatch(r"\d+\.\d+\.\d+|\.unpack-.*", name)),
    ]


def kept_version(install: str) -> str:
    """Return the version that the kept data belong to, as ``current`` names it."""
    return current(install) or "none"


def kept_aside(paths: dict) -> list[str]:
    """Return what goes when the data stay: programs, what a deploy writes anew, what was only under way.

    ``current`` stays: it names the version that the data belong to.
    """
    work = paths["work"]
    going = versions(paths["install"]) + inside(paths["settings"], DERIVED)
    if os.path.isdir(work):
        going += [os.path.join(work, name) for name in sorted(os.listdir(work)) if name not in (*WORK_KEPT, "put-away")]
    folder = os.path.join(work, "backup")
    if os.path.isdir(folder):
        kept = inside(folder, BACKUP_KEPT)
        going += [path for name in sorted(os.listdir(folder)) if (path := os.path.join(folder, name)) not in kept]
    return going


def everything(paths: dict, made, password: str) -> list[str]:
    """Return what goes with a purge, but for the record of what was there before.

    made: asked with a path, says whether a deploy made that directory; then all that is in it goes, else only what is
    known to be ours. password: file of the secrets that must outlive it, empty for none; those that it replaced do as well.
    """
    going = []
    known = {
        paths["install"]: lambda: [*versions(paths["install"]), *inside(paths["install"], ("current", "current.new"))],
        paths["state"]: lambda: inside(paths["state"], STATE),
        paths["settings"]: lambda: inside(paths["settings"], SETTINGS),
    }
    for folder, parts in known.items():
        going += (
            [folder] if made(folder) and os.path.isdir(folder) and not password.startswith(folder + "/") else parts()
        )
    if password:
        store = os.path.dirname(password)
        going = [path for path in going if path != store]
        going += [
            path
            for path in inside(store, ("*", ".*"))
            if not path.startswith(password) and os.path.basename(path) not in (".", "..")  # nor one that it replaced
        ]
    if os.path.isdir(paths["work"]):
        work = paths["work"]
        going += [os.path.join(work, name) for name in sorted(os.listdir(work)) if name != "before.json"]
    return going


def remove(path: str) -> None:
    """Remove a file, a link or a directory with all that is in it; where a file system is mounted only what is on it."""
    if os.path.isdir(path) and not os.path.islink(path):
        faults = []
        try:
            shutil.rmtree(path, onerror=lambda _call, _place, error: faults.append(error[1]))
        except RecursionError as error:
            faults.append(error)
        if any(isinstance(fault, RecursionError) or fault.errno == errno.EMFILE for fault in faults):
            faults = []  # the server made folders deeper than Python goes
            trouble = commands.failure("rm", "-rf", "--one-file-system", "--", path)
            if trouble:
                raise OSError(trouble)
        for fault in faults:
            if fault.errno not in (errno.EBUSY, errno.ENOTEMPTY):
                raise fault
    elif os.path.lexists(path):
        os.unlink(path)


def end_processes(uid: int) -> None:
    """End what still runs as account *uid*: a program that was started before its package went."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(50):  # 5 s
            running = [int(each) for each in os.listdir("/proc") if each.isdigit() and _owner(f"/proc/{each}") == uid]
            for process in running:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, number)
            if not running:
                return
            time.sleep(0.1)


def _owner(path: str) -> int:
    try:
        return os.stat(path).st_uid
    except FileNotFoundError:
        return -1


def give_to_root(uid: int, start: str = "/") -> None:
    """Give what account *uid*, of which nothing runs any more, owns on the file system of *start* to root.

    By find: the account may have made folders deeper than Python goes, whose paths together are larger than the memory.
    """
    command = ["find", start, "-xdev", "-uid", str(uid), "-execdir", "chown", "-h", "root:root", "{}", "+"]
    subprocess.run(command, stdin=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, check=False)


def prune_empty(folder: str, were_there) -> None:
    """Remove *folder*, which was not there before us, as far as there is no file in it; one that was there stays."""
    if folder in were_there:
        return
    for top, folders, _ in os.walk(folder, topdown=False):
        for each in (*(os.path.join(top, name) for name in folders), top):
            with contextlib.suppress(OSError):  # not empty, a link or a mount
                os.rmdir(each)
    prune(folder, were_there)


def prune(path: str, were_there) -> None:
    """Remove *path* and the directories above it as far as they are empty and were not there before us."""
    while path not in ("", "/") and path not in were_there:
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError:  # not empty, or mounted
            return
        path = os.path.dirname(path)
