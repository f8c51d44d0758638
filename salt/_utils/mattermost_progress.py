"""One line per step while a run goes on, on standard error: standard output stays for Salt's own result.

The host's lines come from ``mattermost_run_lock.acquired``, which writes an event for each state that ends to its standard
error; ssh carries them here while the run goes on.
"""

from __future__ import annotations

import json
import sys

MARK = "@mattermost-progress@ "


def say(stage: str, text: str, host: str = "") -> None:
    """Print one progress line: the stage, the host when there is one, and what happened."""
    where = f"{stage} on {host}" if host else stage
    print(f"{where}: {text}", file=sys.stderr, flush=True)


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


def sentence(event: dict) -> str:
    """Return what a person reads of a host's event."""
    seconds = float(event.get("ms", 0)) / 1000
    took = f" ({seconds:.1f} s)" if seconds >= 0.5 else ""
    return f"{event.get('id')}{took}"
