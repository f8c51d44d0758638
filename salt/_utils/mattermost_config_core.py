"""Compare and merge Mattermost's config.json: pure functions on parsed JSON.

A key is a tuple of names, ``("ServiceSettings", "SiteURL")``: plugin names contain dots.
``release``: the parsed config/config.json of the release that is to run, the truth about its keys, types and defaults.
"""

from __future__ import annotations

import copy
import difflib
import re
from typing import NamedTuple

import mattermost_config_keys as facts
import mattermost_release_facts as release_facts

MISSING = object()
_SECRET = re.compile(
    r"(password|secret|salt|token|key|accesskeyid|datasource|datasource(search)?replicas|replicalagsettings)$",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"://[^/@\s]*:[^/@\s]*@")  # a password in an address
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a map",
}


def dotted(key: tuple) -> str:
    """Return the key as people write it."""
    return ".".join(key)


def flatten(nested: dict, prefix: tuple = ()) -> dict:
    """Return ``{key: value}`` for every leaf; an empty map has none, since merging it changes nothing."""
    flat = {}
    for name, value in nested.items():
        key = (*prefix, str(name))
        if isinstance(value, dict):
            flat.update(flatten(value, key))
        else:
            flat[key] = value
    return flat


def nest(flat: dict) -> dict:
    """Turn `flatten` back; *flat* needs no order."""
    nested: dict = {}
    for key, value in flat.items():
        put(nested, key, value)
    return nested


def put(config: dict, key: tuple, value) -> None:
    """Set one key in place; what stands in the way and is no map gives way."""
    for name in key[:-1]:
        if not isinstance(config.get(name), dict):
            config[name] = {}
        config = config[name]
    config[key[-1]] = copy.deepcopy(value)


def look_up(config, key: tuple):
    """Return the value at *key*, MISSING where there is none."""
    for name in key:
        if not isinstance(config, dict) or name not in config:
            return MISSING
        config = config[name]
    return config


def merged(config: dict, flat: dict) -> dict:
    """Return a copy of *config* with the keys of *flat* set."""
    result = copy.deepcopy(config)
    for key, value in flat.items():
        put(result, key, value)
    return result


def patch(wanted: dict, live: dict, file: dict) -> dict:
    """Return what to send, nested, so that a server has *wanted* (flat) and loses nothing else.

    Its patch replaces a map below a section whole, plugins' settings say: such a map goes with all that is in it.
    live: the server's configuration, in which secrets may be stars. file: config.json, which has them in clear.
    """
    sent: dict = {}
    for key, value in wanted.items():
        place = key[:2]
        now = look_up(live, place)
        if len(key) > 2 and isinstance(now, dict) and look_up(sent, place) is MISSING:
            put(sent, place, _in_clear(now, look_up(file, place)))
        put(sent, key, value)
    return sent


def _in_clear(value, kept):
    """Return *value* with *kept* in the places of stars, as far as *kept* has them."""
    if isinstance(value, dict):
        return {name: _in_clear(part, look_up(kept, (name,))) for name, part in value.items()}
    return kept if value == facts.MASK and kept is not MISSING else value


def normalised(key: tuple, value):
    """Return *value* as the server writes it back, so that its own rewrite is no difference."""
    if key == ("ServiceSettings", "SiteURL") and isinstance(value, str):
        return value.rstrip("/")
    if key == ("FileSettings", "Directory") and isinstance(value, str):
        return value.rstrip("/") + "/" if value else "./data/"
    if key == ("EmailSettings", "SMTPServer") and value == "":
        return "localhost"
    return value


def differences(config: dict, wanted: dict) -> dict:
    """Return the part of *wanted* (flat) that *config* does not have yet, normalised on both sides."""
    found = {}
    for key, value in wanted.items():
        value = normalised(key, value)
        now = look_up(config, key)
        if now is MISSING or not _same(normalised(key, now), value):
            found[key] = value
    return found


def _same(one, other) -> bool:
    """Equal as JSON: unlike in Python, true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def is_secret(key: tuple) -> bool:
    """Say whether a key's value must not be shown; texts of plugins count, since nothing says which are secrets."""
    return bool(_SECRET.search(key[-1])) or key[:2] == ("PluginSettings", "Plugins")


def shown(key: tuple, value):
    """Return *value* fit for Salt's output."""
    if value is MISSING:
        return None
    hides = is_secret(key) or (isinstance(value, str) and _LOGIN.search(value))
    return "(hidden)" if hides and isinstance(value, (str, list)) and value else value


def all_shown(config, key: tuple = ()):
    """Return a configuration, or what stands at *key* of one, with every value fit for Salt's output."""
    if isinstance(config, dict):
        return {name: all_shown(value, (*key, str(name))) for name, value in config.items()}
    return shown(key, config)


def changes(config: dict, wanted: dict) -> dict:
    """Return Salt's changes for setting *wanted* (flat) in *config*: only those keys, secrets masked."""
    result = {}
    for key, value in sorted(wanted.items()):
        old = look_up(config, key)
        result[dotted(key)] = {"old": shown(key, old), "new": shown(key, value)}
    return result


