"""JSON that may come from anybody: a server, its database role, a host, a file that one of them can write."""

from __future__ import annotations

import json


def parse(text: str | bytes):
    """Return the value of *text*. Raises ValueError for all that is no JSON, also brackets without end and numbers of thousands of digits."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("brackets are nested too deeply") from None


def texts(text: str | bytes) -> dict[str, str]:
    """Return the texts of an object: a value of another kind counts as missing, and what is no object has none."""
    try:
        found = parse(text)
    except ValueError:
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
