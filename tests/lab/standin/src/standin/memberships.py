"""Teams, channels and who is in them: rows and rules shared by the API modules."""

from __future__ import annotations

import re
from typing import Any

from . import ids
from .app import App
from .database import UniqueViolation
from .errors import ApiError

TEAM_NAME = re.compile(r"[a-z0-9]+([a-z0-9-]*[a-z0-9])?")
CHANNEL_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
DEFAULT_CHANNELS = (("town-square", "Town Square"), ("off-topic", "Off-Topic"))


def team_object(row: dict) -> dict:
    return {
        "id": row["id"],
        "create_at": row["createat"],
        "update_at": row["updateat"],
        "delete_at": row["deleteat"],
        "display_name": row["displayname"],
        "name": row["name"],
        "description": row["description"],
        "email": row["email"],
        "type": row["type"],
        "allow_open_invite": row["allowopeninvite"],
    }


def channel_object(row: dict) -> dict:
    return {
        "id": row["id"],
        "create_at": row["createat"],
        "update_at": row["updateat"],
        "delete_at": row["deleteat"],
        "team_id": row["teamid"],
        "type": row["type"],
        "display_name": row["displayname"],
        "name": row["name"],
        "header": row["header"],
        "purpose": row["purpose"],
        "last_post_at": row["lastpostat"],
        "total_msg_count": row["totalmsgcount"],
        "creator_id": row["creatorid"],
    }


async def insert(app: App, table: str, row: dict, conflict: ApiError) -> dict:
    """Insert *row* into *table*. Raises *conflict* when it is there already."""
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    try:
        await app.database.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
    except UniqueViolation:
        raise conflict from None
    return row


async def create_team(app: App, body: dict[str, Any], creator: str) -> dict:
    name, display_name, kind = (str(body.get(key, "")) for key in ("name", "display_name", "type"))
    if not 2 <= len(name) <= 64 or not TEAM_NAME.fullmatch(name):
        raise ApiError(
            400, "model.team.is_valid.characters.app_error", "Name must be 2 or more lowercase alphanumeric characters."
        )
    if not 1 <= len(display_name) <= 64:
        raise ApiError(400, "model.team.is_valid.name.app_error", "Invalid name.")
    if kind not in ("O", "I"):
        raise ApiError(400, "model.team.is_valid.type.app_error", "Invalid type.")
    now = ids.now()
    team = {
        "id": ids.new(), "createat": now, "updateat": now, "deleteat": 0, "displayname": display_name, "name": name,
        "description": str(body.get("description", "")), "email": str(body.get("email", "")), "type": kind,
        "allowopeninvite": bool(body.get("allow_open_invite", kind == "O")),
    }  # fmt: skip
    taken = ApiError(400, "store.sql_team.save_team.existing.app_error", "Must call update for existing team.")
    await insert(app, "teams", team, taken)
    for channel_name, channel_title in DEFAULT_CHANNELS:
        await create_channel(
            app, {"team_id": team["id"], "name": channel_name, "display_name": channel_title, "type": "O"}, ""
        )
    if creator:
        await join_team(app, team["id"], creator, "team_user team_admin")
    return team


async def create_channel(app: App, body: dict[str, Any], creator: str) -> dict:
    name, display_name, kind = (str(body.get(key, "")) for key in ("name", "display_name", "type"))
    if not 1 <= len(name) <= 64 or not CHANNEL_NAME.fullmatch(name):
        raise ApiError(
            400,
            "model.channel.is_valid.1_or_more.app_error",
            "Name must be 1 or more lowercase alphanumeric characters.",
        )
    if not 1 <= len(display_name) <= 64:
        raise ApiError(400, "model.channel.is_valid.display_name.app_error", "Invalid display name.")
    if kind not in ("O", "P"):
        raise ApiError(400, "model.channel.is_valid.type.app_error", "Invalid type.")
    await team(app, str(body.get("team_id", "")))
    now = ids.now()
    channel = {
        "id": ids.new(), "createat": now, "updateat": now, "deleteat": 0, "teamid": body["team_id"], "type": kind,
        "displayname": display_name, "name": name, "header": str(body.get("header", "")),
        "purpose": str(body.get("purpose", "")), "lastpostat": 0, "totalmsgcount": 0, "creatorid": creator,
    }  # fmt: skip
    taken = ApiError(
        400,
        "store.sql_channel.save_channel.exists.app_error",
        "A channel with that name already exists on the same team.",
    )
    await insert(app, "channels", channel, taken)
    if creator:
        await join_channel(app, channel, creator, "channel_user channel_admin")
    return channel


