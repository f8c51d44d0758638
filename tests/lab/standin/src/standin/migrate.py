"""Bring the database to this version's schema, under the lock that the real server uses."""

from __future__ import annotations

import asyncio
import contextlib
import time

import psycopg

from . import dsn, migrations
from .database import Database
from .faults import Faults
from .log import Log
from .versions import Build

LOCK_NAME = "mm-lock-key"
LOCK_SECONDS = 15
PING_PAUSE = 10  # seconds between two tries to reach the database

TABLES = """
CREATE TABLE IF NOT EXISTS db_migrations (version bigint PRIMARY KEY, name varchar(64) NOT NULL);
CREATE TABLE IF NOT EXISTS db_lock (id varchar(64) PRIMARY KEY, expireat bigint)
"""


class StartError(Exception):
    """The server cannot go on; message and error are for its fatal log line."""

    def __init__(self, message: str, error: str):
        super().__init__(message)
        self.message, self.error = message, error


async def ping(database: Database, build: Build, log: Log) -> None:
    """Reach the database, trying as often as this version does. Raises StartError when it never answers."""
    for attempt in range(build.database_pings):
        try:
            log.info("Pinging SQL", database="master")
            await database.value("SELECT 1")
            return
        except (psycopg.Error, TimeoutError, OSError) as error:
            reason = dsn.error_text(error)
        if attempt == build.database_pings - 1:
            break
        log.error("Failed to ping DB", error=reason, **{"retrying in seconds": PING_PAUSE})
        await asyncio.sleep(PING_PAUSE)
    raise StartError("Failed to ping DB, server will exit.", reason)


async def check_version(database: Database, build: Build) -> None:
    """Raise StartError when PostgreSQL is older than this version accepts."""
    number = int(await database.value("SHOW server_version_num"))
    if number // 10000 < build.postgres_minimum:
        raise StartError(
            "Error while checking DB version.",
            f"minimum Postgres version requirements not met. Found: {number // 10000}.{number % 10000}, "
            f"Wanted: {build.postgres_minimum}.0",
        )


async def _take_lock(connection: psycopg.AsyncConnection, log: Log) -> None:
    said = False
    while True:
        now = int(time.time() * 1000)
        cursor = await connection.execute(
            "INSERT INTO db_lock VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET expireat = EXCLUDED.expireat "
            "WHERE db_lock.expireat < %s",
            (LOCK_NAME, now + LOCK_SECONDS * 1000, now),
        )
        if cursor.rowcount:
            return
        if not said:
            log.info("DB is locked, going to try acquire the lock if it is expired")
            said = True
        await asyncio.sleep(0.5)


async def _keep_lock(database: Database) -> None:
    while True:
        await asyncio.sleep(LOCK_SECONDS / 3)
        expires = int(time.time() * 1000) + LOCK_SECONDS * 1000
        await database.run("UPDATE db_lock SET expireat = %s WHERE id = %s", (expires, LOCK_NAME))


@contextlib.asynccontextmanager
async def locked(database: Database, log: Log):
    """Hold the migration lock on a connection of its own; a killed process leaves the row behind."""
    connection = await database.connect()
    try:
        await connection.execute(TABLES)
        await _take_lock(connection, log)
        keeper = asyncio.create_task(_keep_lock(database))
        try:
            yield connection
        finally:
            keeper.cancel()
            await connection.execute("DELETE FROM db_lock WHERE id = %s", (LOCK_NAME,))
    finally:
        await connection.close()


async def applied(database: Database) -> dict[int, str]:
    """Migrations that the database has had: number to name. Empty when it has had none."""
    if await database.value("SELECT to_regclass('db_migrations')") is None:
        return {}
    return {row["version"]: row["name"] for row in await database.rows("SELECT version, name FROM db_migrations")}


async def pending(database: Database, build: Build) -> list[migrations.Migration]:
    done = await applied(database)
    return [migration for migration in migrations.known_to(build) if migration.number not in done]


async def up(database: Database, build: Build, log: Log, faults: Faults) -> int:
    """Apply what is missing and return how many that were. Raises StartError."""
    try:
        if not await pending(database, build):
            return 0
        async with locked(database, log) as connection:
            todo = await pending(database, build)
            for index, migration in enumerate(todo):
                if faults.slow_migration:
                    await asyncio.sleep(faults.slow_migration)
                await _apply(connection, migration, fail=faults.fail_migration and index == len(todo) // 2)
                log.info("== migrated ==", migration=migration.name)
            return len(todo)
    except (psycopg.Error, TimeoutError, OSError) as error:
        raise StartError("Failed to apply database migrations.", dsn.error_text(error)) from None


async def _apply(connection: psycopg.AsyncConnection, migration: migrations.Migration, fail: bool) -> None:
    """Run one migration. With *fail* its statements stay, its row is never written, and a broken statement ends it."""
    if fail:
        await connection.execute(migration.up.rpartition(";")[0] or migration.up)
        await connection.execute("SELECT stand_in_fault_fail_migration()")
    async with connection.transaction():
        await connection.execute(migration.up)
        await connection.execute("INSERT INTO db_migrations VALUES (%s, %s)", (migration.number, migration.name))


async def down(database: Database, numbers: list[int], log: Log) -> None:
    """Undo the migrations *numbers*, newest first. Raises StartError."""
    known = {migration.number: migration for migration in migrations.MIGRATIONS}
    try:
        async with locked(database, log) as connection:
            for number in sorted(numbers, reverse=True):
                if number not in known or number not in await applied(database):
                    raise StartError("Failed to downgrade database.", f"migration {number} is not applied")
                async with connection.transaction():
                    await connection.execute(known[number].down)
                    await connection.execute("DELETE FROM db_migrations WHERE version = %s", (number,))
                log.info("== reverted ==", migration=known[number].name)
    except (psycopg.Error, TimeoutError, OSError) as error:
        raise StartError("Failed to downgrade database.", dsn.error_text(error)) from None


async def reset(database: Database) -> None:
    """Empty every table but the list of migrations."""
    tables = await database.rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT IN ('db_migrations', 'db_lock')"
    )
    if tables:
        await database.run("TRUNCATE " + ", ".join(f'"{row["tablename"]}"' for row in tables))


async def open_database(source: str, settings: dict, build: Build, log: Log) -> Database:
    """Return the database of *source* (a DSN), reached and new enough. Raises StartError."""
    database = Database(source, settings["MaxOpenConns"], settings["MaxIdleConns"])
    await ping(database, build, log)
    await check_version(database, build)
    return database


def newest(done: dict[int, str]) -> int | None:
    return max(done) if done else None
