"""Where a line ends in what a host or a file says."""

from __future__ import annotations


def lines_of(text: str) -> list[str]:
    """Return the lines of *text* without their ends: a newline ends one, and nothing else does.

    splitlines of str also ends a line at a form feed or at U+2028, which a log, a path or a password may hold: whoever writes
    one of them would write lines of his own.
    """
    return text.removesuffix("\n").split("\n") if text else []
