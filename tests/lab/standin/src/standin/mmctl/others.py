"""Smaller commands: bots, plugins."""

from __future__ import annotations

from .client import CommandError
from .context import Context


def bot_list(context: Context) -> None:
    found = context.client.get("bots")
    if not found:
        raise CommandError("no bots found")
    context.show(found)


def bot_create(context: Context) -> None:
    """Never on the local socket: bots need an owner who is logged in."""
    raise CommandError("could not create bot: this command cannot be run in local mode")


def plugin_list(context: Context) -> None:
    found = context.client.get("plugins")
    lines = [f"{kind}: {item['id']} {item.get('version', '')}" for kind, items in found.items() for item in items]
    context.show([found], "\n".join(lines))


COMMANDS = {("bot", "list"): bot_list, ("bot", "create"): bot_create, ("plugin", "list"): plugin_list}
