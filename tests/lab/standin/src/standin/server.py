"""``mattermost server``: from the command to READY, and to the stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

# Importing an API module registers its routes.
from . import (
    api_bots,  # noqa: F401
    api_channels,  # noqa: F401
    api_config,  # noqa: F401
    api_files,  # noqa: F401
    api_login,  # noqa: F401
    api_plugins,  # noqa: F401
    api_posts,  # noqa: F401
    api_system,  # noqa: F401
    api_teams,  # noqa: F401
    api_users,  # noqa: F401
    notify,
    startup,
    websocket,  # noqa: F401
)
from .app import App
from .config_store import ConfigStore
from .faults import Faults
from .listeners import Listeners
from .log import Log
from .migrate import StartError, StoreError
from .plugins import Plugins
from .versions import Build

GRACE = 1.0  # seconds that requests in flight get at a stop
PORT_TAKEN_WAIT = 10.0  # seconds that the real server still needs before it gives up on a taken port


async def start(build: Build, config: ConfigStore, log: Log, faults: Faults) -> tuple[App, Listeners]:
    """Do everything up to READY. Raises StartError."""
    database = await startup.database(config, build, log, faults)
    app = App(build, config, database, log, faults)
    startup.first_lines(app)
    await startup.identity(app)
    startup.templates()
    startup.file_store(app)
    startup.web_client(app)
    app.plugins = Plugins(app)
    await asyncio.to_thread(app.plugins.start)
    if faults.slow_start:
        await asyncio.sleep(faults.slow_start)
    listeners = Listeners(app)
    try:
        address = await listeners.open_network()
    except StartError:
        app.plugins.stop()
        await asyncio.sleep(PORT_TAKEN_WAIT)
        raise
    log.info("Starting Server...")
    log.info(f"Server is listening on {address}", address=address)
    if config["ServiceSettings"]["EnableLocalMode"]:
        try:
            await listeners.open_local()
        except StartError:
            app.plugins.stop()
            raise
    return app, listeners


async def serve(build: Build, config: ConfigStore, log: Log, faults: Faults) -> None:
    """Run until SIGTERM or SIGINT. Raises StartError when it does not come up."""
    app, listeners = await start(build, config, log, faults)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if faults.crash_after is not None:
        loop.call_later(faults.crash_after, os.kill, os.getpid(), signal.SIGKILL)
    notify.ready()
    await stopped.wait()
    log.info("Stopping Server...")
    await listeners.close(GRACE)
    if faults.slow_stop:
        await asyncio.sleep(faults.slow_stop)
    app.plugins.stop()
    log.info("Server stopped")


def run(build: Build, config: ConfigStore, faults: Faults) -> int:
    """Run the server and return its exit code. The configuration is loaded already."""
    log = Log(sys.stdout)
    log.configure(config["LogSettings"], sys.stdout)
    try:
        asyncio.run(serve_and_leave(build, config, log, faults))
    except StartError as error:
        if build.at_least(11, 0) and isinstance(error, StoreError):
            print(f"Error: failed to initialize platform: cannot create store: {error.inner}", file=sys.stderr)
            return 1
        fields = {"error": error.error} if error.error else {}
        log.fatal(error.message, **fields)
        return 1
    return 0


async def serve_and_leave(build: Build, config: ConfigStore, log: Log, faults: Faults) -> None:
    await serve(build, config, log, faults)
    sys.stdout.flush()
    # Leave at once: websockets then see a bare end of file without a close frame, as with the real server.
    os._exit(0)
