"""How an orchestration ends: its report is made of what its steps returned, and left to be printed."""

from __future__ import annotations

import os

import mattermost_progress
import mattermost_settings_data

from mattermost_controller import salt_patches
from mattermost_controller.reporting import build, console, screen

PREFLIGHT = "mattermost_preflight"  # where ``__context__`` has the hosts of a run


def with_report(opts: dict, context: dict, steps: list[dict], is_alone: bool) -> str:
    """Have the report of *steps* printed when the command ends, in place of Salt's results; return its text.

    opts: the master's. context: ``__context__`` of the states. steps: as for `build.from_steps`. is_alone: whether the orchestration is
    one step alone.
    """
    mattermost_progress.clear()
    known = context.get(PREFLIGHT) or {}
    report = build.from_steps(steps, opts["test"], is_alone)
    addresses = {host_id: entry["host"].address for host_id, entry in known.items()}
    masked = []
    if known:
        schema = mattermost_settings_data.load(opts["file_roots"]["base"])["schema"]
        masked = [text for one in known.values() for text in mattermost_settings_data.secrets(schema, one["settings"])]
    log = _log_file(opts.get("log_file") or "")

    def text(width=screen.WIDTH, colour=False):
        return screen.summary(report, screen.Style(width, colour, masked), addresses, log)

    salt_patches.print_at_the_end(console.Last(text))
    return "\n".join(line for part in text() for line in part)


def _log_file(path: str) -> str:
    """Return the path of Salt's log, short where it is below the current folder; '' when there is none."""
    if not os.path.isfile(path):
        return ""
    near = os.path.relpath(path)
    return path if near.startswith("..") else near
