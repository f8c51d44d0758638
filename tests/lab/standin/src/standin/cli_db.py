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
from .migrate import StartError
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


def run(build: Build, words: list[str], flags: dict[str, str], load: Callable[[], ConfigStore]) -> int:
    command = words[0] if words else ""
    if command not in commands(build):
        print(usage.db(commands(build)), end="")
        return 0
    unknown = sorted(set(flags) - flags_of(build, command))
    if unknown:
        text = usage.command(f"db {command}", [f"--{flag}" for flag in sorted(flags_of(build, command))])
        raise UsageError(f"unknown flag: --{unknown[0]}", text)
    config = load()
    log = Log(sys.stderr)
    log.configure(config["LogSettings"] | {"EnableFile": False}, sys.stderr)
    switches = {name for name, value in flags.items() if value != "false"}
    try:
        return asyncio.run(globals()[f"_{command}"](build, words[1:], switches, config, log))
    except StartError as error:
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


def _save_plan(config: ConfigStore, numbers: list[int]) -> None:
    directory = config["FileSettings"]["Directory"]
    path = os.path.join(directory, f"migration_plan_{numbers[0]}_{numbers[-1]}.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"migrations": numbers}, file)
    print(f"Migration plan has been saved to {path}")


async def _migrate(build: Build, words: list[str], switches: set, config: ConfigStore, log: Log) -> int:
    database = await _open(config, build, log)
    todo = [migration.number for migration in await migrate.pending(database, build)]
    if not todo and build.at_least(8, 0):
        print("No migrations to apply.")
        return 0
    if "save-plan" in switches:
        _save_plan(config, todo)
    if "dry-run" in switches:
        print(f"Dry run: {len(todo)} migrations would be applied.")
        return 0
    await migrate.up(database, build, log, faults.read())
    await database.close()
    print("Database successfully migrated")
    return 0


def _numbers(word: str) -> list[int]:
    """Read ``12,11`` or a saved plan. Raises UsageError."""
    try:
        if word.endswith(".json"):
            with open(word, encoding="utf-8") as file:
                return [int(number) for number in json.load(file)["migrations"]]
        return [int(number) for number in word.split(",")]
    except (ValueError, KeyError, OSError) as error:
        raise UsageError(f"failed to read the migrations to revert from {word!r}: {error}") from None


async def _downgrade(build: Build, words: list[str], switches: set, config: ConfigStore, log: Log) -> int:
    if len(words) != 1:
        raise UsageError("accepts 1 arg(s), received " + str(len(words)))
    numbers = _numbers(words[0])
    database = await _open(config, build, log)
    if "dry-run" in switches:
        print(f"Dry run: {len(numbers)} migrations would be reverted.")
        return 0
    await migrate.down(database, numbers, log)
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
