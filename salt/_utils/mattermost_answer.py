"""What a state function answers Salt with."""

from __future__ import annotations


def answer(name: str, result: bool | None, comment: str, changes: dict | None = None) -> dict:
    """Return the four things that Salt wants. result: None in a dry run that would change something."""
    return {"name": name, "changes": changes or {}, "result": result, "comment": comment}
