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
LONGEST_PAUSE = 300  # seconds between two looks at a lock that somebody else has

TABLES = """
CREATE TABLE IF NOT EXISTS db_migrations (version bigint PRIMARY KEY, name varchar(64) NOT NULL);
CREATE TABLE IF NOT EXISTS db_lock (id varchar(64) PRIMARY KEY, expireat bigint)
"""


class StartError(Exception):
    """The server cannot go on; message and error are for its last words."""

    def __init__(self, message: str, error: str):
        super().__init__(message)
        self.message, self.error = message, error


class StoreError(StartError):
    """The database cannot be used. inner: what 11.0 and later say; message, error: what older ones say, in a fatal line."""

    def __init__(self, message: str, inner: str, error: str):
        super().__init__(message, error)
        self.inner = inner


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
        log.error("Failed to ping DB", error=reason, **{"retrying in seconds": build.ping_pause})
        await asyncio.sleep(build.ping_pause)
    raise StoreError("Failed to ping DB, server will exit.", f"error setting up connections: {reason}", reason)


async def check_version(database: Database, build: Build) -> None:
    """Raise StartError when PostgreSQL is older than this version accepts."""
    number = int(await database.value("SHOW server_version_num"))
    if number // 10000 < build.postgres_minimum:
        wrong = (
            f"minimum Postgres version requirements not met. Found: {number // 10000}.{number % 10000}, "
            f"Wanted: {build.postgres_minimum}.0"
        )
        raise StoreError("Error while checking DB version.", f"error while checking DB version: {wrong}", wrong)


def _scale(build: Build) -> int:
    """How many units of the lock's time a second has: seconds since 11.0, at the latest."""
    return 1 if build.at_least(11, 0) else 1000


async def _take_lock(connection: psycopg.AsyncConnection, scale: int, log: Log) -> None:
    pause = 0.5
    while True:
        now = int(time.time() * scale)
        cursor = await connection.execute(
            "INSERT INTO db_lock VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET expireat = EXCLUDED.expireat "
            "WHERE db_lock.expireat < %s",
            (LOCK_NAME, now + LOCK_SECONDS * scale, now),
        )
        if cursor.rowcount:
            return
        log.debug("lock.go:80: DB is locked, going to try acquire the lock if it is expired.")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


async def _keep_lock(database: Database, scale: int) -> None:
    """Every half of its life the holder adds a whole one to what is left."""
    while True:
        await asyncio.sleep(LOCK_SECONDS / 2)
        await database.run(
            "UPDATE db_lock SET expireat = expireat + %s WHERE id = %s", (LOCK_SECONDS * scale, LOCK_NAME)
        )


@contextlib.asynccontextmanager
async def locked(database: Database, build: Build, log: Log):
    """Hold the migration lock on a connection of its own; a killed process leaves the row behind."""
    connection = await database.connect()
    try:
        await connection.execute(TABLES)
        await _take_lock(connection, _scale(build), log)
        keeper = asyncio.create_task(_keep_lock(database, _scale(build)))
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
        async with locked(database, build, log) as connection:
            todo = await pending(database, build)
            for index, migration in enumerate(todo):
                if faults.slow_migration:
                    await asyncio.sleep(faults.slow_migration)
                await _apply(connection, migration, fail=faults.fail_migration and index == len(todo) // 2)
                log.info("== migrated ==", migration=migration.name)
            return len(todo)
    except (psycopg.Error, TimeoutError, OSError) as error:
        reason = dsn.error_text(error)
        raise StoreError(
            "Failed to apply database migrations.", f"failed to apply database migrations: {reason}", reason
        ) from None


async def _apply(connection: psycopg.AsyncConnection, migration: migrations.Migration, fail: bool) -> None:
    """Run one migration. With *fail* its statements stay, its row is never written, and a broken statement ends it."""
    if fail:
        await connection.execute(migration.up.rpartition(";")[0] or migration.up)
        await connection.execute("SELECT stand_in_fault_fail_migration()")
    async with connection.transaction():
        await connection.execute(migration.up)
        await connection.execute("INSERT INTO db_migrations VALUES (%s, %s)", (migration.number, migration.name))


class DownError(Exception):
    """Migrations cannot be taken back; the text is the server's own."""


async def down(database: Database, build: Build, numbers: list[int], is_dry: bool, log: Log, faults: Faults) -> None:
    """Take the migrations *numbers* back, newest first; those that are not applied are passed over. Raises DownError."""
    try:
        async with locked(database, build, log) as connection:
            done, known = await applied(database), {one.number: one for one in migrations.known_to(build)}
            if faults.missing_down:
                known.pop(max(known))
            for number in sorted(done, reverse=True):
                if number not in known:
                    raise DownError(f"could not find down script for {done[number]}")
            todo = sorted({*numbers} & {*done}, reverse=True)
            if len(todo) < len(numbers):
                log.warn(
                    "could not match give migration versions, going to downgrade only the migrations those are available."
                )
            for index, number in enumerate(todo):
                await _take_back(
                    connection, known[number], is_dry, log, faults, fail=faults.fail_down and index == len(todo) // 2
                )
    except (psycopg.Error, TimeoutError, OSError) as error:
        reason = dsn.error_text(error)
        raise DownError(
            f"driver: postgres, message: failed to execute migration, command: executing_query, originalError: {reason}"
        ) from None


async def _take_back(
    connection: psycopg.AsyncConnection, one: migrations.Migration, is_dry: bool, log: Log, faults: Faults, fail: bool
) -> None:
    log.debug(f"morph.go:169: ==  {one.name}: migrating (down)  ===")
    if not is_dry:
        await asyncio.sleep(faults.slow_down)
        async with connection.transaction():
            await connection.execute("SELECT stand_in_fault_fail_down()" if fail else one.down)
            await connection.execute("DELETE FROM db_migrations WHERE version = %s", (one.number,))
    log.debug(f"morph.go:177: ==  {one.name}: migrated (0.0001s)  ===")


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
