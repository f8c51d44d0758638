"""A program of ours on a disk whose power is cut after each thing that it changes."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
import traceback

# what a program of ours changes something by, beside its own files
NAMES = "mv rm ln cp touch mkdir perl sync systemctl psql runuser usermod mattermost-switch pg_upgrade remove-new"
# Does what the stub, or else the real program, of its name does; after the call whose number is in "at" nothing runs any more. PostgreSQL
# flushes what it says is done, and with it all that the file system's log holds of others.
WRAPPER = r"""#!/bin/sh
name=${0##*/}
PATH=${PATH#"$CUT/bin:"}
databases() { ls -lR --time-style=full-iso $DATABASES; }
case $name in
    psql | runuser | pg_upgrade)
        before=$(databases)
        "$name" "$@"
        rc=$?
        [ "$before" != "$(databases)" ] || exit "$rc"
        /bin/sync $DATABASES $(find $DATABASES -type f) ;;
    sync)
        if [ "$#" = 0 ]; then /bin/sync -f "$DISK"; else /bin/sync "$@"; fi
        rc=$? ;;
    systemctl) # a server that migrates is started by it; PostgreSQL has each commit on disk
        before=$(databases)
        "$name" "$@"
        rc=$?
        [ "$before" = "$(databases)" ] || /bin/sync $DATABASES $(find $DATABASES -type f)
        case "$*" in *show* | *is-active*) exit "$rc" ;; esac ;;
    *)
        "$name" "$@"
        rc=$? ;;
esac
number=$(($(cat "$CUT/count") + 1))
echo "$number" >"$CUT/count"
echo "$name $*" >"$CUT/last"
# the program, and the group that `timeout` made for what runs here
[ "$number" != "$(cat "$CUT/at")" ] || { kill -9 "-$(cat "$CUT/group")"; kill -9 0; }
exit "$rc"
"""


class Cutter:
    """folder: off the disk. databases: the folders, relative to a host's, whose files are PostgreSQL's."""

    def __init__(self, disk, folder, databases=()):
        self.disk, self.folder, self.databases = disk, folder, databases
        (folder / "bin").mkdir(parents=True)
        for name in NAMES.split():
            (folder / "bin" / name).write_text(WRAPPER)
            (folder / "bin" / name).chmod(0o755)

    def run(self, host, command, environment, at):
        """Run *command* until its change number *at*; return whether it was cut there."""
        for name, value in {"count": 0, "at": at, "last": ""}.items():
            (self.folder / name).write_text(f"{value}\n")
        places = " ".join(f"{host}/{name}" for name in self.databases) or str(self.folder / "bin")
        own = {"CUT": str(self.folder), "DISK": str(self.disk.place), "DATABASES": places}
        path = {"PATH": f"{self.folder}/bin:{environment.get('PATH', os.environ['PATH'])}"}
        with subprocess.Popen(
            ["sh", "-c", 'echo "$$" >"$CUT/group"; exec "$@"', "sh", *command],
            env={**environment, **own, **path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as program:
            program.wait(120)
        _wait_for_the_end_of(program.pid)
        return program.returncode == -9

    def cuts(self, make, begin, each=1):
        """Yield ``(last call, host)`` for a cut after every *each*-th change. make: of a folder, a host. begin: of it, command and environment."""
        for at in itertools.count(1, each):
            folder = self.disk.place / "host"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            host = make(folder)
            self.disk.flush()
            if not self.run(folder, *begin(host), at):
                return
            self.disk.cut()
            yield (self.folder / "last").read_text().replace(str(folder), "").strip(), host


# what Python code changes a file system by, as it tells its audit hooks; "open" only to write
CHANGES = "os.rename os.remove os.rmdir os.link os.symlink os.mkdir os.chmod os.chown os.truncate shutil.rmtree subprocess.Popen".split()


def cuts_of_python(disk, make, change, each=1, log=False):
    """Yield ``(next call, host)`` for a cut before every *each*-th change that Python code makes. make: of a folder, a host. change: of it.

    log: another program has flushed a file of its own, and with it all that the file system's log held, names before contents.
    """
    for at in itertools.count(1, each):
        folder = disk.place / "host"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        host = make(folder)
        disk.flush()
        said, tell = os.pipe()
        child = os.fork()
        if child == 0:
            _changed_by_a_child(change, host, at, tell)
        os.close(tell)
        with open(said) as answer:
            last = answer.read().replace(str(folder), "")
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            assert last == "", last
            return
        if log:
            with open(disk.place / "other", "w") as other:
                other.write("x")
                other.flush()
                os.fsync(other.fileno())
        disk.cut()
        yield last, host


def _changed_by_a_child(change, host, at, tell):
    """In a child: make the change until its *at*-th step, then end at once, as a machine without power does."""
    left = at

    def hook(event, arguments):
        nonlocal left
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event not in CHANGES and not writes:
            return
        left -= 1
        if left == 0:
            os.write(tell, f"{event} {arguments[0]}".encode())
            os._exit(9)

    sys.addaudithook(hook)
    try:
        change(host)
    except BaseException:  # noqa: BLE001 - the parent says it
        os.write(tell, traceback.format_exc().encode())
    os._exit(0)


def _wait_for_the_end_of(group):
    """Wait until no process of the *group* is left: the last of them may still have a file of the disk open."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise TimeoutError(f"processes of the group {group} go on")


def empty(folder):
    """Have nothing in *folder*, as a boot does with /run."""
    shutil.rmtree(folder)
    folder.mkdir()


def each_is_whole(found, check):
    """Have `check` say what each host of `cuts` has come up as; return how often each. A failure names the call that was the last."""
    seen = {}
    for last, host in found:
        try:
            side = check(host)
        except (AssertionError, OSError, LookupError, ValueError) as err:
            raise AssertionError(f"after: {last}: {err}") from err
        seen[side] = seen.get(side, 0) + 1
    print(seen)
    return seen
