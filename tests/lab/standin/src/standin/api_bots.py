"""Bots."""

from __future__ import annotations

from aiohttp import web

from . import ids, users
from .call import Call, reply
from .errors import ApiError, forbidden
from .routes import route

SELECT = (
    "SELECT b.userid AS user_id, u.username, u.firstname AS display_name, b.description, b.ownerid AS owner_id, "
    "b.createat AS create_at, b.updateat AS update_at, b.deleteat AS delete_at FROM bots b JOIN users u ON u.id = b.userid"
)


@route("GET", "bots")
async def bots(call: Call) -> web.Response:
    size, offset = call.page()
    return reply(await call.app.database.rows(f"{SELECT} ORDER BY b.createat LIMIT %s OFFSET %s", (size, offset)))


@route("POST", "bots/{bot_id:id}/assign/{owner_id:id}", admin=True)
async def assign(call: Call, bot_id: str, owner_id: str) -> web.Response:
    """The new owner need not exist; it must be no bot."""
    if await call.app.database.row("SELECT 1 FROM bots WHERE userid = %s", (owner_id,)):
        raise forbidden()
    await call.app.database.run("UPDATE bots SET ownerid = %s WHERE userid = %s", (owner_id, bot_id))
    row = await call.app.database.row(f"{SELECT} WHERE b.userid = %s", (bot_id,))
    if row is None:
        raise ApiError(404, "store.sql_bot.get.missing.app_error", "Bot does not exist.")
    return reply(row)


@route("POST", "bots", local=False)
async def create_bot(call: Call) -> web.Response:
    if not call.app.config["ServiceSettings"]["EnableBotAccountCreation"]:
        raise ApiError(403, "api.bot.create_disabled", "Bot creation has been disabled.")
    body, now = await call.json(), ids.now()
    name = str(body.get("username", "")).lower()
    account = {
        "username": name,
        "email": f"{name}@localhost",
        "password": ids.new(),
        "first_name": body.get("display_name", ""),
    }
    user = await users.create(call.app, account)
    bot = {
        "user_id": user["id"],
        "description": str(body.get("description", "")),
        "owner_id": call.user_id,
        "create_at": now,
        "update_at": now,
        "delete_at": 0,
    }
    await call.app.database.run("INSERT INTO bots VALUES (%s, %s, %s, %s, %s, %s)", list(bot.values()))
    return reply(bot | {"username": name, "display_name": account["first_name"]}, 201)
