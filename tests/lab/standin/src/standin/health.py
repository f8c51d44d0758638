"""What ``get_server_status`` looks at: a real write to the database and to the file store."""

from __future__ import annotations

import asyncio
import os

import psycopg

from . import ids
from .app import App

OK, BAD = "OK", "UNHEALTHY"


async def _write(app: App, name: str) -> None:
    await app.database.run("INSERT INTO systems VALUES (%s, %s)", (name, str(ids.now())))
    await app.database.run("DELETE FROM systems WHERE name = %s", (name,))


async def database_status(app: App) -> str:
    if app.faults.unhealthy:
        return BAD
    name = f"health_check_{ids.new()}"
    try:
        await asyncio.wait_for(_write(app, name), 10)
        return OK
    except (psycopg.Error, TimeoutError, asyncio.TimeoutError, OSError):
        return BAD


def filestore_error(directory: str) -> str:
    """Make and remove ``testfile`` in *directory*; return why that failed, or nothing."""
    path = os.path.join(directory, "testfile")
    try:
        os.makedirs(directory, 0o750, exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"testingwrite")
        os.remove(path)
        return ""
    except OSError as error:
        return str(error)


def filestore_status(app: App) -> str:
    return BAD if filestore_error(app.data_directory) else OK
