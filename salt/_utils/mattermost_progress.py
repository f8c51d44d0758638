"""What a person reads while a run goes on, on standard error: standard output stays for the result.

The host's lines come from ``mattermost_run_lock.acquired``, which writes an event for each state that ends to its standard
error; ssh carries them here while the run goes on. A minion sends them as events of its master's bus. A terminal shows them all, each in the place of the last; elsewhere, and
for good, a line is written for what took long.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import threading
import time

import mattermost_json

MARK = "@mattermost-progress@ "
TAG = "mattermost/progress"  # of a minion's event
LONG = 3.0  # seconds that a state or a stage takes to get a line that stays
MOST = 120  # characters of what a host says of a part, or calls a state
MOST_LINES = 300  # that stay, of one host in a run
MOST_SECONDS = 10**7  # that a state takes by what a host says; 116 days
STEP = 10.0  # seconds after which a line says what goes on, and again each time that it took twice as long
TICK = 1.0  # seconds between two looks at whether a line is due
NAMES = {"mattermost": "Mattermost", "postgresql": "PostgreSQL", "salt": "Salt", "selinux": "SELinux"}
# what may move the cursor, hide text or turn its direction; line breaks stay
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def harmless(text) -> str:
    """Return *text* with what a terminal would obey, or not show, in its written form: ``\\\\x1b``."""
    return _HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text).replace("\t", " "))


def claim(state_id: str) -> str:
    """Return a state's ID, which is a claim in kebab-case, as a person writes it: ``Mattermost is running``."""
    words = [NAMES.get(word, word) for word in str(state_id).split("-")]
    return harmless(" ".join([words[0][:1].upper() + words[0][1:], *words[1:]]))


def say(stage: str, text: str, host: str = "") -> None:
    """Print one progress line: the stage, the host when there is one, and what happened."""
    where = f"{host}: {stage}" if host else stage
    _print(harmless(f"{where}: {text}").replace("\n", " ") + "\n")


def tick(tell) -> threading.Event:
    """Call *tell* each ``TICK`` seconds, from a thread, until the event that this returns is set."""
    ended = threading.Event()

    def run():
        while not ended.wait(TICK):
            tell()

    threading.Thread(target=run, daemon=True).start()
    return ended


@contextlib.contextmanager
def waiting(stage: str, text: str = "", host: str = "", part=str):
    """While this context lasts, print for how long *text* has been so. Yields what is called with the next text, and its part, if any.

    A text is printed at once, too, as `say` does. part: called for how far it is, in words.
    """
    now = {}

    def begin(text, part=str):
        now.update(text=text, part=part, began=time.monotonic(), due=_Due())
        if text:
            say(stage, text, host)

    def tell():
        seconds = time.monotonic() - now["began"]
        if now["text"] and now["due"].is_now(seconds):
            say(stage, f"{now['text']}: {_so_far(seconds, now['part']())}", host)

    begin(text, part)
    ended = tick(tell)
    try:
        yield begin
    finally:
        ended.set()


def sent(file, size: int) -> str:
    """Return how much of an open *file* was read by a program that got it for its standard input, in words."""
    return share(os.lseek(file.fileno(), 0, os.SEEK_CUR), size)


def _so_far(seconds: float, part: str) -> str:
    return ", ".join(filter(None, [f"{seconds:.0f} s so far", part[:MOST]]))


class _Due:
    """When a line is due of what goes on: after ``STEP`` seconds, and each time that it took twice as long."""

    def __init__(self):
        self._next = STEP

    def is_now(self, seconds: float) -> bool:
        due = seconds >= self._next
        while seconds >= self._next:
            self._next *= 2
        return due


# what goes on beside a host's states, or in one: its name, and how far it is in words, or what says so when it is asked
_parts: dict = {}


def tell_part(name: str, text="") -> None:
    """Keep how far *name* is, for who says what is waited for; no *text*: it has ended. text: may be a function that returns it."""
    _parts.pop(name, None)
    if text:
        _parts[name] = text


def parts() -> str:
    """Return how far is what told it."""
    said = [(name, text() if callable(text) else text) for name, text in list(_parts.items())]
    return ", ".join(f"{name} {text}" for name, text in said if text)


def share(done: int, total: int | None) -> str:
    """Return how much of *total* bytes is there, in words; None: nobody knows the total."""
    return f"{done >> 20} MiB" if not total else f"{done * 100 // total} % of {total >> 20} MiB"


def show(text: str) -> None:
    """Show, on a terminal alone, what is going on; the next line takes its place."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        _print(harmless(text).replace("\n", " ")[:width])


def _print(text: str) -> None:
    clean = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(clean + text, end="", file=sys.stderr, flush=True)


def clear() -> None:
    """Take away what `show` left."""
    if sys.stderr.isatty():
        _print("")


class Run:
    """The progress of one run of stages on hosts, from their events. Salt's ssh client has a process, and so a copy, for each host.

    stage_of: called with a state's SLS, returns its stage's name.
    """

    def __init__(self, stage_of):
        self._stage_of = stage_of
        self._stages = {}  # by host: the stage that it is in, and its seconds so far
        self._due = {}  # by host: when a line is due of the state that goes on
        self._said = {}  # by host: how many lines stay

    def _say(self, stage: str, text: str, host: str) -> None:
        """Print a line that stays; none any more of a host that tells without an end."""
        self._said[host] = lines = self._said.get(host, 0) + 1
        if lines < MOST_LINES:
            say(stage, text, host)
        elif lines == MOST_LINES:
            say(stage, f"this host reported {MOST_LINES} lines of progress. No further line of it is shown.", host)

    def event(self, host: str, event: dict) -> None:
        """Take what *host* told of a state that ended, or that goes on."""
        stage, seconds = self._stage_of(str(event.get("sls", ""))), _seconds(event)
        if event.get("part") is not None:
            said = f"{_name(event)}: {_so_far(seconds, str(event['part']))}"
            if self._due.setdefault(host, _Due()).is_now(seconds):
                self._say(stage, said, host)
            else:
                show(f"{host}: {stage}: {said}")
            return
        self._due.pop(host, None)
        before, so_far = self._stages.get(host, (stage, 0.0))
        if before != stage:
            if so_far >= LONG:
                self._say(before, f"done{_took(so_far)}", host)
            so_far = 0.0
        self._stages[host] = (stage, so_far + seconds)
        said = sentence(event)
        if seconds >= LONG:
            self._say(stage, said, host)
        else:
            show(f"{host}: {stage}: {said}")


def sentence(event: dict) -> str:
    """Return what a person reads of a host's event."""
    return f"{_name(event)}{_took(_seconds(event), 0.5)}"


def _name(event: dict) -> str:
    return claim(str(event.get("id", ""))[:MOST])


def _seconds(event: dict) -> float:
    """Return how long the state took, 0 where the host says what is no such time: more digits than a float has, or no end."""
    try:
        seconds = float(event.get("ms", 0)) / 1000
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return seconds if 0 <= seconds < MOST_SECONDS else 0.0


def _took(seconds: float, least: float = 0.0) -> str:
    return f" ({seconds:.1f} s)" if seconds >= least else ""


def encode(event: dict) -> str:
    """Return the line by which a host reports *event*."""
    return MARK + json.dumps(event, separators=(",", ":"))


def decode(line: str) -> dict | None:
    """Return the event of a line that a host reported, or None for any other line."""
    if not line.startswith(MARK):
        return None
    try:
        event = mattermost_json.parse(line[len(MARK) :])
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
