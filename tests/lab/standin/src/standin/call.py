"""One API request on its way through a handler."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import gojson, ids
from .errors import ApiError, bad_body

if TYPE_CHECKING:
    from .app import App

MAX_BODY = 50 * 1024 * 1024


class Call:
    """app: the server. local: came over the local socket. session: of a logged-in caller, else None."""

    def __init__(self, app: App, request: web.BaseRequest, local: bool, address: str):
        self.app, self.request, self.local, self.address = app, request, local, address
        self.request_id = ids.new()
        self.session: dict | None = None

    @property
    def user_id(self) -> str:
        return self.session["userid"] if self.session else ""

    @property
    def is_admin(self) -> bool:
        return self.local or bool(self.session and "system_admin" in self.session["roles"].split())

    def query(self, name: str, default: str = "") -> str:
        return self.request.query.get(name, default)

    def page(self) -> tuple[int, int]:
        """Limit and offset from ``per_page`` (at most 200) and ``page``."""
        try:
            size = min(int(self.query("per_page", "60")), 200)
            return size, int(self.query("page", "0")) * size
        except ValueError:
            raise ApiError(400, "api.context.invalid_url_param.app_error", "Invalid page in request URL.") from None

    async def expect_body(self) -> None:
        """Tell a client that waits for it to go on; one that is refused before never sends its body."""
        if self.request.headers.get("Expect", "").lower() == "100-continue":
            writer = self.request.writer
            await writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            writer.output_size = 0

    async def bytes(self) -> bytes:
        await self.expect_body()
        data = bytearray()
        async for chunk in self.request.content.iter_any():
            data += chunk
            if len(data) > MAX_BODY:
                raise ApiError(413, "api.context.request_body_too_large.app_error", "Request body is too large.")
        return bytes(data)

    async def json(self, kind: type = dict) -> Any:
        """Parse the body. Raises ApiError 400 when it is no JSON of *kind*."""
        try:
            value = json.loads(await self.bytes() or b"null")
        except ValueError:
            raise bad_body("body") from None
        if not isinstance(value, kind):
            raise bad_body("body")
        return value


def reply(value: Any, status: int = 200, headers: dict | None = None) -> web.Response:
    """A JSON response as the server writes it."""
    body = gojson.dumps(value).encode()  # as text it would name a charset, which the real server does not
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def ok() -> web.Response:
    return reply({"status": "OK"})
