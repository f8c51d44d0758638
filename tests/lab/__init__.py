"""Throwaway systemd hosts, and all they need around them, on one Debian machine.

``Lab.open(checkout)`` is the way in from Python, ``python -m tests.lab`` from a
shell. Nothing of the lab leaves its own bridge, and ``down`` takes everything
away again but the caches.
"""

from __future__ import annotations

from tests.lab.errors import LabError

__all__ = ["Lab", "LabError"]


def __getattr__(name):
    """`Lab` when it is asked for: `packages` runs while the modules that it needs are being installed."""
    if name != "Lab":
        raise AttributeError(name)
    from tests.lab.lab import Lab

    return Lab
