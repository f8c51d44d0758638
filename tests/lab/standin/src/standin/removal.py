"""Deletion for good: rows, and the files of the file store. Empty folders stay there, as the real server leaves them."""

from __future__ import annotations

import os

from .app import App

OF_USER = ("sessions", "useraccesstokens", "posts", "fileinfo", "bots", "channelmembers", "teammembers", "audits")


async def of_user(app: App, user_id: str) -> None:
    for row in await app.database.rows("SELECT path FROM fileinfo WHERE creatorid = %s", (user_id,)):
        try:
            os.remove(os.path.join(app.data_directory, row["path"]))
        except FileNotFoundError:
            pass
    for table in OF_USER:
        column = "creatorid" if table == "fileinfo" else "userid"
        await app.database.run(f"DELETE FROM {table} WHERE {column} = %s", (user_id,))
    await app.database.run("DELETE FROM users WHERE id = %s", (user_id,))
    app.sessions.forget()


async def of_channel(app: App, channel_id: str) -> None:
    for table in ("posts", "channelmembers", "incomingwebhooks"):
        await app.database.run(f"DELETE FROM {table} WHERE channelid = %s", (channel_id,))
    await app.database.run("DELETE FROM channels WHERE id = %s", (channel_id,))


async def of_team(app: App, team_id: str) -> None:
    for row in await app.database.rows("SELECT id FROM channels WHERE teamid = %s", (team_id,)):
        await of_channel(app, row["id"])
    await app.database.run("DELETE FROM teammembers WHERE teamid = %s", (team_id,))
    await app.database.run("DELETE FROM teams WHERE id = %s", (team_id,))
