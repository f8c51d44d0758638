"""A number of things in a sentence."""

from __future__ import annotations


def plural(count: int, what: str) -> str:
    """Return ``1 file``, ``2 files``; *what* in the singular."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
