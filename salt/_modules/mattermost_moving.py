"""A step of a move between two minions, on its target (docs/salt-master.md). Called by mattermost.move alone."""

from __future__ import annotations

import importlib
import os
import sys


def lead(step, source_id, target_id, way):
    """Take a *step* of the move: see ``mattermost_controller.moving.leading.lead``. The answer holds no secret."""
    return _package("moving.leading").lead(step, source_id, target_id, way)


def _package(name):
    """Import a module of the controller's package, which of all hosts only minions have, and which Salt has in no path of theirs."""
    folder = os.path.join(__opts__["extension_modules"], "utils")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(f"mattermost_controller.{name}")
