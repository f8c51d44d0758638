"""What every command gets: the server, the flags, and the way to print."""

from __future__ import annotations

import json
import sys
from typing import Any

from ..versions import Build
from .client import Client, CommandError

ID_CHARACTERS = 26


class Context:
    """arguments: words after the command. flags: name to value, or to a list when given twice; bare ones are True."""

    def __init__(self, client: Client, build: Build, arguments: list[str], flags: dict[str, Any], as_json: bool):
        self.client, self.build, self.arguments, self.flags, self.as_json = client, build, arguments, flags, as_json
        self.failed = False

    def flag(self, name: str, default: Any = "") -> Any:
        return self.flags.get(name, default)

    def need_flag(self, name: str) -> str:
        if not self.flags.get(name):
            raise CommandError(f'required flag(s) "{name}" not set')
        return self.flags[name]

    def need_arguments(self, least: int) -> list[str]:
        if len(self.arguments) < least:
            raise CommandError(f"requires at least {least} arg(s), only received {len(self.arguments)}")
        return self.arguments

    def confirm(self) -> None:
        if not self.flags.get("confirm"):
            raise CommandError("aborted: this command needs --confirm")

    def show(self, value: Any, text: str = "") -> None:
        """Print *value* as JSON, or *text* for people."""
        if self.as_json:
            print(json.dumps(value, indent=2, ensure_ascii=False))
        elif text:
            print(text)

    def say(self, text: str) -> None:
        """A line on stderr."""
        print(text, file=sys.stderr)

    def complain(self, text: str, fails: bool = True) -> None:
        """An error on stderr; whether the exit code knows of it depends on the version's habits."""
        print(f"Error: {text}", file=sys.stderr)
        self.failed = self.failed or fails

    # Lookups that many commands share.

    def user(self, name: str) -> Any:
        """Find a user by e-mail, name or id. Returns None when there is none."""
        routes = [f"users/email/{name}"] if "@" in name else [f"users/username/{name}"]
        if len(name) == ID_CHARACTERS:
            routes.append(f"users/{name}")
        return self.client.find(*routes)

    def need_user(self, name: str) -> dict:
        found = self.user(name)
        if found is None:
            raise CommandError(f"unable to find user {name}")
        return found
