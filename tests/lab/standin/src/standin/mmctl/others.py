"""Smaller commands: bots, webhooks, tokens, exports, permissions."""

from __future__ import annotations

from .client import ApiError, CommandError
from .context import Context


def bot_list(context: Context) -> None:
    found = context.client.get("bots")
    if context.flag("all", False) and not found:
        raise CommandError("no bots found")
    context.show(found or None)


def bot_create(context: Context) -> None:
    """Never on the local socket: bots need an owner who is logged in."""
    raise CommandError("could not create bot: this command cannot be run in local mode")


def webhook_list(context: Context) -> None:
    teams = [context.need_team(name) for name in context.arguments] or context.client.pages("teams")
    found = []
    for team in teams:
        found += context.client.pages("hooks/incoming", team_id=team["id"])
        found += context.client.pages("hooks/outgoing", team_id=team["id"])
    context.show(found or None)


def create_incoming(context: Context) -> None:
    channel, user = context.need_channel(context.need_flag("channel")), context.need_user(context.need_flag("user"))
    body = {
        "channel_id": channel["id"],
        "user_id": user["id"],
        "display_name": context.flag("display-name"),
        "description": context.flag("description"),
    }
    context.show(context.client.post("hooks/incoming", body))


def create_outgoing(context: Context) -> None:
    team, user = context.need_team(context.need_flag("team")), context.need_user(context.need_flag("user"))

    def several(name: str) -> list:
        value = context.flag(name, [])
        return value if isinstance(value, list) else [value]

    body = {
        "team_id": team["id"],
        "creator_id": user["id"],
        "display_name": context.flag("display-name"),
        "description": context.flag("description"),
        "trigger_words": several("trigger-word"),
        "callback_urls": several("url"),
    }
    if context.flag("channel"):
        body["channel_id"] = context.need_channel(context.flag("channel"))["id"]
    context.show(context.client.post("hooks/outgoing", body))


def token_generate(context: Context) -> None:
    name, description = context.need_arguments(2)[:2]
    try:
        context.show(context.client.post(f"users/{context.need_user(name)['id']}/tokens", {"description": description}))
    except ApiError as error:
        raise CommandError(f"could not create token for {name!r}: {error.message}") from None


def token_list(context: Context) -> None:
    """Exit 1 when there is nothing to list."""
    name = context.need_arguments(1)[0]
    found = context.client.get(f"users/{context.need_user(name)['id']}/tokens")
    if not found:
        raise CommandError(f"there are no tokens for the {name!r}")
    context.show(found)


def export_list(context: Context) -> None:
    context.show(["No export files found"], "No export files found")


def command_list(context: Context) -> None:
    context.show(None)


def role_show(context: Context) -> None:
    context.show([None])


COMMANDS = {
    ("bot", "list"): bot_list,
    ("bot", "create"): bot_create,
    ("webhook", "list"): webhook_list,
    ("webhook", "create-incoming"): create_incoming,
    ("webhook", "create-outgoing"): create_outgoing,
    ("token", "generate"): token_generate,
    ("token", "list"): token_list,
    ("export", "list"): export_list,
    ("command", "list"): command_list,
    ("permissions", "role", "show"): role_show,
}
