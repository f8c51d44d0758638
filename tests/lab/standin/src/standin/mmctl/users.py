"""``mmctl user`` and ``mmctl roles``."""

from __future__ import annotations

from .client import ApiError, CommandError
from .context import Context


def _line(user: dict) -> str:
    return f"{user['id']}: {user['username']} ({user['email']})"


def create(context: Context) -> None:
    body = {
        "email": context.need_flag("email"),
        "username": context.need_flag("username"),
        "password": context.need_flag("password"),
        "first_name": context.flag("firstname"),
        "last_name": context.flag("lastname"),
        "nickname": context.flag("nickname"),
        "locale": context.flag("locale"),
        "email_verified": bool(context.flag("email-verified", False)),
    }
    try:
        user = context.client.post("users", body)
    except ApiError as error:
        raise CommandError(f"Unable to create user. Error: {error.message}") from None
    if context.flag("system-admin", False):
        # The object that is printed is the one from before the promotion.
        context.client.put(f"users/{user['id']}/roles", {"roles": "system_user system_admin"})
    context.show(user, f"Created user {user['username']}")


def search(context: Context) -> None:
    """A missing user is an error for the exit code only on newer versions."""
    found = []
    for name in context.need_arguments(1):
        user = context.user(name)
        if user is None:
            context.complain(f"Unable to find user '{name}'", fails=context.build.at_least(9, 8))
            continue
        if context.build.at_least(10, 10):
            user = user | {"Deactivated": user["delete_at"] > 0}
        found.append(user)
    if found:
        context.show(found[0] if len(found) == 1 else found, "\n".join(_line(user) for user in found))


def listing(context: Context) -> None:
    if context.flag("all", False):
        found = context.client.pages("users")
    else:
        found = context.client.get("users", page=context.flag("page", 0), per_page=context.flag("per-page", 200))
    context.show(found or None, "\n".join(_line(user) for user in found))
    context.say(f"There are {len(found)} users on local instance")


def _activate(context: Context, active: bool) -> None:
    for name in context.need_arguments(1):
        user = context.user(name)
        if user is None:
            context.complain(f"can't find user '{name}'")
            continue
        context.client.put(f"users/{user['id']}/active", {"active": active})
    context.show(None)


def activate(context: Context) -> None:
    _activate(context, True)


def deactivate(context: Context) -> None:
    _activate(context, False)


def _roles(context: Context, wanted: str, sentence: str) -> None:
    said = []
    for name in context.need_arguments(1):
        user = context.user(name)
        if user is None:
            context.complain(f"unable to find user {name}")
            continue
        if set(user["roles"].split()) == set(wanted.split()):
            continue
        context.client.put(f"users/{user['id']}/roles", {"roles": wanted})
        said.append(sentence.format(name=user["username"]))
    context.show(said or None, "\n".join(said))


def system_admin(context: Context) -> None:
    _roles(
        context,
        "system_user system_admin",
        "System admin role assigned to user {name}. Current roles are: system_user, system_admin",
    )


def member(context: Context) -> None:
    _roles(context, "system_user", "System admin role revoked for user {name}. Current roles are: system_user")


def change_password(context: Context) -> None:
    user = context.need_user(context.need_arguments(1)[0])
    body = {"new_password": context.need_flag("password"), "already_hashed": bool(context.flag("hashed", False))}
    try:
        context.client.put(f"users/{user['id']}/password", body)
    except ApiError as error:
        raise CommandError(f"changing user password failed: {error.message}") from None
    context.show(["Password for user changed"], "Password for user changed")


COMMANDS = {
    ("user", "create"): create,
    ("user", "search"): search,
    ("user", "list"): listing,
    ("user", "activate"): activate,
    ("user", "deactivate"): deactivate,
    ("user", "change-password"): change_password,
    ("roles", "system_admin"): system_admin,
    ("roles", "system-admin"): system_admin,
    ("roles", "member"): member,
}
