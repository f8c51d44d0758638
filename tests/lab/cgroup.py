"""Control groups: how the lab owns, finds and ends its processes.

Every host and every service lives in a control group of its own below the
instance's mark, so "does it run" and "end it" are questions to the kernel, never
to a process name or a pid file. Works with cgroup v1, v2 and both at once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from pathlib import Path

from tests.lab.errors import LabError

ROOT = Path("/sys/fs/cgroup")

# the outermost groups that this process has started something in
MADE = set()

# Enter the groups named before `--`, then become the command behind it.
_JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 1; shift; done; shift; exec "$@"'


def hierarchies(mounts=None):
    """The mount points of all control group hierarchies.

    mounts: text in the form of /proc/self/mounts, read from there by default.
    """
    if mounts is None:
        mounts = Path("/proc/self/mounts").read_text()
    found = []
    for line in mounts.splitlines():
        _, target, kind, *_ = line.split()
        path = Path(target)
        if kind in ("cgroup", "cgroup2") and (path == ROOT or path.parent == ROOT):
            found.append(path)
    return found


class Group:
    """One control group, by its path below the hierarchies' roots: ``mmlab0/chat``."""

    def __init__(self, path):
        self.path = path

    @property
    def directories(self):
        return [root / self.path for root in hierarchies() if (root / self.path).is_dir()]

    def command(self, command):
        """Create the group and return *command* (a list) wrapped so that it runs in it."""
        MADE.add(self.path.split("/")[0])
        roots = hierarchies()
        if not roots:
            raise LabError("No control groups are mounted below /sys/fs/cgroup: systemd hosts cannot run here.")
        doors = []
        for root in roots:
            directory = root / self.path
            try:
                directory.mkdir(parents=True, exist_ok=True)
                self._fill_cpuset(root, directory)
            except OSError as error:
                if error.errno == errno.EROFS:  # a machine that is itself a container gets some to look at only
                    continue
                raise LabError(f"Cannot make the control group {directory}: {error.strerror}.") from None
            doors.append(str(directory / "cgroup.procs"))
        if not doors:
            raise LabError(f"All control groups here are read-only ({', '.join(map(str, roots))}): no host can boot.")
        return ["sh", "-c", _JOIN, "lab-join", *doors, "--", *map(str, command)]

    @staticmethod
    def _fill_cpuset(root, directory):
        """A new v1 cpuset is empty and refuses processes: copy its parent's, top down."""
        chain = [directory, *directory.parents]
        for part in reversed(chain[: chain.index(root)]):
            for name in ("cpuset.cpus", "cpuset.mems"):
                own = part / name
                if own.exists() and (part / "cpuset.cpu_exclusive").exists() and not own.read_text().strip():
                    own.write_text((part.parent / name).read_text())

    def pids(self):
        """All live processes in the group and below it."""
        found = set()
        for directory in self.directories:
            # os.walk passes over groups that go away meanwhile; rglob raises
            for folder, _, _ in os.walk(directory):
                try:
                    found.update(int(line) for line in Path(folder, "cgroup.procs").read_text().split())
                except OSError:  # the group went away, or is a threaded one
                    continue
        return found - {0}

    def signal(self, number):
        """Send a signal to each process of the group."""
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self, timeout=20):
        """End every process at once, as a power cut would. timeout: seconds."""
        deadline = time.monotonic() + timeout
        while self.pids():
            if time.monotonic() > deadline:
                raise LabError(f"Processes of {self.path} survive SIGKILL: {sorted(self.pids())}.")
            for directory in self.directories:
                switch = directory / "cgroup.kill"
                if switch.exists():  # v1 has none
                    with contextlib.suppress(OSError):  # gone in between
                        switch.write_text("1")
            self.signal(signal.SIGKILL)
            time.sleep(0.02)

    def remove(self):
        """Remove the (empty) group in every hierarchy, deepest first."""
        for directory in self.directories:
            for path, _, _ in os.walk(directory, topdown=False):
                _rmdir(Path(path))


def _rmdir(path, attempts=50):
    # A group stays busy for a moment after its last process is gone.
    for _ in range(attempts):
        try:
            path.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)


def children(mark):
    """The names of the groups directly below *mark*, in any hierarchy."""
    names = set()
    for root in hierarchies():
        if (root / mark).is_dir():
            names.update(path.name for path in (root / mark).iterdir() if path.is_dir())
    return sorted(names)
