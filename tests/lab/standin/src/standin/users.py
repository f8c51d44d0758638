"""Users: the rules for names and passwords, and the rows."""

from __future__ import annotations

import re
from typing import Any

from . import ids
from .app import App
from .database import UniqueViolation
from .errors import ApiError

USERNAME = re.compile(r"[a-z][a-z0-9._-]{0,63}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
COLUMNS = {
    "first_name": "firstname",
    "last_name": "lastname",
    "nickname": "nickname",
    "locale": "locale",
    "username": "username",
    "email": "email",
}


SELECT = "SELECT u.*, EXISTS (SELECT 1 FROM bots b WHERE b.userid = u.id) AS isbot FROM users u"


def public(row: dict) -> dict:
    """A user as the API shows it; ``email_verified`` and ``is_bot`` are left out when false."""
    shown = {
        "id": row["id"],
        "create_at": row["createat"],
        "update_at": row["updateat"],
        "delete_at": row["deleteat"],
        "username": row["username"],
        "auth_data": "",
        "auth_service": row["authservice"],
        "email": row["email"],
        "nickname": row["nickname"],
        "first_name": row["firstname"],
        "last_name": row["lastname"],
        "position": "",
        "roles": row["roles"],
        "last_password_update": row["lastpasswordupdate"],
        "locale": row["locale"],
        "disable_welcome_email": False,
    }
    if row["emailverified"]:
        shown["email_verified"] = True
    if row.get("isbot"):
        shown["is_bot"] = True
    return shown


def check_password(app: App, password: str) -> None:
    """Raise ApiError 400 when *password* breaks the configured rules."""
    rules = app.config["PasswordSettings"]
    broken = not rules["MinimumLength"] <= len(password) <= 72
    for key, wanted in (
        ("Lowercase", "[a-z]"),
        ("Uppercase", "[A-Z]"),
        ("Number", "[0-9]"),
        ("Symbol", "[^A-Za-z0-9]"),
    ):
        broken = broken or (rules[key] and not re.search(wanted, password))
    if broken:
        raise ApiError(
            400,
            "model.user.is_valid.pwd.app_error",
            f"Your password must contain at least {rules['MinimumLength']} characters.",
        )


def check_names(username: str, email: str) -> None:
    if not USERNAME.fullmatch(username):
        raise ApiError(400, "model.user.is_valid.username.app_error",
            "Username must begin with a letter, and contain between 1 to 64 lowercase characters made up of numbers, letters, and the symbols '.', '-', and '_'.")  # fmt: skip
    if not EMAIL.fullmatch(email) or len(email) > 128 or email != email.lower():
        raise ApiError(400, "model.user.is_valid.email.app_error", "Invalid email.")


def check_domain(app: App, email: str) -> None:
    domains = (
        app.config["TeamSettings"]["RestrictCreationToDomains"].replace("@", " ").replace(",", " ").lower().split()
    )
    if domains and email.rpartition("@")[2] not in domains:
        raise ApiError(
            400,
            "api.user.create_user.accepted_domain.app_error",
            "The email you provided does not belong to an accepted domain.",
        )


def user_limit(app: App) -> int | None:
    """How many active users this version allows at most."""
    for since, most in (((11, 0), 250), ((10, 6), 5000), ((9, 9), 11000)):
        if app.build.at_least(*since):
            return most
    return None


async def check_limit(app: App) -> None:
    most = user_limit(app)
    people = "SELECT count(*) FROM users WHERE deleteat = 0 AND id NOT IN (SELECT userid FROM bots)"
    if most and await app.database.value(people) >= most:
        raise ApiError(
            400,
            "api.user.create_user.user_limits.exceeded",
            "ERROR_SAFETY_LIMITS_EXCEEDED: Can't create user. Server exceeds safe user limit. Contact administrator.",
        )


def _conflict(error: UniqueViolation) -> ApiError:
    if "email" in (error.diag.constraint_name or ""):
        return ApiError(400, "app.user.save.email_exists.app_error", "An account with that email already exists.")
    return ApiError(400, "app.user.save.username_exists.app_error", "An account with that username already exists.")


async def create(app: App, body: dict[str, Any]) -> dict:
    """Store a new account and return its row. The first one ever is a system admin. Raises ApiError."""
    username, email = str(body.get("username", "")).lower(), str(body.get("email", "")).lower()
    check_names(username, email)
    check_domain(app, email)
    check_password(app, str(body.get("password", "")))
    await check_limit(app)
    first = await app.database.value("SELECT count(*) FROM users") == 0
    now = ids.now()
    row = {
        "id": ids.new(),
        "createat": now,
        "updateat": now,
        "deleteat": 0,
        "username": username,
        "password": ids.hash_password(str(body["password"]), app.modern_passwords),
        "authservice": "",
        "email": email,
        "emailverified": bool(body.get("email_verified", False)),
        "nickname": str(body.get("nickname", "")),
        "firstname": str(body.get("first_name", "")),
        "lastname": str(body.get("last_name", "")),
        "roles": "system_admin system_user" if first else "system_user",
        "locale": str(body.get("locale", "") or app.config["LocalizationSettings"]["DefaultClientLocale"]),
        "failedattempts": 0,
        "lastpasswordupdate": now,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    try:
        await app.database.run(f"INSERT INTO users ({names}) VALUES ({marks})", list(row.values()))
    except UniqueViolation as error:
        raise _conflict(error) from None
    app.publish("new_user", {"user_id": row["id"]}, {})
    return row


async def get(app: App, user_id: str) -> dict:
    """Return the row of *user_id*. Raises ApiError 404."""
    row = await app.database.row(f"{SELECT} WHERE u.id = %s", (user_id,))
    if row is None:
        raise ApiError(404, "app.user.missing_account.const", "Unable to find the user.")
    return row


async def change(app: App, user_id: str, **values: Any) -> dict:
    """Set columns of a user and return the new row."""
    await get(app, user_id)
    values["updateat"] = ids.now()
    marks = ", ".join(f"{name} = %s" for name in values)
    try:
        await app.database.run(f"UPDATE users SET {marks} WHERE id = %s", [*values.values(), user_id])
    except UniqueViolation as error:
        raise _conflict(error) from None
    app.sessions.forget()
    return await get(app, user_id)


async def audit(app: App, user_id: str, action: str, info: str, address: str, session_id: str = "") -> None:
    await app.database.run(
        "INSERT INTO audits VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (ids.new(), ids.now(), user_id, action, info, address, session_id),
    )
