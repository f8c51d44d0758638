"""Whether each setting by itself is of the form that schema.yaml wants, one line where a line is meant, and a number that programs read. Pure."""

from __future__ import annotations

import difflib
import math
import sys
import unicodedata
from typing import NamedTuple

BREAKS = "\n\r\0"
INT64 = 2**63
HARMLESS = 2**31 - 1  # what every program of a host reads as a number
QUOTES = "Write the value in quotes, '...'."
NAME = "(name)"  # ends the path of a name in a mapping
LONGEST = 100_000  # bytes; Linux starts no program with a variable of more than 131,071
SHOWN = 200  # characters of a value in a sentence
MOST = 100_000  # values; by aliases of YAML a short file has any number of them


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


def is_endless(value) -> bool:
    """Say whether more than `MOST` values are below *value*, which is not below itself; the same one twice is counted twice."""
    return _count(value, {}) > MOST


def _count(value, known: dict) -> int:
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(each, known) for each in inner)
    return known[id(value)]


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
    lines += _names(settings)
    reported = {fault.path for fault in lines if fault.harms}
    found = [fault for fault in validate(schema, settings) if fault.path not in reported]
    reported |= {fault.path for fault in found}
    return [
        *found,
        *lines,
        *(fault for path, value in single if path not in reported for fault in _scalar(path, value)),
    ]


def unlike(facts: dict, given: dict, path) -> list[Fault]:
    """Return a fault for each value of *given* whose kind is another than that of the same name in *facts*. path: of both."""
    found = []
    for name, value in given.items():
        wanted = facts.get(name)
        if isinstance(wanted, dict) and isinstance(value, dict):
            found += unlike(wanted, value, (*path, name))
        elif wanted is not None and type(wanted) is not type(value):
            sentence = f"{key((*path, name))} must be of type {type(wanted).__name__}, not {type(value).__name__} {_shown(value)}."
            found.append(Fault(sentence, path=(*path, name)))
    return found


def validate(schema: dict, settings: dict) -> list[Fault]:
    """Return the faults of *settings* against the schema, each with the key's full name."""
    try:
        from jsonschema import Draft202012Validator  # here: Salt's packages lack it, and hosts over salt-ssh need none
    except ImportError:
        pip = "salt-pip" if hasattr(sys, "RELENV") else f"{sys.executable} -m pip"
        sentence = "The settings cannot be checked, because this Salt's Python has no jsonschema 4 or newer. To install jsonschema on this machine, run: "
        return [Fault(f"{sentence}{pip} install 'jsonschema>=4'")]
    found = []
    for error in sorted(
        _strict(Draft202012Validator)(schema).iter_errors(settings), key=lambda e: list(map(str, e.path))
    ):
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


def _strict(validator):
    """Return *validator* with 8065.0 no whole number: it would stand in a file as it is."""
    from jsonschema import validators

    def is_whole(_, value):
        return isinstance(value, int) and not isinstance(value, bool)

    return validators.extend(validator, type_checker=validator.TYPE_CHECKER.redefine("integer", is_whole))


def _names(value, path=()) -> list[Fault]:
    """Return a fault for each name of a mapping, at any depth, that YAML does not read as text."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [fault for name, part in inner for fault in _names(part, (*path, name))]
    if isinstance(value, dict) and path:
        for name in value:
            if not isinstance(name, str):
                sentence = f"A key below {key(path)} is {_shown(name)}, which is of type {type(name).__name__}. Write the key in quotes, '...'."
                found.append(Fault(sentence, path=(*path, name)))
    return found


def _line(schema: dict, path, value: str) -> list[Fault]:
    if says(schema, path, "x-multiline"):
        return []
    where = key(path)
    if path[-1:] == (NAME,):
        path = path[:-1]
        where = f"A key below {key(path)}"
    if any(sign in value for sign in BREAKS):
        what = "a NUL character. Remove that character."
        if "\0" not in value:
            what = "a line break. Write the value as one line, without `|` or `>`."
        return [Fault(f"{where} contains {what}", path=path)]
    if len(value.encode(errors="replace")) > LONGEST:
        return [Fault(f"{where} is too long. Write at most {LONGEST} bytes.", path=path)]
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in value):
        return [Fault(f"{where} contains a control character, such as a tab. Remove that character.", False, path)]
    return []


def _scalar(path, value) -> list[Fault]:
    if not isinstance(value, (str, bool, int, float, type(None))):
        return [Fault(f"{key(path)} must not be of type {type(value).__name__}. {QUOTES}", path=path)]
    if isinstance(value, float) and not math.isfinite(value):
        return [Fault(f"{key(path)} is {value}, which is not a finite number. Write a number in digits.", path=path)]
    if isinstance(value, int) and not -INT64 <= value < INT64:
        return [Fault(f"{key(path)} has too many digits. Write at most {INT64 - 1}.", path=path)]
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
    return f" Did you mean {close[0]}?" if close else f" Known names: {', '.join(sorted(known))}."


def _shown(value) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _as_wanted(wanted, value) -> str:
    """Return how to write a *value* of a wrong type, with a blank before it, "" where that says nothing."""
    if value is None:
        return " Write a value, or remove the line."
    if wanted == "string" and isinstance(value, float):
        return " Write the value in quotes. Without quotes YAML reads a number, and 11.10 becomes 11.1."
    if wanted == "string" and not isinstance(value, (dict, list)):
        return f" {QUOTES}"
    if wanted == "integer" and isinstance(value, str) and value.isdigit():
        return " Write the value without quotes."
    if wanted == "array" and not isinstance(value, dict):
        return " Write the value as a list, [...]."
    if wanted == "object":
        return " Write the value as a mapping, {...}."
    return ""


def _reason(error, secret: bool) -> str:
    found = "(hidden)" if secret else _shown(error.instance)
    if error.validator == "type":
        wanted = error.validator_value
        several = ", ".join(wanted) if isinstance(wanted, list) else wanted
        return f"must be of type {several}, not {type(error.instance).__name__} {found}.{_as_wanted(wanted, error.instance)}"
    if error.validator == "enum":
        near = nearest(error.instance, error.validator_value) if isinstance(error.instance, str) else ""
        return f"is {found}, but must be one of {', '.join(error.validator_value)}.{(near if 'mean' in near else '')}"
    if error.validator in ("minimum", "maximum"):
        unit = error.schema.get("x-unit", "")
        unit = unit.removesuffix("s") if error.validator_value == 1 else unit
        return f"is {found}, but the {error.validator} is {error.validator_value} {unit}".rstrip() + "."
    if error.validator == "pattern":
        return (
            f"is {found}, which does not have the required form ({error.schema.get('x-form', error.validator_value)})."
        )
    return f"is not valid: {'(hidden)' if secret else error.message}."
