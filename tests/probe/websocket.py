"""As much of the websocket protocol (RFC 6455) as a client needs that only watches whether the connection lives."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import ssl

from tests.probe.target import Connection, Lost, Target

PING, PONG, CLOSE = 0x9, 0xA, 0x8
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept that belongs to a client's key."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return a masked client frame; payload: at most 125 bytes."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked


async def connect(target: Target, context: ssl.SSLContext | None, path: str, token: str | None) -> Connection:
    """Open a websocket. token: session token for ``Authorization``. Raises Lost when the upgrade is refused."""
    connection = await Connection.open(target, context)
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        await connection.send("GET", path, headers)
        status, answer = await connection.head()
        if status != 101 or answer.get("sec-websocket-accept") != accept_key(key):
            raise Lost("status", f"the upgrade was answered with {status}")
    except BaseException:
        await connection.close()
        raise
    return connection


async def receive(connection: Connection) -> tuple[int, bytes]:
    """Return opcode and payload of the next frame. Raises Lost when the connection ends."""
    try:
        first, second = await connection.reader.readexactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await connection.reader.readexactly(2 if size == 126 else 8), "big")
        return first & 0x0F, await connection.reader.readexactly(size)
    except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as error:
        raise Lost("closed", f"the websocket ended without a close frame: {error}") from error


async def _send(connection: Connection, opcode: int, payload: bytes) -> None:
    try:
        await connection.write(frame(opcode, payload))
    except Lost as loss:
        raise Lost("closed", f"the websocket had ended without a close frame: {loss.detail}") from loss


async def ping(connection: Connection) -> None:
    """Send a ping and wait for its pong; answers the server's own pings meanwhile. Raises Lost when closed."""
    await _send(connection, PING, b"probe")
    while True:
        opcode, payload = await receive(connection)
        if opcode == PONG:
            return
        if opcode == PING:
            await _send(connection, PONG, payload[:125])
        if opcode == CLOSE:
            raise Lost("closed", f"the server closed the websocket (code {int.from_bytes(payload[:2], 'big')})")
