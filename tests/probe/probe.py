"""Runs the requests in a thread of its own, so that a synchronous test can do something meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time

from tests.probe import websocket
from tests.probe.report import Loss, Report
from tests.probe.target import Connection, Lost, Target


class Probe:
    """Send requests to *target* from entering until leaving the ``with`` block; `report` holds what was seen.

    target: the site. rate: requests a second, half on new and half on kept-alive connections. path: what they ask for;
    only status 200 is good. limit: seconds after which the probe stops by itself. timeout: seconds until a request
    without an answer is lost. token: a session token, sent with the websocket and the upload.
    upload_path: where a slow POST goes to, again and again; any status below 500 is good, as without a token it is 401.
    upload_seconds: how long each upload is drawn out. websocket_path: None for no websocket; upload_path likewise.
    websocket_seconds: without a token the server ends a websocket after a while, so the probe itself renews it first.
    """

    def __init__(
        self,
        target: Target,
        *,
        rate: float = 50,
        path: str = "/api/v4/system/ping",
        limit: float = 900,
        timeout: float = 10,
        token: str | None = None,
        upload_path: str | None = "/api/v4/files",
        upload_seconds: float = 6,
        websocket_path: str | None = "/api/v4/websocket",
        websocket_seconds: float = 3,
        ping_seconds: float = 1,
    ):
        self.target, self.context = target, target.context()
        self.rate, self.path, self.limit, self.timeout = rate, path, limit, timeout
        self.token, self.upload_path, self.upload_seconds = token, upload_path, upload_seconds
        self.websocket_path, self.websocket_seconds = websocket_path, websocket_seconds
        self.ping_seconds = ping_seconds
        self.report = Report()
        self._idle: list[Connection] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="probe", daemon=True)

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(self, *_):
        """Let what is under way end (bounded by *timeout*) and complete the report."""
        self._stop.set()
        self._thread.join(2 * self.timeout + 5)

    @property
    def _over(self) -> bool:
        return self._stop.is_set() or time.monotonic() - self._began > self.limit

    async def _run(self) -> None:
        self._began = time.monotonic()
        steady = [self._steady(self._websocket)] if self.websocket_path else []
        steady += [self._steady(self._upload)] if self.upload_path else []
        requests: set[asyncio.Task] = set()
        watchers = [asyncio.create_task(task) for task in steady]
        while not self._over:
            due = self._began + self.report.scheduled / self.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.report.lag = max(self.report.lag, time.monotonic() - due)
            kept = bool(self.report.scheduled % 2)
            self.report.scheduled += 1
            task = asyncio.create_task(self._one("kept" if kept else "new", self._kept if kept else self._new))
            requests.add(task)
            task.add_done_callback(requests.discard)
        self.report.seconds = time.monotonic() - self._began
        await asyncio.gather(*requests, *watchers)
        for connection in self._idle:
            await connection.close()

    async def _one(self, source: str, work) -> bool:
        """Do one piece of *work* and count it; returns whether it was good."""
        began = time.monotonic()
        try:
            await asyncio.wait_for(work(), self.timeout + (self.upload_seconds if source == "upload" else 0))
        except Lost as loss:
            self.report.lost.append(Loss(began - self._began, source, loss.kind, loss.detail))
            return False
        except asyncio.TimeoutError:
            self.report.lost.append(Loss(began - self._began, source, "timeout", f"no answer in {self.timeout} s"))
            return False
        self.report.answered[source] += 1
        if source in ("new", "kept"):
            self.report.slowest = max(self.report.slowest, time.monotonic() - began)
        return True

    async def _steady(self, work) -> None:
        while not self._over:
            await work()

    async def _ask(self, connection: Connection, headers: dict) -> None:
        await connection.send("GET", self.path, headers)
        status, answer = await connection.head()
        await connection.body(answer)
        if status != 200:
            raise Lost("status", f"{self.path} was answered with {status}")

    async def _new(self) -> None:
        connection = await Connection.open(self.target, self.context)
        try:
            await self._ask(connection, {"Connection": "close"})
        finally:
            await connection.close()

    async def _kept(self) -> None:
        """Ask on a connection that was used before; one that the server dropped without saying so is a loss.

        It may drop it while the request is on its way. Then a browser asks again on another connection, and so does this.
        """
        used = bool(self._idle)
        connection = self._idle.pop(0) if used else await Connection.open(self.target, self.context)
        try:
            if connection.ended:
                raise Lost("reconnect", "a kept-alive connection was closed without notice")
            await self._ask(connection, {})
        except Lost as loss:
            await connection.close()
            if used and loss.unanswered:
                await self._new()
                raise Lost("reconnect", f"asked again, for a kept-alive connection was {loss.detail}") from loss
            raise
        except BaseException:
            await connection.close()
            raise
        if connection.announced_close:
            await connection.close()
        else:
            self._idle.append(connection)

    async def _websocket(self) -> None:
        """Hold one websocket with a ping every *ping_seconds*; each pong counts."""
        opened: list[Connection] = []

        async def renew():
            opened.append(await websocket.connect(self.target, self.context, self.websocket_path, self.token))

        if await self._one("websocket", renew):
            began = time.monotonic()
            while not self._over and (self.token or time.monotonic() - began < self.websocket_seconds):
                if not await self._one("websocket", lambda: websocket.ping(opened[0])):
                    break
                await self._pause(self.ping_seconds)
            await opened[0].close()
        else:
            await self._pause(0.2)

    async def _upload(self) -> None:
        """Send one request whose body takes *upload_seconds*; when the probe ends the rest goes at once."""

        async def send():
            connection = await Connection.open(self.target, self.context)
            try:
                steps, block = max(1, int(self.upload_seconds * 10)), b"x" * 4096
                headers = {"Content-Type": "application/octet-stream", "Content-Length": steps * len(block)}
                if self.token:
                    headers["Authorization"] = f"Bearer {self.token}"
                await connection.send("POST", self.upload_path, headers)
                status, fields = await self._draw_out(connection, block, steps)
                await connection.body(fields)
                if status >= 500:
                    raise Lost("status", f"{self.upload_path} was answered with {status}")
            finally:
                await connection.close()

        if not await self._one("upload", send):
            await self._pause(0.2)

    async def _draw_out(self, connection: Connection, block: bytes, steps: int) -> tuple[int, dict]:
        """Send *steps* blocks slowly and return the answer; an early answer, such as a refused login, is one too."""
        answer = asyncio.ensure_future(connection.head())
        try:
            for _ in range(steps):
                if answer.done():
                    break
                await connection.write(block)
                await self._pause(0.1)
        except Lost:
            if not answer.done() or answer.exception():
                answer.cancel()
                raise
        return await answer

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the probe by more than a moment."""
        until = time.monotonic() + seconds
        while not self._over and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))
