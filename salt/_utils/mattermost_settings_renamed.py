"""Settings that got a new name: the old one still works for one release of the bundle, with a sentence that gives the new one. Pure.

In schema.yaml the setting under its new name says ``x-renamed-from: {setting: kept:days, version: 1.1.0}``: its whole old key below
``mattermost:``, and the version of the bundle that renamed it. A section can be renamed as a whole.
"""

from __future__ import annotations

import copy

_NOTHING = object()


def renames(schema: dict, trail: tuple = ()) -> list[tuple[tuple, tuple, str]]:
    """Return, for each renamed setting of *schema*, its old and its new key as tuples and the version that renamed it."""
    found = []
    for name, part in schema.get("properties", {}).items():
        if "x-renamed-from" in part:
            old = part["x-renamed-from"]
            found.append((tuple(old["setting"].split(":")), (*trail, name), old["version"]))
        found += renames(part, (*trail, name))
    return found


def applied(schema: dict, given: dict) -> tuple[dict, list[str], list[str]]:
    """Return *given* with its old names replaced, a sentence for each, and a fault for each setting that has both names.

    given: the pillar's ``mattermost`` branch; it stays as it is.
    """
    settings, notes, faults = copy.deepcopy(given), [], []
    for old, new, version in renames(schema):
        value = _taken(settings, old)
        if value is _NOTHING:
            continue
        old_name, new_name = ":".join(("mattermost", *old)), ":".join(("mattermost", *new))
        if _found(settings, new) is not _NOTHING:
            faults.append(f"{old_name} was renamed to {new_name}, and both are set. Keep only {new_name}.")
        elif not _put(settings, new, value):
            continue  # what holds it is no mapping: validation says so
        else:
            notes.append(
                f"{old_name} was renamed to {new_name} in version {version} of this bundle. "
                f"Rename that setting in pillar/mattermost.sls, because the next version of the bundle refuses the old name."
            )
    return settings, notes, faults


def _found(settings, key: tuple):
    for name in key:
        if not isinstance(settings, dict) or name not in settings:
            return _NOTHING
        settings = settings[name]
    return settings


def _taken(settings: dict, key: tuple):
    """Return the value of *key* and remove it, with the sections that are empty then."""
    section = _found(settings, key[:-1])
    if not isinstance(section, dict) or key[-1] not in section:
        return _NOTHING
    value = section.pop(key[-1])
    if not section and key[:-1]:
        _taken(settings, key[:-1])
    return value


def _put(settings: dict, key: tuple, value) -> bool:
    for name in key[:-1]:
        settings = settings.setdefault(name, {})
        if not isinstance(settings, dict):
            return False
    settings[key[-1]] = value
    return True
