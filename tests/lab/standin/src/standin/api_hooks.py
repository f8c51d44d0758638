"""Webhooks and bots."""

from __future__ import annotations

import json

from aiohttp import web
from psycopg.types.json import Jsonb

from . import api_posts, ids, memberships, users
from .call import Call, reply
from .errors import ApiError
from .routes import route


def hook_object(row: dict) -> dict:
    shown = {
        "id": row["id"],
        "create_at": row["createat"],
        "update_at": row["updateat"],
        "delete_at": row["deleteat"],
        "channel_id": row["channelid"],
        "team_id": row["teamid"],
        "display_name": row["displayname"],
        "description": row["description"],
    }
    if "creatorid" in row:
        more = {
            "token": "token",
            "creatorid": "creator_id",
            "triggerwords": "trigger_words",
            "callbackurls": "callback_urls",
        }
        return shown | {name: row[column] for column, name in more.items()}
    return shown | {"user_id": row["userid"]}


@route("POST", "hooks/incoming")
async def create_incoming(call: Call) -> web.Response:
    if not call.app.config["ServiceSettings"]["EnableIncomingWebhooks"]:
        raise ApiError(
            501, "api.incoming_webhook.disabled.app_error", "Incoming webhooks have been disabled by the system admin."
        )
    body = await call.json()
    channel = await memberships.channel(call.app, str(body.get("channel_id", "")))
    user_id = str(body.get("user_id") or call.user_id)
    await users.get(call.app, user_id)
    now = ids.now()
    row = {
        "id": ids.new(), "createat": now, "updateat": now, "deleteat": 0, "userid": user_id, "channelid": channel["id"],
        "teamid": channel["teamid"], "displayname": str(body.get("display_name", "")), "description": str(body.get("description", "")),
    }  # fmt: skip
    await memberships.insert(
        call.app, "incomingwebhooks", row, ApiError(400, "app.webhooks.save_incoming.existing.app_error")
    )
    return reply(hook_object(row), 201)


@route("POST", "hooks/outgoing")
async def create_outgoing(call: Call) -> web.Response:
    if not call.app.config["ServiceSettings"]["EnableOutgoingWebhooks"]:
        raise ApiError(
            501, "api.outgoing_webhook.disabled.app_error", "Outgoing webhooks have been disabled by the system admin."
        )
    body = await call.json()
    await memberships.team(call.app, str(body.get("team_id", "")))
    now = ids.now()
    row = {
        "id": ids.new(), "token": ids.new(), "createat": now, "updateat": now, "deleteat": 0,
        "creatorid": str(body.get("creator_id") or call.user_id), "channelid": str(body.get("channel_id", "")),
        "teamid": body["team_id"], "displayname": str(body.get("display_name", "")), "description": str(body.get("description", "")),
        "triggerwords": body.get("trigger_words") or [], "callbackurls": body.get("callback_urls") or [],
    }  # fmt: skip
    stored = row | {name: Jsonb(row[name]) for name in ("triggerwords", "callbackurls")}
    await memberships.insert(
        call.app, "outgoingwebhooks", stored, ApiError(400, "app.webhooks.save_outgoing.override.app_error")
    )
    return reply(hook_object(row), 201)


async def _listing(call: Call, table: str) -> web.Response:
    size, offset = call.page()
    where, values = "deleteat = 0", []
    if call.query("team_id"):
        where, values = where + " AND teamid = %s", [call.query("team_id")]
    rows = await call.app.database.rows(
        f"SELECT * FROM {table} WHERE {where} ORDER BY createat LIMIT %s OFFSET %s", [*values, size, offset]
    )
    return reply([hook_object(row) for row in rows])


@route("GET", "hooks/incoming")
async def incoming(call: Call) -> web.Response:
    return await _listing(call, "incomingwebhooks")


@route("GET", "hooks/outgoing")
async def outgoing(call: Call) -> web.Response:
    return await _listing(call, "outgoingwebhooks")


@route("POST", "incoming/hooks/{hook_id:id}", local=False, login=False)
async def post_through(call: Call, hook_id: str) -> web.Response:
    row = await call.app.database.row("SELECT * FROM incomingwebhooks WHERE id = %s AND deleteat = 0", (hook_id,))
    if row is None:
        raise ApiError(400, "web.incoming_webhook.invalid.app_error", "Invalid webhook.")
    try:
        text = str(json.loads(await call.bytes())["text"])
    except (ValueError, KeyError, TypeError):
        raise ApiError(400, "web.incoming_webhook.parse.app_error", "Unable to parse incoming data.") from None
    await api_posts.store(call, row["userid"], row["channelid"], {"message": text, "props": {"from_webhook": "true"}})
    return web.Response(text="ok")


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
