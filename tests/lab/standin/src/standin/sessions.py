"""Who is calling: sessions and access tokens, remembered so that they outlive an absent database."""

from __future__ import annotations

from . import ids
from .database import Database

MOST_REMEMBERED = 10000


class Sessions:
    def __init__(self, database: Database):
        self.database = database
        self._known: dict[str, dict] = {}

    async def find(self, token: str) -> dict | None:
        """Return the session of *token*, or None. Raises psycopg.Error when the database cannot say."""
        session = self._known.get(token)
        if session is None:
            session = await self._read(token)
            if session and len(self._known) < MOST_REMEMBERED:
                self._known[token] = session
        if session and 0 < session["expiresat"] < ids.now():
            return None
        return session

    async def _read(self, token: str) -> dict | None:
        session = await self.database.row("SELECT * FROM sessions WHERE token = %s", (token,))
        if session:
            return session
        found = await self.database.row(
            "SELECT u.id AS userid, u.roles FROM useraccesstokens t JOIN users u ON u.id = t.userid "
            "WHERE t.token = %s AND t.isactive AND u.deleteat = 0",
            (token,),
        )
        return found and {"id": "", "token": token, "expiresat": 0, **found}

    async def create(self, user: dict, hours: int, props: dict) -> dict:
        from psycopg.types.json import Jsonb

        now = ids.now()
        session = {
            "id": ids.new(),
            "token": ids.new(),
            "createat": now,
            "expiresat": now + hours * 3600 * 1000,
            "lastactivityat": now,
            "userid": user["id"],
            "deviceid": "",
            "roles": user["roles"],
            "isoauth": False,
            "props": props,
        }
        values = {**session, "props": Jsonb(props)}
        names = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        await self.database.run(f"INSERT INTO sessions ({names}) VALUES ({marks})", list(values.values()))
        self._known[session["token"]] = session
        return session

    def forget(self) -> None:
        """Look sessions up again: roles, passwords or accounts have changed."""
        self._known.clear()

    async def end(self, token: str) -> None:
        self._known.pop(token, None)
        await self.database.run("DELETE FROM sessions WHERE token = %s", (token,))

    async def end_of_user(self, user_id: str) -> None:
        self.forget()
        await self.database.run("DELETE FROM sessions WHERE userid = %s", (user_id,))
