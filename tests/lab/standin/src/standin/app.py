"""The running server's state, shared by all handlers."""

from __future__ import annotations

import os
from typing import Any

from . import paths, subpath
from .config_store import ConfigStore
from .database import Database
from .faults import Faults
from .limiter import Limiter
from .log import Log
from .sessions import Sessions
from .versions import Build


class App:
    """client: the web client's directory, None when there is none."""

    def __init__(self, build: Build, config: ConfigStore, database: Database, log: Log, faults: Faults):
        self.build, self.config, self.database, self.log, self.faults = build, config, database, log, faults
        self.sessions = Sessions(database)
        self.limiter = Limiter(dict(config["RateLimitSettings"]))
        self.client: str | None = paths.find_directory("client")
        self.subpath = subpath.of(config["ServiceSettings"]["SiteURL"])
        self.plugins: Any = None
        self.sockets: set = set()

    @property
    def version(self) -> str:
        """The version that the server claims."""
        return self.faults.wrong_version or self.build.version

    @property
    def version_id(self) -> str:
        number = self.build.number if self.version == self.build.version else self.version
        return f"{self.version}.{number}.{self.config.hash}.false"

    @property
    def data_directory(self) -> str:
        return os.path.abspath(self.config["FileSettings"]["Directory"])

    @property
    def modern_passwords(self) -> bool:
        return self.build.at_least(11, 0)

    def publish(self, event: str, data: dict, broadcast: dict, user_ids: set | None = None) -> None:
        """Send *event* to the websockets of *user_ids*, to all logged-in ones when None."""
        for peer in list(self.sockets):
            if peer.user_id and (user_ids is None or peer.user_id in user_ids):
                peer.send_event(event, data, broadcast)
