"""Values of the server's configuration that an upgrade does not survive, or whose function it takes away, said before it. Pure.

The configuration is what the new version would read: the host's config.json with ``mattermost:server:config`` laid over it, and the variables
of ``mattermost:server:environment``, which win. The keys are in ``mattermost_config_keys``.
"""

from __future__ import annotations

import re

import mattermost_config_core as config
import mattermost_config_keys as keys
from mattermost_environment_core import variable
from mattermost_release_facts import numbers

from mattermost_controller.findings import Finding, refusal, warning

CHECK = "upgrade-changes"


def of_settings(settings: dict, wanted: str) -> list[Finding]:
    """Refuse each value of the settings with which *wanted* does not start, on a fresh host too."""
    server = settings["server"]
    return [_refused("mattermost:server", each) for each in _blocked(server["config"], settings, wanted)]


def of_upgrade(settings: dict, facts: dict, installed: str, wanted: str) -> list[Finding]:
    """Return a finding for each value of the host's own config.json, and for each that is judged only while the version changes."""
    server, path = settings["server"], f"{settings['paths']['state']}/config/config.json"
    if facts.get("config") is None:
        return [
            warning(
                CHECK,
                f"{path} could not be read on the host. A value in that file may prevent the start of Mattermost {wanted}.",
                f"make that file valid JSON of at most 1 MiB that the account {server['user']} can read.",
            )
        ]
    merged = config.merged(facts["config"], config.flatten(server["config"]))
    said = _blocked(server["config"], settings, wanted)
    found = [_refused(path, each) for each in _blocked(merged, settings, wanted) if each not in said]
    for _, section, name, accepted, words in _crossed(keys.STRICTER, installed, wanted):
        value, where = _value(merged, server, path, section, name)
        if value is not None and not re.fullmatch(accepted, _text(value)):
            place = "there" if where.startswith("mattermost:") else "in that file on the host"
            found.append(
                refusal(
                    CHECK,
                    f"{where} is not {words}. Mattermost {wanted} may refuse to start with this value.",
                    f"correct the value {place}, or set mattermost:preflight:ignore: [{CHECK}] to upgrade anyway.",
                )
            )
    for since, section, name, unused, lost in _crossed(keys.GONE, installed, wanted):
        value, where = _value(merged, server, path, section, name)
        if value is not None and _text(value) != _text(unused):
            first = ".".join(map(str, since))
            todo = f"remove {where}." if where.startswith("mattermost:") else ""
            found.append(warning(CHECK, f"{where} is set, but has no effect from version {first} on: {lost}.", todo))
    return found


def _crossed(table: list, installed: str, wanted: str) -> list:
    """Return the rows of *table* whose version an upgrade from *installed* to *wanted* reaches."""
    return [row for row in table if numbers(installed)[:2] < row[0] <= numbers(wanted)[:2]]


def _blocked(values: dict, settings: dict, wanted: str) -> list[config.Blocked]:
    return config.blocked(values, wanted, settings["server"]["environment"], settings["release"]["edition"])


def _refused(where: str, value: config.Blocked) -> Finding:
    place = "environment" if value.variable else "config"
    return refusal(CHECK, f"{where}: {value.why}", value.todo(f"mattermost:server:{place}"))


def _value(merged: dict, server: dict, path: str, section: str, name: str) -> tuple:
    """Return the value that the new version would read, None where it takes its default, and where it is set."""
    key, by_environment = (section, name), variable((section, name))
    if by_environment in server["environment"]:
        return server["environment"][by_environment], f"mattermost:server:environment:{by_environment}"
    value, ours = config.look_up(merged, key), config.look_up(server["config"], key)
    where = f"{section}.{name} in {path}" if ours is config.MISSING else f"mattermost:server:config:{section}:{name}"
    return None if value is config.MISSING else value, where


def _text(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
