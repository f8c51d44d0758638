"""From the data files and a host's pillar to what its SLS get: the same over salt-ssh, on a minion and masterless."""

from __future__ import annotations

import copy
import functools
import os
import re

import mattermost_settings_core as core
import yaml

NAMES = ("schema", "platforms", "releases", "bundle")
SHIPPED = "salt://"
LISTED = "mattermost_listed"
KEPT = "mattermost_settings.merged"  # in Salt's context
_PLAIN = re.compile(r"true|false|\d{1,5}").fullmatch  # in a mapping of secrets: values that are none
_PEM = "-----BEGIN CERTIFICATE-----"


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
            return read({name: os.path.join(folder, f"{name}.yaml") for name in NAMES})
    raise FileNotFoundError(f"The file mattermost/schema.yaml is missing in {', '.join(map(str, file_roots))}.")


def read(paths: dict) -> dict:
    """Return the data of these files by name. paths: each of NAMES to its file."""
    return {name: _read(path, os.stat(path).st_mtime) for name, path in paths.items()}


def for_sls(data: dict, pillar: dict, options: dict, grains: dict, host_id: str, find, context: dict) -> dict:
    """Return what ``mattermost_settings.get`` gives an SLS; raises SettingsError with every fault of the settings.

    data: of ``load`` or ``read``. pillar: the host's whole pillar. options, grains, host_id: as for ``merge`` of the core.
    find: from a file that a setting names to its path on this machine. context: Salt's, which lasts for one job: a run asks once for each
    SLS, and merging takes longer than the rest of that SLS.
    ``remove``, ``renew`` and LISTED are no settings but what a command says: they must never stand in a file. Nor is ``bundle``: it is
    what the host notes of this bundle.
    """
    given = _plain({name: pillar.get(name) for name in ("mattermost", "remove", "renew", LISTED)})
    kept, key = context.setdefault(KEPT, {}), repr((host_id, given))
    if key not in kept:
        data = with_listed(data, given[LISTED] or {})
        settings = with_files(core.merge(data, given["mattermost"] or {}, options, grains, host_id), find)
        asked = {"remove": given["remove"] or {}, "renew": given["renew"] is True}
        kept[key] = {**settings, **asked, "bundle": bundle(data)}
    return copy.deepcopy(kept[key])


def with_listed(data: dict, listed: dict) -> dict:
    """Return *data* with the newest patch by line that the vendor's sources list at this moment. listed: as the command's pillar has it."""
    return {**data, "releases": {**data["releases"], "listed": listed}}


def _plain(value):
    """Return *value* in Python's own types: a minion has its pillar in some that hide what they hold, in the sentence of a fault too."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def hidden(schema: dict, settings: dict) -> dict:
    """Return *settings* with "(hidden)" for each secret that is set, for output that Salt keeps."""
    parts = schema.get("properties", {})
    found = {}
    for name, value in settings.items():
        part = parts.get(name, {})
        if part.get("x-secret"):
            found[name] = "(hidden)" if value else value
        else:
            found[name] = hidden(part, value) if isinstance(value, dict) else value
    return found


def secrets(schema: dict, settings: dict) -> list[str]:
    """Return the secrets that are set, for who masks them in a text."""
    found = []
    for name, value in settings.items():
        part = schema.get("properties", {}).get(name, {})
        if part.get("x-secret"):
            several = [text for text in value.values() if not _PLAIN(text)] if isinstance(value, dict) else [value]
            found += filter(None, several)
        elif isinstance(value, dict):
            found += secrets(part, value)
    return found


def bundle(data: dict) -> dict:
    """Return what a host notes of the bundle that deployed it: ``version``, and ``breaking_changes``, the last one's number.

    data: of ``load``.
    """
    numbers = [change["number"] for change in data["bundle"]["breaking_changes"]]
    return {"version": data["bundle"]["version"], "breaking_changes": max(numbers, default=0)}


def place(name: str, roots: list[str]) -> str:
    """Return where a file is on the controller: ``salt://`` in the first root that has it, else the path itself."""
    if not name.startswith(SHIPPED):
        return name
    paths = [os.path.join(root, name[len(SHIPPED) :]) for root in roots]
    return next((path for path in paths if os.path.isfile(path)), paths[0])


def is_certificate(text: str) -> bool:
    """Say whether *text* is a certificate itself, in PEM form, and not the name of its file."""
    return _PEM in text


def with_files(settings: dict, find=str) -> dict:
    """Return *settings* with the text that hosts need of the files that settings name: ``letsencrypt.ca_pem``.

    find: from such a name to its path on this machine.
    Raises SettingsError when a file that a setting names can't be read or is not what it should be.
    """
    given = settings["letsencrypt"]["ca_file"]
    settings["letsencrypt"]["ca_pem"] = given if not given or is_certificate(given) else _certificate(given, find)
    return settings


def _certificate(name: str, find) -> str:
    try:
        with open(find(name), encoding="ascii") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as err:
        raise core.SettingsError(
            [f"mattermost:letsencrypt:ca_file is {name}. The controller cannot read that file: {err}."]
        ) from None
    if not is_certificate(text):
        raise core.SettingsError(
            [f"mattermost:letsencrypt:ca_file is {name}. That file contains no certificate in PEM format."]
        )
    return text
