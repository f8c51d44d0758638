"""Accounts over the API."""

from __future__ import annotations

import asyncio

from aiohttp import web

from . import ids, removal, users
from .call import Call, ok, reply
from .errors import ApiError, bad_body, forbidden
from .routes import route


@route("POST", "users", login=False)
async def create(call: Call) -> web.Response:
    app, body = call.app, await call.json()
    if not call.is_admin:
        body.pop("email_verified", None)
    if not call.local:
        team = app.config["TeamSettings"]
        if not app.config["EmailSettings"]["EnableSignUpWithEmail"] or not team["EnableUserCreation"]:
            raise ApiError(
                501, "api.user.create_user.signup_email_disabled.app_error", "User sign-up with email is disabled."
            )
        is_first = await app.database.value("SELECT count(*) FROM users") == 0
        if not (is_first or team["EnableOpenServer"] or call.is_admin):
            raise ApiError(
                403,
                "api.user.create_user.no_open_server",
                "This server does not allow open signups. Please speak with your Administrator to receive an invitation.",
            )
    return reply(users.public(await users.create(app, body)), 201)


@route("GET", "users/me")  # before 11.0 the socket does not have it
async def me(call: Call) -> web.Response:
    if call.local:  # nobody is logged in there
        raise ApiError(
            400, "api.context.invalid_url_param.app_error", "Invalid or missing user_id parameter in request URL."
        )
    return reply(users.public(await users.get(call.app, call.user_id)))


@route("GET", "users/{user_id:id}")
async def by_id(call: Call, user_id: str) -> web.Response:
    return reply(users.public(await users.get(call.app, user_id)))


@route("GET", "users/username/{name:name}")
async def by_username(call: Call, name: str) -> web.Response:
    row = await call.app.database.row(f"{users.SELECT} WHERE u.username = %s", (name.lower(),))
    if row is None:
        raise ApiError(
            404,
            "app.user.get_by_username.app_error",
            "Unable to find an existing account matching your username for this team.",
        )
    return reply(users.public(row))


@route("GET", "users/email/{email:email}")
async def by_email(call: Call, email: str) -> web.Response:
    row = await call.app.database.row("SELECT * FROM users WHERE email = %s", (email.lower(),))
    if row is None:
        raise ApiError(404, "app.user.missing_account.const", "Unable to find the user.")
    return reply(users.public(row))


@route("GET", "users")
async def listing(call: Call) -> web.Response:
    size, offset = call.page()
    tables, where, values = "", ["true"], []
    for parameter, table, column in (
        ("in_team", "teammembers", "teamid"),
        ("in_channel", "channelmembers", "channelid"),
    ):
        if call.query(parameter):
            tables += f" JOIN {table} ON {table}.userid = u.id"
            where.append(f"{table}.{column} = %s")
            values.append(call.query(parameter))
            if table == "teammembers":
                where.append("teammembers.deleteat = 0")
    if call.query("active") == "true":
        where.append("u.deleteat = 0")
    if call.query("inactive") == "true":
        where.append("u.deleteat > 0")
    query = f"{users.SELECT}{tables} WHERE {' AND '.join(where)} ORDER BY u.username LIMIT %s OFFSET %s"
    rows = await call.app.database.rows(query, [*values, size, offset])
    return reply([users.public(row) for row in rows])


async def _many(call: Call, column: str) -> web.Response:
    rows = await call.app.database.rows(f"SELECT * FROM users WHERE {column} = ANY(%s)", (await call.json(list),))
    return reply([users.public(row) for row in rows])


@route("POST", "users/ids")
async def by_ids(call: Call) -> web.Response:
    return await _many(call, "id")


@route("POST", "users/usernames", local=False)
async def by_usernames(call: Call) -> web.Response:
    return await _many(call, "username")


def _only_self_or_admin(call: Call, user_id: str) -> None:
    if user_id != call.user_id and not call.is_admin:
        raise forbidden()


async def _change(call: Call, user_id: str, body: dict) -> web.Response:
    _only_self_or_admin(call, user_id)
    values = {column: str(body[name]) for name, column in users.COLUMNS.items() if name in body}
    before = await users.get(call.app, user_id)
    users.check_names(values.get("username", before["username"]), values.get("email", before["email"]))
    return reply(users.public(await users.change(call.app, user_id, **values)))


@route("PUT", "users/{user_id:id}")
async def update(call: Call, user_id: str) -> web.Response:
    """The body is the whole object: what it leaves out becomes empty."""
    body = await call.json()
    if body.get("id") not in (None, "", user_id):
        raise bad_body("id")
    whole = {name: body.get(name, "") for name in users.COLUMNS}
    return await _change(call, user_id, whole)


