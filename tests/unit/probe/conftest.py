"""A small site that can misbehave on command, in a thread of its own."""

import asyncio
import threading

import pytest
from websockets.utils import accept_key

CLOSE, PING = 0x8, 0x9


class Site:
    """Serves the four things the probe asks for. misbehaves: None or the name of one of the faults below."""

    FAULTS = (
        *("503", "reset", "stall", "drop-idle", "drop-asked", "cut-upload", "early-401"),
        *("close-websocket", "end-websocket", "redirect-websocket", "drop-upgrade", "wrong-proof"),
    )

    def __init__(self, context=None):
        self.misbehaves, self.context, self.seen = None, context, 0
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(10)

    def _serve(self, started):
        asyncio.set_event_loop(self.loop)

        async def begin():
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0, ssl=self.context)
            self.server, self.port = server, server.sockets[0].getsockname()[1]
            started.set()

        self.loop.run_until_complete(begin())
        self.loop.run_forever()

    def stop(self):
        """Refuse connections from now on."""
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(10)

    async def _stop(self):
        self.server.close()

    def end(self):
        """Cut every connection and end the thread."""

        def cancel():
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_soon(self.loop.stop)

        self.loop.call_soon_threadsafe(cancel)
        self.thread.join(10)

    async def _connection(self, reader, writer):
        try:
            while await self._request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        writer.close()

    async def _request(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.seen += 1
        first, writer.asked = not hasattr(writer, "asked"), True
        if "Upgrade: websocket" in head:
            return await self._websocket(reader, writer, head)
        if head.startswith("POST"):
            return await self._upload(reader, writer, head)
        if self.misbehaves == "stall":
            await asyncio.sleep(30)
        if self.misbehaves == "reset" or (self.misbehaves == "drop-asked" and not first):
            writer.transport.abort()
            return False
        status = "503 no" if self.misbehaves == "503" else "200 ok"
        last = "Connection: close" in head or self.misbehaves == "announce"
        closing = "Connection: close\r\n" if last else ""
        writer.write(f"HTTP/1.1 {status}\r\n{closing}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".encode())
        await writer.drain()
        return not last and self.misbehaves != "drop-idle"

    async def _websocket(self, reader, writer, head):
        key = next(
            line.partition(":")[2].strip() for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key")
        )
        if self.misbehaves == "redirect-websocket":
            writer.write(b"HTTP/1.1 301 there\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")
            return False
        if self.misbehaves == "drop-upgrade":
            writer.transport.abort()
            return False
        proof = "wrong" if self.misbehaves == "wrong-proof" else accept_key(key)
        fields = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {proof}"
        writer.write(f"HTTP/1.1 101 ok\r\n{fields}\r\n\r\n".encode())
        while self.misbehaves not in ("close-websocket", "end-websocket"):
            first, second = await reader.readexactly(2)
            body = await reader.readexactly(4 + (second & 0x7F))
            if first & 0x0F == CLOSE:
                writer.write(bytes([0x88, 0]))
                return False
            if first & 0x0F == PING:
                payload = bytes(byte ^ body[index % 4] for index, byte in enumerate(body[4:]))
                writer.write(bytes([0x89, 2]) + b"hi" + bytes([0x8A, len(payload)]) + payload)
                writer.write(bytes([0x81, 5]) + b"event")  # nobody reads it
        if self.misbehaves == "end-websocket":
            writer.write(bytes([0x88, 2]) + (1001).to_bytes(2, "big"))
        return False

    async def _upload(self, reader, writer, head):
        size = int(next(line.partition(":")[2] for line in head.split("\r\n") if line.startswith("Content-Length")))
        if self.misbehaves == "cut-upload":
            await reader.readexactly(5000)
            writer.transport.abort()
            return False
        if self.misbehaves != "early-401":
            await reader.readexactly(size)
        writer.write(b"HTTP/1.1 401 login\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        if self.misbehaves == "early-401" and self.context is None:
            # As nginx lingers: to close over unread bytes would reset the connection and the answer with it.
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 5)
        return False


@pytest.fixture
def site_class():
    return Site


@pytest.fixture
def site():
    made = Site()
    yield made
    made.end()
