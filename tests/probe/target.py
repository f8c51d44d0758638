"""Where the probe connects to, and a small HTTP/1.1 client on plain asyncio streams that hides no broken connection."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ssl


class Lost(Exception):
    """A request that a user would have noticed. kind: one word. detail: what was seen. unanswered: not a byte came back."""

    def __init__(self, kind: str, detail: str, unanswered: bool = False):
        self.kind, self.detail, self.unanswered = kind, detail, unanswered
        super().__init__(f"{kind}: {detail}")


@dataclasses.dataclass(frozen=True)
class Target:
    """A site.

    name: host name for the certificate, SNI and the Host header. address: IP address to connect to, default: *name*.
    port: TCP port, default 443, or 80 without TLS. tls: False for plain HTTP.
    ca_file: PEM with the root to trust; None means the system's store.
    """

    name: str
    address: str | None = None
    port: int | None = None
    tls: bool = True
    ca_file: str | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS context that checks chain and name, or None for plain HTTP."""
        return ssl.create_default_context(cafile=self.ca_file) if self.tls else None


class Connection:
    """One connection to the site; `close` is always safe to call."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str):
        self.reader, self.writer, self.name = reader, writer, name
        self.announced_close = False

    @classmethod
    async def open(cls, target: Target, context: ssl.SSLContext | None) -> Connection:
        """Connect, with TLS if there is a *context*. Raises Lost of kind refused or tls."""
        port = target.port or (443 if target.tls else 80)
        try:
            reader, writer = await asyncio.open_connection(
                target.address or target.name, port, ssl=context, server_hostname=target.name if context else None
            )
        except ssl.SSLError as error:
            raise Lost("tls", str(error)) from error
        except OSError as error:
            raise Lost("refused", str(error)) from error
        return cls(reader, writer, target.name)

    async def send(self, method: str, path: str, headers: dict | None = None) -> None:
        """Send a request's head."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.name}", "User-Agent: probe"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.write("\r\n".join([*lines, "", ""]).encode())

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises Lost of kind reset."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (OSError, ssl.SSLError) as error:
            raise Lost("reset", f"while sending: {error}", unanswered=True) from error

    async def head(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers (lower-case names) of the next answer. Raises Lost of kind reset."""
        try:
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError as error:
            text = f"closed after {len(error.partial)} bytes of the answer's head"
            raise Lost("reset", text, unanswered=not error.partial) from error
        except asyncio.LimitOverrunError as error:
            raise Lost("reset", f"while waiting for the answer: {error}") from error
        except (OSError, ssl.SSLError) as error:
            raise Lost("reset", f"while waiting for the answer: {error}", unanswered=True) from error
        first, *lines = text.split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.announced_close = headers.get("connection", "").lower() == "close"
        return int(first.split()[1]), headers

    async def body(self, headers: dict[str, str]) -> bytes:
        """Return the whole body that *headers* announce. Raises Lost of kind cut when it ends early."""
        try:
            if headers.get("transfer-encoding", "").lower() == "chunked":
                return await self._chunks()
            if "content-length" in headers:
                return await self.reader.readexactly(int(headers["content-length"]))
            self.announced_close = True
            return await self.reader.read()
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as error:
            raise Lost("cut", f"the body ended early: {error}") from error

    async def _chunks(self) -> bytes:
        parts = []
        while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        while (await self.reader.readuntil(b"\r\n")) != b"\r\n":
            pass  # trailers
        return b"".join(parts)

    @property
    def ended(self) -> bool:
        """Whether the other side has closed while nothing was asked."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def close(self) -> None:
        """Close for good; what goes wrong in that is nobody's loss."""
        self.writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.TimeoutError):
            await asyncio.wait_for(self.writer.wait_closed(), 1)