@route("PUT", "users/{user_id:id}/patch", local=False)
async def patch(call: Call, user_id: str) -> web.Response:
    return await _change(call, user_id, await call.json())


@route("PUT", "users/{user_id:id}/roles", admin=True)
async def set_roles(call: Call, user_id: str) -> web.Response:
    roles = str((await call.json()).get("roles", ""))
    known = {
        "system_user",
        "system_admin",
        "system_guest",
        "system_manager",
        "system_post_all",
        "system_user_access_token",
    }
    if not roles.split() or not set(roles.split()) <= known:
        raise bad_body("roles")
    await users.change(call.app, user_id, roles=roles)
    await call.app.database.run("UPDATE sessions SET roles = %s WHERE userid = %s", (roles, user_id))
    call.app.sessions.forget()
    return ok()


async def _end_of_its_bots(call: Call, user_id: str) -> None:
    """The bots of an account are disabled with it. The real server never comes to an end with a bot that owns itself."""
    if call.app.config["ServiceSettings"]["DisableBotsWhenOwnerIsDeactivated"]:
        mine = await call.app.database.rows("SELECT userid FROM bots WHERE ownerid = %s AND deleteat = 0", (user_id,))
        for bot in (row["userid"] for row in mine):
            if bot == user_id:
                await asyncio.sleep(3600)
            await _set_active(call, bot, False)
            await call.app.database.run("UPDATE bots SET deleteat = %s WHERE userid = %s", (ids.now(), bot))


async def _set_active(call: Call, user_id: str, active: bool) -> None:
    before = await users.get(call.app, user_id)
    if not active:
        await _end_of_its_bots(call, user_id)
    if active and before["deleteat"]:
        await users.check_limit(call.app)
    await users.change(call.app, user_id, deleteat=0 if active else before["deleteat"] or ids.now())
    if not active:
        await call.app.sessions.end_of_user(user_id)


@route("PUT", "users/{user_id:id}/active", admin=True)
async def set_active(call: Call, user_id: str) -> web.Response:
    active = (await call.json()).get("active")
    if not isinstance(active, bool):
        raise bad_body("active")
    await _set_active(call, user_id, active)
    return ok()


@route("DELETE", "users/{user_id:id}", admin=True)
async def delete(call: Call, user_id: str) -> web.Response:
    """Deactivates; with ``permanent`` the account goes, over the network only where the setting allows it."""
    if call.query("permanent") == "true":
        if not call.local and not call.app.config["ServiceSettings"]["EnableAPIUserDeletion"]:
            raise ApiError(
                401, "api.user.delete_user.not_enabled.app_error", "Permanent user deletion feature is not enabled."
            )
        await _set_active(call, user_id, False)
        await removal.of_user(call.app, user_id)
    else:
        await _set_active(call, user_id, False)
    return ok()


@route("POST", "users/{user_id:id}/convert_to_bot", admin=True)
async def convert_to_bot(call: Call, user_id: str) -> web.Response:
    """No setting forbids it; the bot owns itself, and the account's password and sessions are of no use any more."""
    user, now = await users.get(call.app, user_id), ids.now()
    bot = {
        "user_id": user_id,
        "description": "",
        "owner_id": user_id,
        "create_at": now,
        "update_at": now,
        "delete_at": 0,
    }
    await call.app.database.run("INSERT INTO bots VALUES (%s, %s, %s, %s, %s, %s)", list(bot.values()))
    await call.app.sessions.end_of_user(user_id)
    return reply(bot | {"username": user["username"]})


@route("PUT", "users/{user_id:id}/password")
async def set_password(call: Call, user_id: str) -> web.Response:
    _only_self_or_admin(call, user_id)
    body = await call.json()
    password, user = str(body.get("new_password", "")), await users.get(call.app, user_id)
    if not call.is_admin and not ids.check_password(
        str(body.get("current_password", "")), user["password"], call.app.modern_passwords
    ):
        raise ApiError(
            400, "api.user.update_password.incorrect.app_error", 'The "Current Password" you entered is incorrect.'
        )
    if body.get("already_hashed") and call.local:
        stored = password
    else:
        users.check_password(call.app, password)
        stored = ids.hash_password(password, call.app.modern_passwords)
    await users.change(call.app, user_id, password=stored, lastpasswordupdate=ids.now(), failedattempts=0)
    if call.app.config["ServiceSettings"]["TerminateSessionsOnPasswordChange"]:
        await call.app.sessions.end_of_user(user_id)
    return ok()


@route("POST", "users/{user_id:id}/email/verify/member", admin=True)
async def verify(call: Call, user_id: str) -> web.Response:
    """The real server shows the password hash here as well."""
    row = await users.change(call.app, user_id, emailverified=True)
    return reply(users.public(row) | {"password": row["password"]})
