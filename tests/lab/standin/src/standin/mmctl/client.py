"""HTTP to the server over its local socket."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
from typing import Any
from urllib.parse import urlencode

DEFAULT_SOCKET = "/var/tmp/mattermost_local.socket"


class CommandError(Exception):
    """The command failed: text for stderr, exit 1."""


class ApiError(CommandError):
    """The server refused. status: of HTTP. body: what it said, with ``id`` and ``message``."""

    def __init__(self, status: int, body: dict):
        self.status, self.body = status, body
        self.id, self.message = body.get("id", ""), body.get("message", "")
        super().__init__(self.message)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def check_socket(path: str, user: int, word: str) -> None:
    """Raise CommandError when mmctl would not talk to the socket at *path*.

    user: effective user id of the caller. word: how this version spells "exist".
    """
    try:
        info = os.stat(path)
    except OSError:
        raise CommandError(
            f'socket file "{path}" doesn\'t {word}, please check the server configuration for local mode'
        ) from None
    if not stat.S_ISSOCK(info.st_mode) or stat.S_IMODE(info.st_mode) != 0o600:
        raise CommandError(f'invalid file mode for file "{path}", it must be a socket with 0600 permissions')
    if user not in (0, info.st_uid):
        raise CommandError(f'owner of the file "{path}" must be the same user running mmctl')


class Client:
    """path: the socket."""

    def __init__(self, path: str):
        self.path = path
        self.version_id = ""

    def call(self, method: str, route: str, body: Any = None, query: dict | None = None) -> Any:
        """Return the parsed answer. Raises ApiError, CommandError."""
        target = f"/api/v4/{route}" + (f"?{urlencode(query)}" if query else "")
        headers, data = {}, None
        if body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        connection = _Connection(self.path)
        try:
            connection.request(method, target, data, headers)
            answer = connection.getresponse()
            text, status = answer.read(), answer.status
            self.version_id = answer.headers.get("X-Version-Id", "")
        except (OSError, http.client.HTTPException) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise CommandError(
                f'{method} "http://_/api/v4/{route}": dial unix {self.path}: connect: {reason}'
            ) from None
        finally:
            connection.close()
        value = json.loads(text) if text else None
        if status >= 400:
            raise ApiError(status, value)
        return value

    def get(self, route: str, **query: Any) -> Any:
        return self.call("GET", route, query=query)

    def post(self, route: str, body: Any = None) -> Any:
        return self.call("POST", route, body)

    def put(self, route: str, body: Any = None) -> Any:
        return self.call("PUT", route, body)

    def find(self, *routes: str) -> Any:
        """Return the first of *routes* that exists, or None."""
        for candidate in routes:
            try:
                return self.get(candidate)
            except ApiError as error:
                if error.status != 404:
                    raise
        return None

    def pages(self, route: str, **query: Any) -> list:
        """Return everything of a paged list."""
        found: list = []
        for page in range(10000):
            part = self.get(route, page=page, per_page=200, **query) or []
            found += part
            if len(part) < 200:
                break
        return found
