"""Log in and out; sessions and access tokens."""

from __future__ import annotations

import psycopg
from aiohttp import web

from . import api_system, ids, users
from .call import Call, ok, reply
from .errors import ApiError, bad_body, forbidden
from .routes import route

WRONG = ApiError(
    401, "api.user.login.invalid_credentials_email_username", "Enter a valid email or username and/or password."
)
ACTION = "/api/v4/users/login"


async def _account(call: Call, login_id: str, password: str) -> dict:
    """Return the account that *login_id* and *password* open. Raises ApiError."""
    settings = call.app.config["EmailSettings"]
    by = [
        column
        for column, key in (("username", "EnableSignInWithUsername"), ("email", "EnableSignInWithEmail"))
        if settings[key]
    ]
    if not by:
        raise WRONG
    where = " OR ".join(f"{column} = %s" for column in by)
    user = await call.app.database.row(f"SELECT * FROM users WHERE {where}", [login_id.lower()] * len(by))
    if user is None:
        raise WRONG
    if user["deleteat"]:
        raise ApiError(
            401,
            "api.user.login.inactive.app_error",
            "Login failed because your account has been deactivated. Please contact an administrator.",
        )
    if user["failedattempts"] >= call.app.config["ServiceSettings"]["MaximumLoginAttempts"]:
        raise ApiError(
            401,
            "api.user.check_user_login_attempts.too_many.app_error",
            "Your account is locked because of too many failed password attempts. Please reset your password.",
        )
    if not ids.check_password(password, user["password"], call.app.modern_passwords):
        await call.app.database.run("UPDATE users SET failedattempts = failedattempts + 1 WHERE id = %s", (user["id"],))
        raise WRONG
    if call.app.config["EmailSettings"]["RequireEmailVerification"] and not user["emailverified"]:
        raise ApiError(
            401, "api.user.login.not_verified.app_error", "Login failed because email address has not been verified."
        )
    return user


async def _after_login(call: Call, user: dict, password: str) -> None:
    """Forget failed attempts; servers from 11.0 on store the password anew in their own way."""
    values = {"failedattempts": 0}
    if call.app.modern_passwords and not user["password"].startswith("$pbkdf2$"):
        values["password"] = ids.hash_password(password, True)
    marks = ", ".join(f"{name} = %s" for name in values)
    await call.app.database.run(f"UPDATE users SET {marks} WHERE id = %s", [*values.values(), user["id"]])


@route("POST", "users/login", local=False, login=False)
async def login(call: Call) -> web.Response:
    body = await call.json()
    login_id, password = str(body.get("login_id", "")), str(body.get("password", ""))
    try:
        user = await _account(call, login_id, password)
    except (psycopg.Error, TimeoutError, OSError):
        raise WRONG from None  # what the real server says while its database is away
    except ApiError:
        await users.audit(call.app, "", ACTION, f"fail login_id={login_id}", call.address)
        raise
    await _after_login(call, user, password)
    hours = call.app.config["ServiceSettings"]["SessionLengthWebInHours"]
    session = await call.app.sessions.create(
        user, hours, {"os": "", "browser": call.request.headers.get("User-Agent", "")[:80]}
    )
    await users.audit(call.app, user["id"], ACTION, f"success session_user={user['id']}", call.address, session["id"])
    response = reply(users.public(user), headers={"Token": session["token"]})
    secure = call.request.headers.get("X-Forwarded-Proto") == "https"
    for name, value, hidden in (("MMAUTHTOKEN", session["token"], True), ("MMUSERID", user["id"], False)):
        response.set_cookie(name, value, max_age=hours * 3600, path="/", httponly=hidden, secure=secure)
    return response


@route("POST", "users/logout", local=False, login=False)
async def logout(call: Call) -> web.Response:
    if call.session:
        await call.app.sessions.end(call.session["token"])
    return ok()


def _own(call: Call, user_id: str) -> str:
    """Resolve ``me``; others' data is for admins."""
    user_id = call.user_id if user_id == "me" else user_id
    if user_id != call.user_id and not call.is_admin:
        raise forbidden()
    return user_id


@route("GET", "users/{user_id:name}/audits", local=False)
async def user_audits(call: Call, user_id: str) -> web.Response:
    rows = await call.app.database.rows(
        "SELECT * FROM audits WHERE userid = %s ORDER BY createat DESC LIMIT 100", (_own(call, user_id),)
    )
    return reply([api_system.audit_object(row) for row in rows])


def _need_tokens(call: Call) -> None:
    if not call.app.config["ServiceSettings"]["EnableUserAccessTokens"]:
        raise ApiError(
            501,
            "app.user_access_token.disabled",
            "Personal access tokens are disabled on this server. Please contact your system administrator for details.",
        )


@route("POST", "users/{user_id:id}/tokens")
async def create_token(call: Call, user_id: str) -> web.Response:
    user = await users.get(call.app, user_id)
    if not user["isbot"]:
        _need_tokens(call)
    body = await call.json()
    if not body.get("description"):
        raise bad_body("description")
    token = {
        "id": ids.new(),
        "token": ids.new(),
        "user_id": user["id"],
        "description": str(body.get("description", "")),
        "is_active": True,
    }
    await call.app.database.run("INSERT INTO useraccesstokens VALUES (%s, %s, %s, %s, %s)", list(token.values()))
    return reply(token)


@route("GET", "users/{user_id:id}/tokens")
async def list_tokens(call: Call, user_id: str) -> web.Response:
    rows = await call.app.database.rows("SELECT * FROM useraccesstokens WHERE userid = %s", (user_id,))
    return reply(
        [
            {"id": row["id"], "user_id": row["userid"], "description": row["description"], "is_active": row["isactive"]}
            for row in rows
        ]
    )
