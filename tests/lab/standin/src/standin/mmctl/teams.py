"""``mmctl team``."""

from __future__ import annotations

from .client import ApiError, CommandError
from .context import Context


def create(context: Context) -> None:
    private = bool(context.flag("private", False))
    body = {
        "name": context.need_flag("name"),
        "display_name": context.need_flag("display-name"),
        "email": context.flag("email"),
        "type": "I" if private else "O",
        "allow_open_invite": not private,
    }
    try:
        team = context.client.post("teams", body)
    except ApiError as error:
        raise CommandError(f"Team creation failed: {error.message}") from None
    context.show(team, f"New team {team['name']} successfully created")


def listing(context: Context) -> None:
    """Archived teams are listed, too."""
    found = context.client.pages("teams")
    lines = [team["name"] + (" (archived)" if team["delete_at"] else "") for team in found]
    context.show(found or None, "\n".join(lines))
    context.say(f"There are {len(found)} teams on local instance")


def search(context: Context) -> None:
    """Fuzzy, and silent in the exit code."""
    found = {}
    for term in context.need_arguments(1):
        teams = context.client.post("teams/search", {"term": term})
        if not teams:
            context.complain(f"Unable to find team '{term}'", fails=False)
        found |= {team["id"]: team for team in teams}
    if found:
        context.show(list(found.values()), "\n".join(team["name"] for team in found.values()))


def modify(context: Context) -> None:
    private, public = bool(context.flag("private", False)), bool(context.flag("public", False))
    if private == public:
        raise CommandError("must specify one of --private or --public")
    for name in context.need_arguments(1):
        team = context.need_team(name)
        context.show(context.client.put(f"teams/{team['id']}/privacy", {"privacy": "I" if private else "O"}))


def rename(context: Context) -> None:
    team = context.need_team(context.need_arguments(1)[0])
    context.show(context.client.put(f"teams/{team['id']}/patch", {"display_name": context.need_flag("display-name")}))


def add_users(context: Context) -> None:
    name, *users = context.need_arguments(2)
    team = context.need_team(name)
    for user_name in users:
        user = context.user(user_name)
        if user is None:
            context.complain(f"Can't find user '{user_name}'")
            continue
        context.client.post(f"teams/{team['id']}/members", {"team_id": team["id"], "user_id": user["id"]})
    context.show(None)


def remove_users(context: Context) -> None:
    name, *users = context.need_arguments(2)
    team = context.need_team(name)
    for user_name in users:
        user = context.user(user_name)
        if user is None:
            context.complain(f"Can't find user '{user_name}'")
            continue
        try:
            context.client.delete(f"teams/{team['id']}/members/{user['id']}")
        except ApiError as error:
            if error.status != 404:
                raise
    context.show(None)


def archive(context: Context) -> None:
    context.confirm()
    for name in context.need_arguments(1):
        team = context.need_team(name)
        context.client.delete(f"teams/{team['id']}")
        context.show(team, f"Archived team '{name}'")


def restore(context: Context) -> None:
    for name in context.need_arguments(1):
        context.show(context.client.post(f"teams/{context.need_team(name)['id']}/restore"))


COMMANDS = {
    ("team", "create"): create,
    ("team", "list"): listing,
    ("team", "search"): search,
    ("team", "modify"): modify,
    ("team", "rename"): rename,
    ("team", "users", "add"): add_users,
    ("team", "users", "remove"): remove_users,
    ("team", "archive"): archive,
    ("team", "restore"): restore,
}
