"""Teams over the API."""

from __future__ import annotations

from aiohttp import web

from . import ids, memberships, removal, users
from .call import Call, ok, reply
from .errors import ApiError, bad_body, forbidden
from .memberships import team_object
from .routes import route

MISSING = ApiError(404, "app.team.get_by_name.missing.app_error", "Unable to find the existing team.")


@route("POST", "teams")
async def create(call: Call) -> web.Response:
    return reply(team_object(await memberships.create_team(call.app, await call.json(), call.user_id)), 201)


@route("GET", "teams")
async def listing(call: Call) -> web.Response:
    size, offset = call.page()
    which = "" if call.is_admin else "WHERE allowopeninvite AND deleteat = 0"
    rows = await call.app.database.rows(
        f"SELECT * FROM teams {which} ORDER BY displayname LIMIT %s OFFSET %s", (size, offset)
    )
    return reply([team_object(row) for row in rows])


@route("GET", "teams/{team_id:id}")
async def by_id(call: Call, team_id: str) -> web.Response:
    return reply(team_object(await memberships.team(call.app, team_id)))


@route("GET", "teams/name/{name:name}")
async def by_name(call: Call, name: str) -> web.Response:
    row = await call.app.database.row("SELECT * FROM teams WHERE name = %s", (name.lower(),))
    if row is None:
        raise MISSING
    return reply(team_object(row))


async def _need_team_admin(call: Call, team_id: str) -> None:
    if call.is_admin:
        return
    query = "SELECT roles FROM teammembers WHERE teamid = %s AND userid = %s AND deleteat = 0"
    if "team_admin" not in (await call.app.database.value(query, (team_id, call.user_id)) or ""):
        raise forbidden()


async def _update(call: Call, team_id: str, values: dict) -> web.Response:
    await memberships.team(call.app, team_id)
    await _need_team_admin(call, team_id)
    return reply(team_object(await memberships.update(call.app, "teams", team_id, values)))


@route("PUT", "teams/{team_id:id}/patch")
async def patch(call: Call, team_id: str) -> web.Response:
    body = await call.json()
    columns = {"display_name": "displayname", "description": "description", "allow_open_invite": "allowopeninvite"}
    values = {column: body[name] for name, column in columns.items() if name in body}
    if not isinstance(values.get("allowopeninvite", True), bool):
        raise bad_body("team")
    if not 1 <= len(str(values.get("displayname", "x"))) <= 64:
        raise ApiError(400, "model.team.is_valid.name.app_error", "Invalid name.")
    return await _update(call, team_id, values)


@route("DELETE", "teams/{team_id:id}")
async def archive(call: Call, team_id: str) -> web.Response:
    """Archives; with ``permanent`` the team goes, over the network only where the setting allows it."""
    if call.query("permanent") == "true":
        await memberships.team(call.app, team_id)
        await _need_team_admin(call, team_id)
        if not call.local and not call.app.config["ServiceSettings"]["EnableAPITeamDeletion"]:
            raise ApiError(
                401, "api.user.delete_team.not_enabled.app_error", "Permanent team deletion feature is not enabled."
            )
        await removal.of_team(call.app, team_id)
    else:
        await _update(call, team_id, {"deleteat": ids.now()})
    return ok()


@route("POST", "teams/{team_id:id}/members")
async def add_member(call: Call, team_id: str) -> web.Response:
    user = await users.get(call.app, str((await call.json()).get("user_id", "")))
    team = await memberships.team(call.app, team_id)
    if team["deleteat"]:
        raise ApiError(400, "api.team.add_member.deleted.app_error", "The team is archived.")
    if user["id"] != call.user_id or not team["allowopeninvite"]:
        await _need_team_admin(call, team_id)
    most = call.app.config["TeamSettings"]["MaxUsersPerTeam"]
    count = await call.app.database.value(
        "SELECT count(*) FROM teammembers m JOIN users u ON u.id = m.userid "
        "WHERE m.teamid = %s AND m.deleteat = 0 AND u.deleteat = 0 AND m.userid <> %s",
        (team_id, user["id"]),
    )
    if count >= most:
        raise ApiError(
            400,
            "app.team.join_user_to_team.max_accounts.app_error",
            "This team has reached the maximum number of allowed accounts.",
        )
    return reply(await memberships.join_team(call.app, team_id, user["id"]), 201)


@route("GET", "teams/{team_id:id}/members", local=False)
async def members(call: Call, team_id: str) -> web.Response:
    size, offset = call.page()
    rows = await call.app.database.rows(
        "SELECT teamid AS team_id, userid AS user_id, roles, deleteat AS delete_at FROM teammembers "
        "WHERE teamid = %s AND deleteat = 0 ORDER BY userid LIMIT %s OFFSET %s",
        (team_id, size, offset),
    )
    return reply(rows)


@route("DELETE", "teams/{team_id:id}/members/{user_id:id}")
async def remove_member(call: Call, team_id: str, user_id: str) -> web.Response:
    await memberships.team(call.app, team_id)
    if user_id != call.user_id:
        await _need_team_admin(call, team_id)
    if not await memberships.is_in_team(call.app, team_id, user_id):
        raise ApiError(
            404, "app.team.get_member.missing.app_error", "No team member found for that user ID and team ID."
        )
    await memberships.leave_team(call.app, team_id, user_id)
    return ok()


@route("GET", "users/{user_id:name}/teams", local=False)
async def of_user(call: Call, user_id: str) -> web.Response:
    user_id = call.user_id if user_id == "me" else user_id
    rows = await call.app.database.rows(
        "SELECT t.* FROM teams t JOIN teammembers m ON m.teamid = t.id "
        "WHERE m.userid = %s AND m.deleteat = 0 AND t.deleteat = 0 ORDER BY t.displayname",
        (user_id,),
    )
    return reply([team_object(row) for row in rows])
