"""What a person reads while a run goes on, on standard error: standard output stays for the result.

The host's lines come from ``mattermost_run_lock.acquired``, which writes an event for each state that ends to its standard
error; ssh carries them here while the run goes on. A terminal shows them all, each in the place of the last; elsewhere, and
for good, a line is written for what took long.
"""

from __future__ import annotations

import json
import re
import shutil
import sys

MARK = "@mattermost-progress@ "
LONG = 3.0  # seconds that a state or a stage takes to get a line that stays
NAMES = {"mattermost": "Mattermost", "postgresql": "PostgreSQL", "salt": "Salt", "selinux": "SELinux"}
# what may move the cursor, hide text or turn its direction; line breaks stay
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


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

    def event(self, host: str, event: dict) -> None:
        """Take what *host* told of a state that ended."""
        stage, seconds = self._stage_of(str(event.get("sls", ""))), _seconds(event)
        before, so_far = self._stages.get(host, (stage, 0.0))
        if before != stage:
            if so_far >= LONG:
                say(before, f"done{_took(so_far)}", host)
            so_far = 0.0
        self._stages[host] = (stage, so_far + seconds)
        said = sentence(event)
        if seconds >= LONG:
            say(stage, said, host)
        else:
            show(f"{host}: {stage}: {said}")


def sentence(event: dict) -> str:
    """Return what a person reads of a host's event."""
    return f"{claim(event.get('id', ''))}{_took(_seconds(event), 0.5)}"


def _seconds(event: dict) -> float:
    try:
        return float(event.get("ms", 0)) / 1000
    except (TypeError, ValueError):
        return 0.0


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
        event = json.loads(line[len(MARK) :])
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
