"""The steps between the command and READY, in the real server's order. Each raises StartError."""

from __future__ import annotations

from . import health, ids, migrate, paths, subpath
from .app import App
from .config_store import ConfigStore
from .database import Database
from .faults import Faults
from .log import Log
from .migrate import StartError
from .versions import Build


async def database(config: ConfigStore, build: Build, log: Log, faults: Faults) -> Database:
    """Reach the database and migrate it."""
    settings = config["SqlSettings"]
    opened = await migrate.open_database(settings["DataSource"], settings, build, log)
    await migrate.up(opened, build, log, faults)
    return opened


async def identity(app: App) -> None:
    """Make the rows that mark this installation, once."""
    for name in ("DiagnosticId", "InstallationDate"):
        value = ids.new() if name == "DiagnosticId" else str(ids.now())
        await app.database.run("INSERT INTO systems VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, value))


def templates() -> None:
    if paths.find_directory("templates") is None:
        raise StartError('Failed find server templates in "templates" directory or MM_SERVER_PATH', "")


def web_client(app: App) -> None:
    """Rewrite the page where it has to change; a read-only tree is only worth a line in the log."""
    if app.client is None:
        return
    try:
        subpath.rewrite(app.client, app.subpath)
    except subpath.SubpathError as error:
        app.log.error("Failed to update assets subpath from config", error=str(error))


def file_store(app: App) -> None:
    problem = health.filestore_error(app.data_directory)
    if problem:
        app.log.error("Problem with file storage settings", error=problem)


def first_lines(app: App) -> None:
    """What the log of every healthy Team Edition start says."""
    app.log.info("Server is initializing...", go_version="stand-in")
    app.log.info("Starting websocket hubs", number_of_hubs=1)
    write = app.log.warn if app.build.at_least(9, 8) else app.log.error
    write("License key from https://mattermost.com required to unlock enterprise features.")
    app.log.info("Current version is", current_version=app.build.version, build_number=app.build.number,
                 build_date=app.build.date, build_hash=app.build.hash, build_hash_enterprise="none")  # fmt: skip
    app.log.info("This is the lab's stand-in, not a Mattermost server.")
