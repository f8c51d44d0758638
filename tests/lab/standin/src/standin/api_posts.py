"""Posts: stored in the database, so that a test can count what got lost."""

from __future__ import annotations

import json
import re

import psycopg
from aiohttp import web
from psycopg.types.json import Jsonb

from . import ids, memberships, migrations
from .call import Call, ok, reply
from .errors import ApiError, forbidden
from .routes import KINDS, route

LONGEST = 16383  # characters of a message


def post_object(row: dict) -> dict:
    return {
        "id": row["id"],
        "create_at": row["createat"],
        "update_at": row["updateat"],
        "edit_at": row["editat"],
        "delete_at": row["deleteat"],
        "is_pinned": False,
        "user_id": row["userid"],
        "channel_id": row["channelid"],
        "root_id": row["rootid"],
        "original_id": "",
        "message": row["message"],
        "type": "",
        "props": row["props"],
        "hashtags": "",
        "file_ids": row["fileids"],
        "pending_post_id": "",
        "remote_id": "",
        "reply_count": 0,
        "last_reply_at": 0,
        "participants": None,
        "metadata": {},
    }


async def store(call: Call, user_id: str, channel_id: str, body: dict) -> dict:
    """Store a post, attach its files, tell the channel's members. Returns its row. Raises ApiError."""
    database, message = call.app.database, str(body.get("message", ""))
    if len(message) > LONGEST:
        raise ApiError(400, "model.post.is_valid.message_length.app_error", "Invalid message.")
    now, file_ids = ids.now(), [str(item) for item in body.get("file_ids") or []]
    row = {
        "id": ids.new(), "createat": now, "updateat": now, "deleteat": 0, "userid": user_id, "channelid": channel_id,
        "rootid": str(body.get("root_id", "")), "message": message, "type": "", "props": body.get("props") or {},
        "fileids": file_ids, "editat": 0,
    }  # fmt: skip
    values = row | {"props": Jsonb(row["props"]), "fileids": Jsonb(file_ids)}
    if call.app.build.at_least(*migrations.POSTS_HAVE_A_TYPE):
        values["type"] = "message"
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    async with database.connection() as connection, connection.transaction():
        await connection.execute(f"INSERT INTO posts ({names}) VALUES ({marks})", list(values.values()))
        await connection.execute(
            "UPDATE channels SET lastpostat = %s, totalmsgcount = totalmsgcount + 1 WHERE id = %s", (now, channel_id)
        )
        if file_ids:
            await connection.execute(
                "UPDATE fileinfo SET postid = %s WHERE id = ANY(%s) AND postid = '' AND creatorid = %s",
                (row["id"], file_ids, user_id),
            )
    members = await database.rows("SELECT userid FROM channelmembers WHERE channelid = %s", (channel_id,))
    data = {"post": json.dumps(post_object(row)), "channel_type": "O"}
    call.app.publish("posted", data, {"channel_id": channel_id}, {member["userid"] for member in members})
    return row


@route("POST", "posts", local=False)
async def create(call: Call) -> web.Response:
    body = await call.json()
    channel_id = str(body.get("channel_id", ""))
    try:
        channel = await memberships.channel(call.app, channel_id)
    except (psycopg.Error, TimeoutError, OSError):
        raise ApiError(400, "api.post.create_post.channel.app_error", "failed to find channel") from None
    if not await memberships.is_in_channel(call.app, channel_id, call.user_id):
        raise forbidden()
    if channel["deleteat"]:
        raise ApiError(400, "api.post.create_post.can_not_post_to_deleted.error", "Can not post to deleted channel.")
    return reply(post_object(await store(call, call.user_id, channel_id, body)), 201)


async def _readable(call: Call, channel_id: str) -> None:
    if not call.is_admin and not await memberships.is_in_channel(call.app, channel_id, call.user_id):
        raise forbidden()


async def get(call: Call, post_id: str, deleted: bool = False) -> dict:
    row = await call.app.database.row("SELECT * FROM posts WHERE id = %s", (post_id,))
    if row is None or (row["deleteat"] and not deleted):
        raise ApiError(404, "app.post.get.app_error", "Unable to get the post.")
    await _readable(call, row["channelid"])
    return row


@route("GET", "posts/{post_id:any}")
async def by_id(call: Call, post_id: str) -> web.Response:
    if not re.fullmatch(KINDS["id"], post_id):
        raise ApiError(
            400, "api.context.invalid_url_param.app_error", "Invalid or missing post_id parameter in request URL."
        )
    fault = call.app.faults.post
    if fault == "error":
        raise ApiError(500, "app.post.get.app_error", "Unable to get the post.")
    if fault == "nothing":
        return web.Response()
    shown = post_object(await get(call, post_id, call.is_admin and call.query("include_deleted") == "true"))
    return reply(shown | ({"channel_id": ids.new()} if fault == "other" else {}))


@route("DELETE", "posts/{post_id:id}")
async def delete(call: Call, post_id: str) -> web.Response:
    row = await get(call, post_id)
    if row["userid"] != call.user_id and not call.is_admin:
        raise forbidden()
    await call.app.database.run("UPDATE posts SET deleteat = %s WHERE id = %s", (ids.now(), post_id))
    return ok()


@route("GET", "channels/{channel_id:id}/posts")
async def of_channel(call: Call, channel_id: str) -> web.Response:
    await memberships.channel(call.app, channel_id)
    await _readable(call, channel_id)
    size, offset = call.page()
    rows = await call.app.database.rows(
        "SELECT * FROM posts WHERE channelid = %s AND deleteat = 0 ORDER BY createat DESC, id LIMIT %s OFFSET %s",
        (channel_id, size, offset),
    )
    return reply({
        "order": [row["id"] for row in rows],
        "posts": {row["id"]: post_object(row) for row in rows},
        "next_post_id": "",
        "prev_post_id": "",
    })  # fmt: skip
