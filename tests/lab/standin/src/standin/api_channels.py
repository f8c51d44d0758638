"""Channels over the API."""

from __future__ import annotations

from aiohttp import web

from . import ids, memberships, users
from .call import Call, ok, reply
from .errors import ApiError, forbidden
from .memberships import channel_object
from .routes import route

MISSING = ApiError(404, "app.channel.get_by_name.missing.app_error", "Channel does not exist.")


@route("POST", "channels")
async def create(call: Call) -> web.Response:
    return reply(channel_object(await memberships.create_channel(call.app, await call.json(), call.user_id)), 201)


async def _may_read(call: Call, row: dict) -> None:
    if call.is_admin or row["type"] == "O" and await memberships.is_in_team(call.app, row["teamid"], call.user_id):
        return
    if not await memberships.is_in_channel(call.app, row["id"], call.user_id):
        raise forbidden()


async def _may_manage(call: Call, channel_id: str) -> dict:
    row = await memberships.channel(call.app, channel_id)
    if not call.is_admin and not await memberships.is_in_channel(call.app, channel_id, call.user_id):
        raise forbidden()
    return row


@route("GET", "channels/{channel_id:id}")
async def by_id(call: Call, channel_id: str) -> web.Response:
    row = await memberships.channel(call.app, channel_id)
    await _may_read(call, row)
    return reply(channel_object(row))


async def _by_name(call: Call, team: str, value: str, name: str) -> web.Response:
    deleted = "" if call.query("include_deleted") == "true" else "AND c.deleteat = 0"
    row = await call.app.database.row(
        f"SELECT c.* FROM channels c JOIN teams t ON t.id = c.teamid WHERE t.{team} = %s AND c.name = %s {deleted}",
        (value, name.lower()),
    )
    if row is None:
        raise MISSING
    await _may_read(call, row)
    return reply(channel_object(row))


@route("GET", "teams/{team_id:id}/channels/name/{name:name}")
async def by_name(call: Call, team_id: str, name: str) -> web.Response:
    return await _by_name(call, "id", team_id, name)


@route("GET", "teams/name/{team:name}/channels/name/{name:name}")
async def by_names(call: Call, team: str, name: str) -> web.Response:
    return await _by_name(call, "name", team.lower(), name)


async def _listing(call: Call, team_id: str, which: str) -> web.Response:
    size, offset = call.page()
    await memberships.team(call.app, team_id)
    rows = await call.app.database.rows(
        f"SELECT * FROM channels WHERE teamid = %s AND {which} ORDER BY displayname LIMIT %s OFFSET %s",
        (team_id, size, offset),
    )
    return reply([channel_object(row) for row in rows])


@route("GET", "teams/{team_id:id}/channels")
async def public(call: Call, team_id: str) -> web.Response:
    return await _listing(call, team_id, "type = 'O' AND deleteat = 0")


@route("PUT", "channels/{channel_id:id}/patch")
async def patch(call: Call, channel_id: str) -> web.Response:
    body = await call.json()
    columns = {"display_name": "displayname", "name": "name", "header": "header", "purpose": "purpose"}
    values = {column: str(body[name]) for name, column in columns.items() if body.get(name) is not None}
    if "name" in values and not memberships.CHANNEL_NAME.fullmatch(values["name"]):
        raise ApiError(
            400,
            "model.channel.is_valid.1_or_more.app_error",
            "Name must be 1 or more lowercase alphanumeric characters.",
        )
    await _may_manage(call, channel_id)
    return reply(channel_object(await memberships.update(call.app, "channels", channel_id, values)))


@route("DELETE", "channels/{channel_id:id}")
async def archive(call: Call, channel_id: str) -> web.Response:
    row = await _may_manage(call, channel_id)
    if row["name"] == "town-square":
        raise ApiError(
            400, "api.channel.delete_channel.cannot.app_error", "Unable to delete the default channel town-square."
        )
    if row["deleteat"]:
        raise ApiError(400, "api.channel.delete_channel.deleted.app_error", "The channel has been archived or deleted.")
    await memberships.update(call.app, "channels", channel_id, {"deleteat": ids.now()})
    return ok()


@route("POST", "channels/{channel_id:id}/members")
async def add_member(call: Call, channel_id: str) -> web.Response:
    user = await users.get(call.app, str((await call.json()).get("user_id", "")))
    row = await memberships.channel(call.app, channel_id)
    if row["deleteat"]:
        raise ApiError(
            400,
            "api.channel.add_user.to.channel.failed.deleted.app_error",
            "Failed to add user to channel because the channel is archived.",
        )
    if not (user["id"] == call.user_id and row["type"] == "O"):
        await _may_manage(call, channel_id)
    return reply(await memberships.join_channel(call.app, row, user["id"]), 201)


@route("GET", "channels/{channel_id:id}/members")
async def members(call: Call, channel_id: str) -> web.Response:
    size, offset = call.page()
    await _may_read(call, await memberships.channel(call.app, channel_id))
    rows = await call.app.database.rows(
        "SELECT channelid AS channel_id, userid AS user_id, roles FROM channelmembers "
        "WHERE channelid = %s ORDER BY userid LIMIT %s OFFSET %s",
        (channel_id, size, offset),
    )
    return reply(rows)


@route("DELETE", "channels/{channel_id:id}/members/{user_id:id}")
async def remove_member(call: Call, channel_id: str, user_id: str) -> web.Response:
    if user_id != call.user_id:
        await _may_manage(call, channel_id)
    await call.app.database.run(
        "DELETE FROM channelmembers WHERE channelid = %s AND userid = %s", (channel_id, user_id)
    )
    return ok()