async def team(app: App, team_id: str) -> dict:
    row = await app.database.row("SELECT * FROM teams WHERE id = %s", (team_id,))
    if row is None:
        raise ApiError(404, "app.team.get.find.app_error", "Unable to find the existing team.")
    return row


async def channel(app: App, channel_id: str) -> dict:
    row = await app.database.row("SELECT * FROM channels WHERE id = %s", (channel_id,))
    if row is None:
        raise ApiError(404, "app.channel.get.existing.app_error", "Unable to find the existing channel.")
    return row


async def join_team(app: App, team_id: str, user_id: str, roles: str = "team_user") -> dict:
    """Make *user_id* a member; already being one is fine. The team's default channels follow."""
    await app.database.run(
        "INSERT INTO teammembers VALUES (%s, %s, %s, 0, %s) ON CONFLICT (teamid, userid) DO UPDATE SET deleteat = 0",
        (team_id, user_id, roles, ids.now()),
    )
    for name, _ in DEFAULT_CHANNELS:
        row = await app.database.row(
            "SELECT * FROM channels WHERE teamid = %s AND name = %s AND deleteat = 0", (team_id, name)
        )
        if row:
            await join_channel(app, row, user_id)
    return {
        "team_id": team_id,
        "user_id": user_id,
        "roles": roles,
        "delete_at": 0,
        "scheme_user": True,
        "scheme_admin": "team_admin" in roles,
    }


async def leave_team(app: App, team_id: str, user_id: str) -> None:
    await app.database.run(
        "DELETE FROM channelmembers USING channels WHERE channels.id = channelmembers.channelid "
        "AND channels.teamid = %s AND channelmembers.userid = %s",
        (team_id, user_id),
    )
    await app.database.run(
        "UPDATE teammembers SET deleteat = %s WHERE teamid = %s AND userid = %s", (ids.now(), team_id, user_id)
    )


async def is_in_team(app: App, team_id: str, user_id: str) -> bool:
    query = "SELECT 1 FROM teammembers WHERE teamid = %s AND userid = %s AND deleteat = 0"
    return await app.database.row(query, (team_id, user_id)) is not None


async def join_channel(app: App, row: dict, user_id: str, roles: str = "channel_user") -> dict:
    """Make *user_id* a member of the channel *row*; already being one is fine."""
    if row["teamid"] and not await is_in_team(app, row["teamid"], user_id):
        raise ApiError(
            404, "app.team.get_member.missing.app_error", "No team member found for that user ID and team ID."
        )
    await app.database.run(
        "INSERT INTO channelmembers VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (row["id"], user_id, roles, ids.now()),
    )
    return {"channel_id": row["id"], "user_id": user_id, "roles": roles, "last_update_at": ids.now()}


async def is_in_channel(app: App, channel_id: str, user_id: str) -> bool:
    query = "SELECT 1 FROM channelmembers WHERE channelid = %s AND userid = %s"
    return await app.database.row(query, (channel_id, user_id)) is not None


async def update(app: App, table: str, row_id: str, values: dict[str, Any]) -> dict | None:
    """Set columns of a team or channel and return the new row."""
    values = values | {"updateat": ids.now()}
    marks = ", ".join(f"{name} = %s" for name in values)
    return await app.database.row(f"UPDATE {table} SET {marks} WHERE id = %s RETURNING *", [*values.values(), row_id])
