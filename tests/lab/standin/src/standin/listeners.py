"""Open and close what the server listens on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat

from aiohttp import web

from . import http
from .app import App
from .migrate import StartError

BACKLOG = 1024
LONGEST_LINE = 65536  # bytes of a request line or a header


def split_address(address: str) -> tuple[str | None, int]:
    """Return host (None: every interface) and port of ``ListenAddress``. Raises ValueError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    return host or None, int(port)


class Listeners:
    """The network listener and the local socket."""

    def __init__(self, app: App):
        self.app = app
        self._servers: list[asyncio.AbstractServer] = []
        self._socket_path = ""
        self._busy = 0

    def _counted(self, handler):
        """Count requests in flight, websockets aside: a stop waits for them a moment."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if request.path.endswith("/websocket"):
                return await handler(request)
            self._busy += 1
            try:
                return await handler(request)
            finally:
                self._busy -= 1

        return answer

    def _protocol(self, local: bool) -> web.Server:
        timeout = self.app.config["ServiceSettings"]["IdleTimeout"] or 60
        answer = self._counted(http.handler_for(self.app, local))
        sizes = {"max_line_size": LONGEST_LINE, "max_field_size": LONGEST_LINE}
        return web.Server(answer, access_log=None, keepalive_timeout=timeout, **sizes)

    def _tls(self):
        """The TLS context that ConnectionSecurity asks for, or None."""
        service = self.app.config["ServiceSettings"]
        if service["ConnectionSecurity"] != "TLS":
            return None
        import ssl

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(service["TLSCertFile"], service["TLSKeyFile"])
        return context

    async def open_network(self) -> str:
        """Listen on ListenAddress; return it as text for the log. Raises StartError."""
        address = self.app.config["ServiceSettings"]["ListenAddress"]
        try:
            host, port = split_address(address)
            loop = asyncio.get_running_loop()
            made = loop.create_server(self._protocol(False), host, port, backlog=BACKLOG, ssl=self._tls())
            self._servers.append(await made)
        except (OSError, ValueError) as error:
            reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)
            raise StartError(f"Error starting server, err:listen tcp {address}: bind: {reason}", "") from None
        return address

    async def open_local(self) -> None:
        """Listen on the local socket; whatever file stands there is removed. Raises StartError."""
        path = self.app.config["ServiceSettings"]["LocalModeSocketLocation"]
        try:
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
            loop = asyncio.get_running_loop()
            self._servers.append(await loop.create_unix_server(self._protocol(True), path, backlog=BACKLOG))
            os.chmod(path, 0o600)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StartError("Unable to start local mode server", f"listen unix {path}: bind: {reason}") from None
        self._socket_path = path

    async def close(self, grace: float) -> None:
        """Refuse new connections at once, give requests in flight *grace* seconds, remove the socket file."""
        for server in self._servers:
            server.close()
        step = 0.02
        for _ in range(int(grace / step)):
            if not self._busy:
                break
            await asyncio.sleep(step)
        if self._socket_path:
            with contextlib.suppress(OSError):
                if stat.S_ISSOCK(os.lstat(self._socket_path).st_mode):
                    os.remove(self._socket_path)
