"""``mmctl``: find the command, run it, turn what happened into output and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Any, Callable

from .. import build_file
from ..versions import Build
from . import offline
from .client import DEFAULT_SOCKET, Client, CommandError, check_socket
from .context import Context

GLOBAL = {
    "local",
    "json",
    "format",
    "suppress-warnings",
    "disable-pager",
    "quiet",
    "strict",
    "insecure-sha1-intermediate",
    "config",
}
WITHOUT_VALUE = {
    "local", "json", "suppress-warnings", "disable-pager", "quiet", "strict", "system-admin", "email-verified",
    "disable-welcome-email", "guest", "private", "public", "confirm", "all", "force", "hashed", "delete-all",
    "show-ids", "remove-masked", "remove-defaults", "no-attachments", "check-exists", "inactive", "active",
}  # fmt: skip

USAGE = """mmctl of the lab's stand-in server.

Usage:
  mmctl [command]

Available Commands:
  bot config help plugin roles system user version

Flags:
      --format string         the format of the command output [plain, json] (default "plain")
      --json                  the output format will be in json format
      --local                 allows communicating with the server through a unix socket
      --suppress-warnings     disables printing warning messages
      --disable-pager         disables paged output
"""


def commands() -> dict[tuple[str, ...], Callable[[Context], Any]]:
    from . import configuration, others, system, users

    table: dict = {}
    for module in (system, users, configuration, others):
        table |= module.COMMANDS
    return table


def split(arguments: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return words and flags. Raises CommandError for a flag without its value."""
    words: list[str] = []
    flags: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        item = rest.pop(0)
        if item == "--":
            return words + rest, flags
        if not item.startswith("-") or item == "-":
            words.append(item)
            continue
        name, equals, value = item.lstrip("-").partition("=")
        if not equals and name not in WITHOUT_VALUE:
            if not rest:
                raise CommandError(f"flag needs an argument: --{name}")
            value, equals = rest.pop(0), "="
        new: Any = value if equals else True
        if isinstance(new, str) and name in WITHOUT_VALUE:
            new = new not in ("false", "0")
        if name in flags and isinstance(new, str):
            new = [*(flags[name] if isinstance(flags[name], list) else [flags[name]]), new]
        flags[name] = new
    return words, flags


def find(table: dict, words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the longest command that *words* begin with, and the rest. Raises CommandError."""
    for length in range(min(3, len(words)), 0, -1):
        name = tuple(words[:length])
        if name in table:
            return name, words[length:]
    raise CommandError(f'unknown command "{" ".join(words)}" for "mmctl"')


def is_local(flags: dict, environ, build: Build) -> bool:
    """From 10.8 on the local socket is assumed when no credentials are stored; the stand-in stores none."""
    if "local" in flags:
        return bool(flags["local"])
    return environ.get("MMCTL_LOCAL", "").lower() in ("1", "true") or build.at_least(10, 8)


def main(arguments: list[str], build: Build) -> int:
    words, flags = split(arguments)
    if not words or words[0] == "help":
        print(USAGE, end="")
        return 0
    if words == ["version"]:
        print(
            "\n".join(
                ["mmctl:", f"Version:\t{build.version}", f"BuildDate:\t{build.date}", f"GitCommit:\t{build.hash}"]
            )
        )
        return 0
    if words[:2] == ["config", "subpath"]:
        return offline.subpath(flags)
    table = commands()
    name, rest = find(table, words)
    if not is_local(flags, os.environ, build):
        raise CommandError("cannot read user credentials, maybe you need to use login first")
    path = os.environ.get("MMCTL_LOCAL_SOCKET_PATH") or DEFAULT_SOCKET
    check_socket(path, os.geteuid(), "exist" if build.at_least(9, 6) else "exists")
    as_json = bool(flags.get("json")) or flags.get("format") == "json"
    context = Context(Client(path), build, rest, flags, as_json)
    table[name](context)
    return 1 if context.failed else 0


def entry() -> None:
    try:
        code = main(sys.argv[1:], build_file.load())
    except CommandError as error:
        print(f"Error: {error}", file=sys.stderr)
        code = 1
    except BrokenPipeError:
        code = 1
    sys.stdout.flush()
    raise SystemExit(code)
