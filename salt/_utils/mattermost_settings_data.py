"""Read the settings' data files from the controller's file roots."""

from __future__ import annotations

import functools
import os

import mattermost_settings_core as core
import yaml

NAMES = ("schema", "platforms", "releases", "bundle")


@functools.cache
def _read(path: str, changed: float) -> dict:
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def load(file_roots: list[str]) -> dict:
    """Return ``{"schema", "platforms", "releases", "bundle"}``; the first root that has ``mattermost/schema.yaml`` counts.

    file_roots: directories, relative ones against the current directory.
    Raises FileNotFoundError when no root has them.
    """
    for root in file_roots:
        folder = os.path.join(root, "mattermost")
        if os.path.isfile(os.path.join(folder, "schema.yaml")):
            paths = {name: os.path.join(folder, f"{name}.yaml") for name in NAMES}
            return {name: _read(path, os.stat(path).st_mtime) for name, path in paths.items()}
    raise FileNotFoundError(f"No mattermost/schema.yaml below {', '.join(map(str, file_roots))}.")


def bundle(data: dict) -> dict:
    """Return what a host notes of the bundle that deployed it: ``version``, and ``breaking_changes``, the last one's number.

    data: of ``load``.
    """
    numbers = [change["number"] for change in data["bundle"]["breaking_changes"]]
    return {"version": data["bundle"]["version"], "breaking_changes": max(numbers, default=0)}


def with_files(settings: dict) -> dict:
    """Return *settings* with the text of the files on the controller that hosts need: ``letsencrypt.ca_pem``.

    Raises SettingsError when a file that a setting names can't be read or is not what it should be.
    """
    path = settings["letsencrypt"]["ca_file"]
    if not path:
        return settings
    try:
        with open(path, encoding="ascii") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as err:
        raise core.SettingsError(
            [f"mattermost:letsencrypt:ca_file is {path}, which can't be read here: {err}."]
        ) from None
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise core.SettingsError([f"mattermost:letsencrypt:ca_file is {path}, which holds no certificate in PEM form."])
    settings["letsencrypt"]["ca_pem"] = text
    return settings
