"""Bots."""

from __future__ import annotations

from aiohttp import web

from . import ids, users
from .call import Call, reply
from .errors import ApiError
from .routes import route


@route("GET", "bots")
async def bots(call: Call) -> web.Response:
    size, offset = call.page()
    rows = await call.app.database.rows(
        "SELECT b.userid AS user_id, u.username, u.firstname AS display_name, b.description, b.ownerid AS owner_id, "
        "b.createat AS create_at, b.updateat AS update_at, b.deleteat AS delete_at "
        "FROM bots b JOIN users u ON u.id = b.userid ORDER BY b.createat LIMIT %s OFFSET %s",
        (size, offset),
    )
    return reply(rows)


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
