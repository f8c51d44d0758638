"""The platform table, read and looked up."""

from __future__ import annotations

import difflib
from pathlib import Path

import yaml

from tests.lab.errors import LabError

TABLE = Path(__file__).with_name("platforms.yaml")


def load():
    """Return the table: platform name to its entry (see the comment in the file)."""
    return yaml.safe_load(TABLE.read_text())


def get(name):
    """Return one platform's entry; LabError with the known names when there is none."""
    table = load()
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise LabError(f"No platform {name!r}.{hint} There are: {', '.join(sorted(table))}.")


def mirror_names():
    """All further names that the mirror answers for, over all platforms."""
    return sorted({name for entry in load().values() for name in entry.get("names", [])})
