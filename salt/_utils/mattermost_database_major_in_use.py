"""Which major of PostgreSQL holds the server's data, and whether the one that the settings name may be set up.

Pure functions but `on_host`. What an upgrade left open or replaced stands in ``<paths.work>/postgresql``, see mattermost-postgresql.
"""

from __future__ import annotations

import glob
import os
import re
from typing import NamedTuple

from mattermost_lines import lines_of

FOLDER = "postgresql"  # below paths.work
DROP_IN = os.path.join("conf.d", "mattermost.conf")


class Majors(NamedTuple):
    """``ours``: majors whose cluster carries our settings. ``kept``: stopped and kept -> the one that serves since.
    ``coming``: made by an upgrade that has not ended, 0 for none. ``open``: an upgrade is at work, or was interrupted."""

    ours: list[int]
    retained: dict[int, int]
    pending: int
    open: bool = False


def with_major(facts, version: int):
    """Return *facts*, the branch ``platform.postgresql.template``, with ``{version}`` filled in."""
    if isinstance(facts, dict):
        return {name: with_major(value, version) for name, value in facts.items()}
    if isinstance(facts, list):
        return [with_major(value, version) for value in facts]
    return facts.replace("{version}", str(version)) if isinstance(facts, str) else facts


def cluster(facts: dict, version: int) -> dict:
    """Return the facts of the cluster of another major on the same platform."""
    return with_major(facts["template"], version) | {"version": version}


def versions_in(pattern: str, paths) -> list[int]:
    """Return the majors for which *pattern*, a path with ``{version}``, is among *paths*."""
    wanted = re.compile(re.escape(pattern).replace(re.escape("{version}"), r"(\d+)"))
    return sorted(int(found[1]) for found in map(wanted.fullmatch, paths) if found)


def parse_retained(text: str) -> dict[int, int]:
    """Parse the list of replaced clusters: lines ``OLD NEW DATE``."""
    lines = [line.split() for line in lines_of(text)]
    return {
        int(words[0]): int(words[1]) for words in lines if len(words) > 1 and words[0].isdigit() and words[1].isdigit()
    }


def inspect(template: dict, work: str) -> Majors:
    """Look at this host."""
    pattern = os.path.join(template["config_dir"], DROP_IN)
    data = os.path.join(template["data_dir"], "PG_VERSION")  # a cluster that was removed may leave settings behind
    ours = [
        version
        for version in versions_in(pattern, glob.glob(pattern.replace("{version}", "*")))
        if os.path.exists(data.replace("{version}", str(version)))
    ]
    folder = os.path.join(work, FOLDER)
    coming = _read(os.path.join(folder, "next")).strip()
    at_work = os.path.exists(os.path.join(folder, "journal"))
    return Majors(
        ours, parse_retained(_read(os.path.join(folder, "kept"))), int(coming) if coming.isdigit() else 0, at_work
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def in_use(majors: Majors) -> int:
    """Return the major that holds the server's data, 0 when none does yet."""
    serving = [version for version in majors.ours if version not in majors.retained and version != majors.pending]
    return serving[-1] if serving else 0


def refusal(wanted: int, majors: Majors, upgrade: str) -> str | None:
    """Return why *wanted* may not be set up here by a plain deploy, None when it may. upgrade: the command that upgrades PostgreSQL."""
    if majors.open:
        return (
            "An upgrade of PostgreSQL is running on this host, or was interrupted. To complete it or roll it back, run on "
            "the host: mattermost-postgresql wait"
        )
    serving = in_use(majors)
    if serving in (0, wanted):
        return None
    if majors.retained.get(wanted, 0) > wanted:  # else: left by an upgrade that was undone
        return (
            f"The server's data was upgraded from PostgreSQL {wanted} to {serving}, and {wanted} is kept only as a "
            f"reserve. Set mattermost:database:version to {serving}."
        )
    way = f"To upgrade it, run `{upgrade}`." if wanted > serving else "PostgreSQL cannot go back to an older version."
    return (
        f"The server's data is in PostgreSQL {serving}, and the settings say {wanted}. {way} "
        f"To stay, set mattermost:database:version to {serving}."
    )
