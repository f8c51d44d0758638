"""``mmctl channel``."""

from __future__ import annotations

from .client import ApiError, CommandError
from .context import Context


def create(context: Context) -> None:
    team = context.need_team(context.need_flag("team"))
    body = {
        "team_id": team["id"],
        "name": context.need_flag("name"),
        "display_name": context.need_flag("display-name"),
        "header": context.flag("header"),
        "purpose": context.flag("purpose"),
        "type": "P" if context.flag("private", False) else "O",
    }
    channel = context.client.post("channels", body)
    context.show(channel, f"New channel {channel['name']} successfully created")


def search(context: Context) -> None:
    """A missing and an archived channel look alike."""
    team, name = context.need_team(context.need_flag("team")), context.need_arguments(1)[0]
    channel = context.client.find(f"teams/{team['id']}/channels/name/{name}")
    if channel is None:
        raise CommandError("Channel does not exist.")
    context.show(
        channel,
        f"Channel Name: {channel['name']}, Display Name: {channel['display_name']}, Channel ID: {channel['id']}",
    )


def listing(context: Context) -> None:
    found = []
    for name in context.need_arguments(1):
        team = context.need_team(name)
        for kind in ("channels", "channels/deleted", "channels/private"):
            found += context.client.pages(f"teams/{team['id']}/{kind}")
    marks = {True: " (archived)", False: ""}
    context.show(found or None, "\n".join(channel["name"] + marks[channel["delete_at"] > 0] for channel in found))


def modify(context: Context) -> None:
    private, public = bool(context.flag("private", False)), bool(context.flag("public", False))
    if private == public:
        raise CommandError("you must specify only one of --public or --private")
    channel = context.need_channel(context.need_arguments(1)[0])
    context.show(context.client.put(f"channels/{channel['id']}/privacy", {"privacy": "P" if private else "O"}))


def rename(context: Context) -> None:
    channel = context.need_channel(context.need_arguments(1)[0])
    body = {
        key: context.flag(flag)
        for key, flag in (("name", "name"), ("display_name", "display-name"))
        if context.flag(flag)
    }
    if not body:
        raise CommandError("require at least one flag to rename channel, either 'name' or 'display-name'")
    context.show(context.client.put(f"channels/{channel['id']}/patch", body))


def add_users(context: Context) -> None:
    """A user outside the team is only a line on stderr before 9.8."""
    pair, *users = context.need_arguments(2)
    channel = context.need_channel(pair)
    for name in users:
        user = context.user(name)
        if user is None:
            context.complain(f"Can't find user '{name}'", fails=context.build.at_least(9, 8))
            continue
        try:
            context.client.post(f"channels/{channel['id']}/members", {"user_id": user["id"]})
        except ApiError as error:
            context.complain(
                f"Unable to add '{name}' to {channel['name']}. Error: {error.message}",
                fails=context.build.at_least(9, 8),
            )
    context.show(None)


def remove_users(context: Context) -> None:
    pair, *users = context.need_arguments(2)
    channel = context.need_channel(pair)
    for name in users:
        context.client.delete(f"channels/{channel['id']}/members/{context.need_user(name)['id']}")
    context.show(None)


def list_users(context: Context) -> None:
    channel = context.need_channel(context.need_arguments(1)[0])
    context.show(context.client.pages("users", in_channel=channel["id"]) or None)


def archive(context: Context) -> None:
    for pair in context.need_arguments(1):
        channel = context.need_channel(pair)
        try:
            context.client.delete(f"channels/{channel['id']}")
        except ApiError as error:
            context.complain(f"Unable to archive channel '{pair}' error: {error.message}")
    context.show(None)


def unarchive(context: Context) -> None:
    for pair in context.need_arguments(1):
        channel = context.need_channel(pair)
        try:
            context.client.post(f"channels/{channel['id']}/restore")
        except ApiError as error:
            context.complain(f"Unable to unarchive channel '{pair}' error: {error.message}")
    context.show(None)


COMMANDS = {
    ("channel", "create"): create,
    ("channel", "search"): search,
    ("channel", "list"): listing,
    ("channel", "modify"): modify,
    ("channel", "rename"): rename,
    ("channel", "users", "add"): add_users,
    ("channel", "users", "remove"): remove_users,
    ("channel", "users", "list"): list_users,
    ("channel", "archive"): archive,
    ("channel", "unarchive"): unarchive,
}
