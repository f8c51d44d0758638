"""The one error that the lab raises for what an operator can mend."""

from __future__ import annotations


class LabError(Exception):
    """Says what is wrong, where, and what to do. Never shown with a traceback."""
