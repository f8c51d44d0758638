"""What a host notes of the bundle that deployed it, in a file for root alone. Lines ``name=value``: the probe reads them without Python."""

from __future__ import annotations

import os

import mattermost_config_file as files
from mattermost_lines import lines_of

NAME = "bundle"


def path(work: str) -> str:
    """Return where the note is. work: ``paths.work`` of the settings."""
    return os.path.join(work, NAME)


def read(work: str) -> dict[str, str]:
    """Return what is noted, as text by name; {} when nothing is."""
    try:
        with open(path(work), encoding="utf-8", errors="replace") as file:
            return dict(line.partition("=")[::2] for line in lines_of(file.read()))
    except FileNotFoundError:
        return {}


def write(work: str, bundle: dict) -> None:
    """Note which version of this bundle deployed the host. bundle: of ``mattermost_settings_data.bundle``."""
    os.makedirs(work, mode=0o700, exist_ok=True)
    files.write(path(work), "".join(f"{name}={value}\n" for name, value in bundle.items()))
