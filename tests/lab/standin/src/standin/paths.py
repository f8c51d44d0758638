"""Where the server looks for its relative directories: up to three levels above the working directory, then the binary's."""

from __future__ import annotations

import os
import sys

LEVELS = (".", "..", "../..", "../../..")


def binary_directory() -> str:
    return os.path.dirname(os.path.realpath(sys.executable if getattr(sys, "frozen", False) else sys.argv[0]))


def find(path: str, is_wanted=os.path.exists) -> str | None:
    """Return the absolute path of *path*, or None when it is nowhere."""
    if os.path.isabs(path):
        return path if is_wanted(path) else None
    for start in (os.getcwd(), binary_directory()):
        for level in LEVELS:
            candidate = os.path.normpath(os.path.join(start, level, path))
            if is_wanted(candidate):
                return candidate
    return None


def find_directory(name: str) -> str | None:
    return find(name, os.path.isdir)