def needs_restart(keys) -> bool:
    """Say whether any of *keys* takes effect only when the server starts."""
    return any(key[0] not in facts.LIVE_SECTIONS and dotted(key[:2]) not in facts.LIVE for key in keys)


def faults(wanted: dict, release: dict, version: str, insist=()) -> list[str]:
    """Return one sentence for each key of *wanted* (flat) that the release does not know or knows with another type.

    version: for the sentences. insist: ``Section.Key`` names to set although the release does not know them.
    """
    found = []
    for key, value in sorted(wanted.items()):
        sentence = _fault(key, value, release, version, {tuple(name.split(".", 1)) for name in insist})
        if sentence and sentence not in found:
            found.append(sentence)
    return found


def _fault(key: tuple, value, release: dict, version: str, insist: set):
    level = release
    for depth, name in enumerate(key):
        where = dotted(key[: depth + 1])
        if key[:depth] in facts.OPEN or (depth >= 2 and level == {}):
            return None
        if not isinstance(level, dict):
            return f"{dotted(key[:depth])} is {_kind(level)} in Mattermost {version}, not a map with keys."
        if name not in level:
            if key[:2] in insist:
                return None
            return f"{where} is not a key of Mattermost {version}'s config.json.{_hint(key[: depth + 1], release)}"
        level = level[name]
    if level is None or (isinstance(level, dict) and level == {}):
        return None
    if value is None or not _fits(value, level):
        return f"{dotted(key)} must be {_kind(level)}, not {_found(key, value, level)}"
    return None


def _fits(value, example) -> bool:
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(example, bool) and isinstance(value, bool)
    if isinstance(example, float):
        return isinstance(value, (int, float))
    return isinstance(value, type(example))


def _kind(value) -> str:
    return _KINDS.get(type(value), "nothing")


def _found(key: tuple, value, example) -> str:
    if value is None:
        return "null."
    text = "(hidden)" if is_secret(key) else str(value).lower() if isinstance(value, bool) else repr(value)
    written = "" if is_secret(key) else f": '{text}'"
    quotes = f" Write it in quotes{written}." if isinstance(example, str) and isinstance(value, (int, float)) else ""
    return f"{text}.{quotes}"


def _hint(key: tuple, release: dict) -> str:
    """What the writer may have meant: where the key moved, the nearest key there, or where that name stands."""
    if dotted(key) in facts.MOVED:
        return f" That key was {facts.MOVED[dotted(key)]}."
    siblings = look_up(release, key[:-1]) if len(key) > 1 else release
    names = {name.lower(): name for name in siblings} if isinstance(siblings, dict) else {}
    close = difflib.get_close_matches(key[-1].lower(), names, n=1, cutoff=0.75)
    elsewhere = [section for section, keys in release.items() if isinstance(keys, dict) and key[-1] in keys]
    if not close and elsewhere and len(key) == 2:
        return f" Did you mean {elsewhere[0]}.{key[-1]}?"
    close = close or difflib.get_close_matches(key[-1].lower(), names, n=1, cutoff=0.5)
    insist = (
        f" If your version does have this key, add {dotted(key[:2])} to mattermost:server:insist."
        if len(key) > 1
        else ""
    )
    return (f" Did you mean {dotted((*key[:-1], names[close[0]]))}?" if close else "") + insist


class Blocked(NamedTuple):
    """A value with which a version would not start or not work.

    variable: whether it is an environment variable's. why: ``KEY is VALUE: what is wrong.`` instead: the value to set, "" for none. more: what else to do.
    """

    variable: bool
    why: str
    instead: str
    more: str

    def todo(self, place: str = "") -> str:
        """Return what to do. place: the setting's section, such as ``mattermost:server:config``."""
        first = f"Set it to {self.instead}{f' in {place}' if place else ''}." if self.instead else ""
        return f"{first} {self.more}".strip()

    @property
    def sentence(self) -> str:
        return (
            f"{self.why} {self.todo('mattermost:server:environment' if self.variable else 'mattermost:server:config')}"
        )


def blocked(config: dict, version: str, environment: dict, edition: str = "team") -> list[Blocked]:
    """Return each value with which *version* would not start or not work.

    config: what the server would read. environment: its MM_ variables, which win over the file. edition: ``team`` or ``enterprise``.
    """
    numbers = release_facts.numbers(version)[:2]
    found = []
    for since, section, name, value, why, instead, more in facts.BLOCKING:
        if edition != "team" and (section, name) in facts.OF_TEAM_EDITION:
            continue
        variable = f"MM_{section}_{name}".upper()
        now = look_up(config, (section, name))
        if variable in environment:
            given = environment[variable]
            now = {"true": True, "1": True, "false": False, "0": False}.get(given.lower(), given)
        if numbers >= since and now is not MISSING and _same(now, value):
            where = f"the environment variable {variable}" if variable in environment else f"{section}.{name}"
            text = str(value).lower() if isinstance(value, bool) else value
            found.append(Blocked(variable in environment, f"{where} is {text}: {why}.", instead, more))
    return found
