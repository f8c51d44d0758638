"""One run at a time on a host, and nothing of Salt's transport left behind that may hold a secret."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import threading
import time

import mattermost_progress
import mattermost_run_lock_core as core
from mattermost_answer import answer as _ret

LONGEST = 600  # seconds; a restored server has to pass its health check in them
PAUSE = 1
LEFTOVERS = ("minion", "salt_state.tgz", ".salt_state.tgz")


def acquired(name):
    """Hold the host's deploy lock until this Salt process ends, and remove the files that carried the settings here.

    name: only the state's name. A run whose controller died goes on by itself and still holds the lock, so a second one
    is refused with who is at work. Salt's working folder keeps its tree; ``minion`` and ``salt_state.tgz``, which hold
    the pillar and the roster's options in plain text, go as soon as this process has read them.
    Never reports a change; result False when another run is at work.
    """
    free = _ret(name, True, "No other run is in progress on this host.")
    _wipe(__opts__)
    if "master_uri" not in __opts__:
        _report_progress(__lowstate__, _to_controller)
    elif __opts__.get("mattermost_orchestrated") and __opts__.get("multiprocessing", True):
        # a minion's standard error is its journal
        _report_progress(__lowstate__, _Events(dict(__opts__)), propagate=True)
    if __context__.get("mattermost_run_lock.lock"):
        return free
    os.makedirs(os.path.dirname(core.LOCK), mode=0o700, exist_ok=True)
    file = open(core.LOCK, "a+", encoding="utf-8")
    holder = ""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        holder = core.holder_of(core.FORMER)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "an unknown process"
    if holder:
        file.close()
        return _ret(
            name,
            False,
            f"Another run is in progress on this host ({holder}). Nothing was changed. Start this run again when that one has ended.",
        )
    file.truncate(0)
    file.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S %Z')}")
    file.flush()
    __context__["mattermost_run_lock.lock"] = file
    return free


def no_previous_installation(name):
    """Refuse to go on where an import was undone: the installation of before has the places that a deploy would take.

    name: the file by which ``mattermost-aside`` says so. Never reports a change.
    """
    comment = "No previous installation is in use on this host."
    is_free = not os.path.exists(name)
    if not is_free:
        comment = f"An import on this host was rolled back, so the old installation is in use again (see {name}). To import that installation again, run: salt-run state.orchestrate mattermost.import pillar='…' (the same pillar as before)"
    return _ret(name, is_free, comment)


def no_change_is_open(name, paths):
    """Wait for the end of a restore and of a new database password, which the host goes on with when nobody waits for them.

    name: only the state's name. paths: of the settings. Never reports a change; result False after ``LONGEST`` seconds, with how to end it.
    """
    began = time.monotonic()
    while there := core.first_of(core.replacing(paths)):
        if __opts__["test"]:
            return _ret(
                name, None, f"{there}. A run without test=True would wait up to {LONGEST // 60} minutes for its end."
            )
        if time.monotonic() - began > LONGEST:
            return _ret(
                name,
                False,
                f"This run waited for {LONGEST // 60} minutes and changed nothing. {there}. Then start this run again.",
            )
        mattermost_progress.tell_part("waiting:", there.partition(" has ")[0])
        time.sleep(PAUSE)
    mattermost_progress.tell_part("waiting:")
    return _ret(name, True, "No restore and no change of the database password is running.")


def _wipe(opts) -> None:
    folder = os.path.dirname(str(opts.get("conf_file", "")))
    if not os.path.basename(folder).startswith(".") or "_salt" not in folder:
        return  # a real minion: its configuration is its own
    for leftover in LEFTOVERS:
        try:
            os.remove(os.path.join(folder, leftover))
        except OSError:
            pass


def _to_controller(line: str) -> None:
    """Write a line to standard error; ssh carries it to the controller at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class _Events:
    """Sends lines to the master, those of a second in one event. opts: of the minion."""

    def __init__(self, opts: dict):
        self._opts, self._lines, self._lock = opts, [], threading.Lock()
        mattermost_progress.tick(self._send)  # until this process ends

    def __call__(self, line: str) -> None:
        with self._lock:
            self._lines.append(line)

    def _send(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        if lines:
            import salt.utils.event  # on a host it is always there

            load = {"data": {"lines": lines}, "tag": mattermost_progress.TAG, "events": None, "pretag": None}
            with salt.utils.event.MinionEvent(self._opts, listen=False) as bus:
                bus.fire_event(load, "fire_master")


class _Progress(logging.Handler):
    """Tells of each state that ends, or goes on for long. told: takes a line."""

    def __init__(self, chunks, told=_to_controller):
        super().__init__(logging.INFO)
        self._told = told
        self._chunks = {}
        for chunk in sorted(chunks, key=lambda chunk: chunk.get("order", 0)):
            called = (f"{chunk['state']}.{chunk['fun']}", str(chunk["name"]).strip())
            self._chunks.setdefault(called, []).append(chunk)
        self._current, self._began, self._due = None, 0.0, 0.0
        mattermost_progress.tick(self._tick)  # until this process ends

    def _tick(self):
        current, seconds = self._current, time.monotonic() - self._began
        if current and seconds >= self._due:
            self._due += mattermost_progress.STEP
            self._write(current, seconds * 1000, part=mattermost_progress.parts())

    def _write(self, chunk, milliseconds, **more):
        event = {"id": chunk["__id__"], "sls": chunk["__sls__"], "ms": milliseconds, **more}
        self._told(mattermost_progress.encode(event))

    def emit(self, record):
        if not isinstance(record.args, tuple):
            return
        if str(record.msg).startswith("Executing state") and len(record.args) == 3:
            state, function, name = map(str, record.args)
            same = self._chunks.get((f"{state}.{function}", name.strip())) or []
            self._began, self._due = time.monotonic(), mattermost_progress.STEP
            self._current = same.pop(0) if len(same) > 1 else next(iter(same), None)
        elif str(record.msg).startswith("Completed state") and self._current:
            took = record.args[-1] if isinstance(record.args[-1], (int, float)) else 0
            self._write(self._current, took)
            self._current = None


def _report_progress(chunks, told, propagate=False) -> None:
    """Let Salt's state engine, which logs each state it runs, report to the controller. propagate: whether it goes to the log, too."""
    logger = logging.getLogger("salt.state")
    if not any(isinstance(handler, _Progress) for handler in logger.handlers):
        logger.addHandler(_Progress(chunks, told))
        logger.setLevel(min(logger.level or logging.INFO, logging.INFO))
        logger.propagate = propagate
