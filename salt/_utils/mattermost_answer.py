"""What a state function answers Salt with.

States import it as ``_ret``: what a state module holds without the leading underscore, Salt takes for a state of its own.
"""

from __future__ import annotations

from mattermost_progress import harmless


def answer(name: str, result: bool | None = True, comment: str = "", changes: dict | None = None, **more) -> dict:
    """Return the four things that Salt wants, in the comment nothing that a terminal would obey.

    result: None in a dry run that would change something. more: further keys, for who reads the answer as data.
    """
    return {"name": name, "changes": changes or {}, "result": result, "comment": harmless(comment), **more}
