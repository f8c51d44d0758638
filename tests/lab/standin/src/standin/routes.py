"""The table of API routes, filled by the modules that define them."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Callable

KINDS = {"id": "[A-Za-z0-9]{26}", "name": r"[A-Za-z0-9._-]+", "email": r"[^/]+", "any": r"[^/]+"}


@dataclass(frozen=True)
class Route:
    """rest, local: on the network, on the local socket. login: a session is needed. admin: a system admin's."""

    method: str
    pattern: re.Pattern
    handler: Callable[..., Awaitable]
    rest: bool
    local: bool
    login: bool
    admin: bool


_routes: dict[str, list[Route]] = {}


def _pattern(path: str) -> re.Pattern:
    def group(match: re.Match) -> str:
        return f"(?P<{match.group(1)}>{KINDS[match.group(2)]})"

    return re.compile("/api/v4/" + re.sub(r"\{(\w+):(\w+)\}", group, path) + "/?")


def route(method: str, path: str, rest: bool = True, local: bool = True, login: bool = True, admin: bool = False):
    """Register a handler for ``/api/v4/PATH``; ``{user_id:id}`` in PATH becomes an argument."""

    def register(handler):
        _routes.setdefault(method, []).append(Route(method, _pattern(path), handler, rest, local, login, admin))
        return handler

    return register


def find(method: str, path: str, local: bool) -> tuple[Route, dict[str, str]] | None:
    """Return the route for *path* and the arguments in it, or None."""
    for candidate in _routes.get(method, ()):
        if candidate.local if local else candidate.rest:
            match = candidate.pattern.fullmatch(path)
            if match:
                return candidate, match.groupdict()
    return None
