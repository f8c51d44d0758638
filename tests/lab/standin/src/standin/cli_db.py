"""``mattermost db ...``: log lines go to stderr, the result to stdout. The configuration file is never written."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Callable

from . import faults, migrate, usage
from .cli import UsageError
from .config_store import ConfigStore
from .log import Log
from .migrate import DownError, StartError, StoreError
from .versions import Build

FLAGS = {
    "version": {"all"},
    "migrate": {"auto-recover", "save-plan", "dry-run"},
    "downgrade": {"auto-recover", "dry-run"},
    "reset": {"confirm"},
}


def commands(build: Build) -> list[str]:
    """``downgrade`` exists from 8.0 on."""
    return [name for name in usage.DB_COMMANDS if name != "downgrade" or build.at_least(8, 0)]


def flags_of(build: Build, command: str) -> set[str]:
    """The flags of a command; the plans came with 8.0."""
    return FLAGS[command] if build.at_least(8, 0) or command in ("version", "reset") else set()


def _usage(build: Build, command: str) -> str:
    return usage.command(f"db {command}", [f"--{flag}" for flag in sorted(flags_of(build, command))])


def run(build: Build, words: list[str], flags: dict[str, str], load: Callable[[], ConfigStore]) -> int:
    command = words[0] if words else ""
    if command not in commands(build):
        print(usage.db(commands(build)), end="")
        return 0
    unknown = sorted(set(flags) - flags_of(build, command))
    if unknown:
        raise UsageError(f"unknown flag: --{unknown[0]}", _usage(build, command))
    config = load()
    log = Log(sys.stderr)
    log.configure(config["LogSettings"] | {"EnableFile": False, "ConsoleLevel": "DEBUG"}, sys.stderr)
    switches = {name for name, value in flags.items() if value != "false"}
    try:
        return asyncio.run(globals()[f"_{command}"](build, words[1:], switches, config, log))
    except StartError as error:
        if build.at_least(11, 0) and isinstance(error, StoreError):
            raise UsageError(error.inner, _usage(build, command)) from None
        log.fatal(error.message, error=error.error)
        if command == "migrate" and not build.at_least(8, 0):
            print("Database successfully migrated")  # what 7.x says, and exits 0, although it failed
            return 0
        return 1


async def _open(config: ConfigStore, build: Build, log: Log):
    settings = config["SqlSettings"]
    return await migrate.open_database(settings["DataSource"], settings, build, log)


async def _version(build: Build, words: list[str], switches: set, config: ConfigStore, log: Log) -> int:
    """Migrates first: this was never a read-only command."""
    database = await _open(config, build, log)
    await migrate.up(database, build, log, faults.read())
    done = await migrate.applied(database)
    await database.close()
    if "all" in switches:
        for number in sorted(done, reverse=True):
            print(f"Varsion: {number}, Name: {done[number]}")
    else:
        print(f"Current database schema version is: {migrate.newest(done)}")
    return 0


def _save_plan(config: ConfigStore, newest: int, numbers: list[int]) -> None:
    directory = config["FileSettings"]["Directory"]
    path = os.path.join(directory, f"migration_plan_{newest}_{numbers[-1]}.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"migrations": numbers}, file)
    print(f'The migration plan has been saved. File: "{os.path.basename(path)}".')


async def _migrate(build: Build, words: list[str], switches: set, config: ConfigStore, log: Log) -> int:
    database = await _open(config, build, log)
    todo = [migration.number for migration in await migrate.pending(database, build)]
    if not todo and build.at_least(8, 0):
        print("No migrations to apply.")
        return 0
    if "save-plan" in switches:
        done = await migrate.applied(database)
        if not done:
            reason = "unable to select from db_migrations: sql: no rows in result set"
            raise UsageError(f"failed to generate plan file: {reason}", _usage(build, "migrate"))
        _save_plan(config, migrate.newest(done), todo)
    if "dry-run" in switches:
        async with migrate.locked(database, build, log):
            pass
        print("Database successfully migrated")  # although it was not
        return 0
    await migrate.up(database, build, log, faults.read())
    await database.close()
    print("Database successfully migrated")
    return 0


def _numbers(word: str, directory: str) -> list[int]:
    """Read ``12,11`` or a plan in the file store. Raises DownError."""
    try:
        if not word.replace(",", "").replace(" ", "").isdigit():
            place = os.path.join(directory, word)
            with open(place, encoding="utf-8") as file:
                return json.load(file)["migrations"]
    except OSError as error:
        reason = f"open {place}: {error.strerror.lower()}"
        raise DownError(f"failed to read plan: unable to read file {word}: {reason}") from None
    for item in word.split(","):
        if not item.isdigit():
            raise DownError(f'strconv.Atoi: parsing "{item}": invalid syntax')
    numbers = [int(item) for item in word.split(",")]
    if len({*numbers}) < len(numbers):
        raise DownError("could not get opposite migrations: not all migrations have opposite migrations")
    return numbers


async def _downgrade(build: Build, words: list[str], switches: set, config: ConfigStore, log: Log) -> int:
    if len(words) != 1:
        raise UsageError(f"accepts 1 arg(s), received {len(words)}", _usage(build, "downgrade"))
    database = await _open(config, build, log)
    try:
        numbers = _numbers(words[0], config["FileSettings"]["Directory"])
        shown = " ".join(str(number) for number in sorted(numbers, reverse=True))
        print(f"Database will be downgraded with the following versions:  [{shown}]", flush=True)
        await migrate.down(database, build, numbers, "dry-run" in switches, log, faults.read())
    except DownError as error:
        raise UsageError(f"failed to downgrade migrations: {error}", _usage(build, "downgrade")) from None
    await database.close()
    print("Database successfully downgraded")
    return 0


async def _reset(build: Build, words: list[str], switches: set, config: ConfigStore, log: Log) -> int:
    if "confirm" not in switches:
        print("Have you performed a database backup? (YES/NO): ", end="")
        if sys.stdin.readline().strip() != "YES":
            print("ABORTED: You did not answer YES exactly, in all capitals.", file=sys.stderr)
            return 1
    database = await _open(config, build, log)
    await migrate.up(database, build, log, faults.read())
    await migrate.reset(database)
    await database.close()
    print("Database successfully reset")
    return 0
