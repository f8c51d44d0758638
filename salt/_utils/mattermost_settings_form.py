"""Whether each setting by itself is of the form that schema.yaml wants, one line where a line is meant, and a number that programs read. Pure."""

from __future__ import annotations

import difflib
import math
import sys
from typing import NamedTuple

BREAKS = "\n\r\0"
INT64 = 2**63
HARMLESS = 2**31 - 1  # what every program of a host reads as a number
NAME = "(name)"  # ends the path of a name in a mapping


class Fault(NamedTuple):
    """What is wrong with a setting.

    sentence: for the user, with the setting's whole key. harms: False when a host that was deployed with it may keep it.
    path: the setting's key as a tuple, where the fault is of one value.
    """

    sentence: str
    harms: bool = True
    path: tuple = ()


def key(path) -> str:
    """Return a setting's whole key as the user writes it."""
    text = ":".join(["mattermost", *map(str, path)])
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def part(schema: dict, name) -> dict:
    """Return the schema of *name* below *schema*, {} where it says nothing of it."""
    inner = schema.get("properties", {}).get(name, schema.get("items", schema.get("additionalProperties")))
    return inner if isinstance(inner, dict) else {}


def says(schema: dict, path, word: str) -> bool:
    """Say whether *word* is set in the schema of *path* or of a section around it."""
    for name in path:
        if schema.get(word):
            return True
        schema = part(schema, name)
    return bool(schema.get(word))


def leaves(value, path=()):
    """Yield every single value below *value* with its path, and the names of mappings as values of their own."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(name, str):
                yield (*path, NAME), name
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


def faults(schema: dict, settings: dict) -> list[Fault]:
    """Return every fault of the single values of *settings*; of a text that is no line nothing else is said, and never the text.

    A setting whose schema says ``x-multiline`` may have several lines.
    """
    single = list(leaves(settings))
    lines = [fault for path, value in single if isinstance(value, str) for fault in _line(schema, path, value)]
    reported = {fault.path for fault in lines if fault.harms}
    found = [fault for fault in validate(schema, settings) if fault.path not in reported]
    reported |= {fault.path for fault in found}
    return [
        *found,
        *lines,
        *(fault for path, value in single if path not in reported for fault in _number(path, value)),
    ]


def validate(schema: dict, settings: dict) -> list[Fault]:
    """Return the faults of *settings* against the schema, each with the key's full name."""
    try:
        from jsonschema import Draft202012Validator  # here: Salt's packages lack it, and hosts over salt-ssh need none
    except ImportError:
        pip = "salt-pip" if hasattr(sys, "RELENV") else f"{sys.executable} -m pip"
        sentence = "The settings cannot be checked, because this Salt's Python has no jsonschema 4 or newer. Install it on this machine: "
        return [Fault(f"{sentence}{pip} install 'jsonschema>=4'")]
    found = []
    for error in sorted(Draft202012Validator(schema).iter_errors(settings), key=lambda e: list(map(str, e.path))):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.schema.get("properties"), dict):
            known = error.schema["properties"]
            for name in sorted(set(error.instance) - set(known), key=str):
                sentence = f"{key((*path, name))} is not a setting.{_elsewhere(schema, name) or nearest(name, known)}"
                found.append(Fault(sentence, path=(*path, name)))
        else:
            # the names in a mapping of secrets are none
            secret = says(schema, path, "x-secret") and "propertyNames" not in error.absolute_schema_path
            harmless = error.validator == "maximum" and error.schema.get("x-harmless") and error.instance <= HARMLESS
            found.append(Fault(f"{key(path)} {_reason(error, secret)}", not harmless, path))
    return found


def _line(schema: dict, path, value: str) -> list[Fault]:
    if says(schema, path, "x-multiline"):
        return []
    where = key(path)
    if path[-1:] == (NAME,):
        path = path[:-1]
        where = f"A name below {key(path)}"
    if any(sign in value for sign in BREAKS):
        what = "a line break" if "\0" not in value else "a NUL character"
        return [Fault(f"{where} contains {what}. Write it as one line, without `|` or `>`.", path=path)]
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
        return [Fault(f"{where} contains a control character, such as a tab. Remove it.", False, path)]
    return []


def _number(path, value) -> list[Fault]:
    if isinstance(value, float) and not math.isfinite(value):
        return [Fault(f"{key(path)} is {value}, which is not a finite number.", path=path)]
    if isinstance(value, int) and not -INT64 <= value < INT64:
        return [Fault(f"{key(path)} is too large. Write at most {INT64 - 1}.", path=path)]
    return []


def _elsewhere(schema: dict, name) -> str:
    """Return the half sentence that names the settings called *name* on another level, "" for none or too many."""
    found = [key(path) for path in _paths(schema) if path[-1] == name]
    return f" Did you mean {' or '.join(found)}?" if 0 < len(found) < 4 else ""


def _paths(schema: dict, path=()):
    for name, inner in schema.get("properties", {}).items():
        yield (*path, name)
        yield from _paths(inner, (*path, name))


def nearest(name, known) -> str:
    """Return the half sentence that names the one of *known* that is meant, or all of them."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" Did you mean {close[0]}?" if close else f" Known here: {', '.join(sorted(known))}."


def _reason(error, secret: bool) -> str:
    found = "(hidden)" if secret else repr(error.instance)
    if error.validator == "type":
        quotes = ""
        if error.validator_value == "string" and isinstance(error.instance, float):
            quotes = " Write it in quotes. Without quotes YAML reads a number, and 11.10 becomes 11.1."
        return f"must be of type {error.validator_value}, not {type(error.instance).__name__} {found}.{quotes}"
    if error.validator == "enum":
        near = nearest(error.instance, error.validator_value) if isinstance(error.instance, str) else ""
        return f"is {found}. It must be one of {', '.join(error.validator_value)}.{(near if 'mean' in near else '')}"
    if error.validator in ("minimum", "maximum"):
        return (
            f"is {found}. Its {error.validator} is {error.validator_value} {error.schema.get('x-unit', '')}".rstrip()
            + "."
        )
    if error.validator == "pattern":
        return (
            f"is {found}, which does not have the required form ({error.schema.get('x-form', error.validator_value)})"
        )
    return f"is not valid: {'(hidden)' if secret else error.message}."
