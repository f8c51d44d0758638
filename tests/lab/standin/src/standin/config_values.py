"""Turn what stands in a file, a request or the environment into a complete configuration. Pure functions."""

from __future__ import annotations

import copy
import json
import random
import re
import string
from collections.abc import Mapping
from typing import Any

from . import config_model, gojson
from .versions import Build

Config = dict[str, dict[str, Any]]
Override = dict[tuple[str, str], Any]

TRUE, FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")


def random_key() -> str:
    """A key of 32 characters, as the server makes for AtRestEncryptKey and PublicLinkSalt."""
    return "".join(random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=32))


def _type_error(section: str, key: str | None, value: Any, wanted: str, text: str) -> ValueError:
    name = f"{section}.{section}.{key}" if key else f"Config.{section}"
    match = re.search(rf'"{re.escape(key or section)}"\s*:\s*', text)
    reason = f"json: cannot unmarshal {gojson.kind(value)} into Go struct field {name} of type {wanted}"
    return ValueError(gojson.parse_error(text, match.end() if match else 0, reason))


def _find(known: Mapping[str, Any], name: str) -> str | None:
    """Go's decoder takes keys in any case."""
    if name in known:
        return name
    lower = name.lower()
    return next((candidate for candidate in known if candidate.lower() == lower), None)


def known_part(raw: Any, build: Build, text: str = "") -> Config:
    """Keep of *raw* what *build* knows.

    text: the JSON that *raw* came from, for line and character in errors.
    Raises ValueError in the server's words for a value of a wrong type; unknown names are dropped.
    """
    if not isinstance(raw, dict):
        reason = f"json: cannot unmarshal {gojson.kind(raw)} into Go value of type model.Config"
        raise ValueError(gojson.parse_error(text, 0, reason))
    sections = config_model.sections(build)
    result: Config = {}
    for raw_section, values in raw.items():
        section = _find(sections, raw_section)
        if section is None or values is None:
            continue
        if not isinstance(values, dict):
            raise _type_error(section, None, values, f"model.{section}", text)
        kept = result.setdefault(section, {})
        for raw_key, value in values.items():
            key = _find(sections[section], raw_key)
            if key is None or value is None:
                continue
            example = sections[section][key].fresh
            if not config_model.fits(value, example):
                raise _type_error(section, key, value, config_model.go_type(example), text)
            kept[key] = copy.deepcopy(value)
    return result


def plugin_state_defaults(build: Build, diagnostics: bool) -> dict[str, dict[str, bool]]:
    """States that the server adds for plugins nobody has decided about."""
    states = {"com.mattermost.calls": {"Enable": True}, "playbooks": {"Enable": True}}
    if not build.at_least(11, 0):
        states["com.mattermost.nps"] = {"Enable": diagnostics}
    return states


def normalise(config: Config, build: Build) -> Config:
    """Apply the server's own corrections to a complete *config*, in place, and return it."""
    service, files, email = config["ServiceSettings"], config["FileSettings"], config["EmailSettings"]
    service["SiteURL"] = service["SiteURL"].rstrip("/")
    files["Directory"] = files["Directory"] or "./data/"
    if not files["Directory"].endswith("/"):
        files["Directory"] += "/"
    email["SMTPServer"] = email["SMTPServer"] or "localhost"
    email["SMTPPort"] = email["SMTPPort"] or "10025"
    config["SqlSettings"]["AtRestEncryptKey"] = config["SqlSettings"]["AtRestEncryptKey"] or random_key()
    files["PublicLinkSalt"] = files["PublicLinkSalt"] or random_key()
    config["TeamSettings"]["SiteName"] = config["TeamSettings"]["SiteName"] or "Mattermost"
    plugins = config["PluginSettings"]
    states = plugin_state_defaults(build, config["LogSettings"]["EnableDiagnostics"]) | plugins["PluginStates"]
    plugins["PluginStates"] = {name: states[name] for name in sorted(states)}
    plugins["Plugins"] = {name: plugins["Plugins"][name] for name in sorted(plugins["Plugins"])}
    return config


def complete(part: Config, build: Build) -> Config:
    """Fill what *part* lacks with the defaults for an update, correct the rest, in the order of writing."""
    config: Config = {}
    for section, keys in config_model.sections(build).items():
        given = part.get(section, {})
        config[section] = {
            key: copy.deepcopy(given[key]) if key in given else config_model.default(build, section, key)
            for key in keys
        }
    return normalise(config, build)


def merge(base: Config, part: Config) -> Config:
    """Return *base* with the values of *part*, as the server patches: a map is a value, and replaces the map that was."""
    config = copy.deepcopy(base)
    for section, values in part.items():
        for key, value in values.items():
            config[section][key] = copy.deepcopy(value)
    return config


def parse_override(text: str, example: Any) -> Any:
    """Read *text* of an environment variable as the type of *example*. Raises ValueError when it cannot be."""
    if isinstance(example, bool):
        if text in TRUE + FALSE:
            return text in TRUE
        raise ValueError(text)
    if isinstance(example, int):
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise ValueError(text)
        return int(text)
    if isinstance(example, str):
        return text
    if isinstance(example, list):
        return text.split(" ") if text else []
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(text)
    return value


def overrides(environ: Mapping[str, str], build: Build) -> Override:
    """Find the ``MM_SECTION_KEY`` variables; names and values that fit nothing are ignored without a word."""
    found: Override = {}
    for section, keys in config_model.sections(build).items():
        for key, spec in keys.items():
            text = environ.get(f"MM_{section}_{key}".upper())
            if text is None:
                continue
            try:
                found[section, key] = parse_override(text, spec.fresh)
            except ValueError:
                continue
    return found


def with_overrides(config: Config, found: Override, build: Build) -> Config:
    """Return the effective configuration: *config* with the environment on top."""
    effective = copy.deepcopy(config)
    for (section, key), value in found.items():
        effective[section][key] = copy.deepcopy(value)
    return normalise(effective, build)


def masked(config: Config) -> Config:
    """Return *config* as an API shows it: secrets as stars, empty ones as they are."""
    shown = copy.deepcopy(config)
    for section, key in config_model.SECRETS:
        if shown.get(section, {}).get(key):
            shown[section][key] = config_model.MASK
    return shown


def without_masks(part: Config) -> Config:
    """Drop from *part* the secrets that came back as stars: they mean "unchanged"."""
    kept = copy.deepcopy(part)
    for section, key in config_model.SECRETS:
        if kept.get(section, {}).get(key) == config_model.MASK:
            del kept[section][key]
    return kept
