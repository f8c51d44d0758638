"""JSON as the real server writes and reads it: Go's escapes on the way out, Go's words for errors on the way in."""

from __future__ import annotations

import json
from typing import Any

ESCAPES = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def dumps(value: Any, indent: int | None = None) -> str:
    """Return *value* as Go's encoder writes it; *indent* in spaces, no newline at the end."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, indent=indent, ensure_ascii=False, separators=separators)
    for plain, escaped in ESCAPES.items():
        text = text.replace(plain, escaped)
    return text


def position(text: str, offset: int) -> tuple[int, int]:
    """Return the line and the character (both from 1) of *offset* in *text*."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - (text.rfind("\n", 0, offset) + 1) + 1


def kind(value: Any) -> str:
    """Name of a JSON value as Go's decoder puts it into its errors."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def parse_error(text: str, offset: int, reason: str) -> str:
    line, character = position(text, offset)
    return f"parsing error at line {line}, character {character}: {reason}"


def loads(text: str) -> Any:
    """Parse *text*. Raises ValueError in the real server's words, with line and character."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            reason = "unexpected end of JSON input"
        else:
            found = text[error.pos]
            reason = f"invalid character {found!r} looking for beginning of value"
        raise ValueError(parse_error(text, error.pos, reason)) from None
