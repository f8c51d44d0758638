"""The probe's websocket, which only watches whether the connection lives."""

from __future__ import annotations

import ssl

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as opening
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus

from tests.probe.target import Lost, Target


class _Opening(opening):
    def process_redirect(self, exc: Exception) -> Exception:
        return exc  # a redirect of a websocket is a loss


async def connect(target: Target, context: ssl.SSLContext | None, path: str, token: str | None) -> ClientConnection:
    """Open a websocket. token: session token for ``Authorization``. Raises Lost when the upgrade is refused."""
    try:
        return await _Opening(
            f"{'wss' if context else 'ws'}://{target.name}{path}",
            host=target.address or target.name,
            port=target.port or (443 if context else 80),
            ssl=context,
            additional_headers={"Authorization": f"Bearer {token}"} if token else None,
            proxy=None,
            compression=None,
            open_timeout=None,  # the probe's own
            ping_interval=None,  # likewise
            close_timeout=0.5,
            max_size=None,
            max_queue=None,  # events that nobody reads must not hold up a pong
        )
    except ssl.SSLError as error:
        raise Lost("tls", str(error)) from error
    except InvalidStatus as error:
        raise Lost("status", f"the upgrade was answered with {error.response.status_code}") from error
    except InvalidMessage as error:
        raise Lost("reset", f"while waiting for the upgrade's answer: {error.__cause__ or error}") from error
    except InvalidHandshake as error:
        raise Lost("status", f"the upgrade's answer is wrong: {error}") from error
    except OSError as error:
        raise Lost("refused", str(error)) from error


async def ping(connection: ClientConnection) -> None:
    """Send a ping and wait for its pong. Raises Lost when the connection is closed, with or without a close frame."""
    try:
        await (await connection.ping())
    except ConnectionClosed as error:
        if error.rcvd:
            raise Lost("closed", f"the server closed the websocket (code {error.rcvd.code})") from error
        raise Lost("closed", f"the websocket ended without a close frame: {error.__cause__ or error}") from error
