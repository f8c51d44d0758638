"""The websocket: who may open it, hello, ping, events."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from . import ids
from .call import Call, reply
from .errors import ApiError
from .routes import route


def origin_is_allowed(origin: str, host: str, site_url: str, allow_cors: str) -> bool:
    """No Origin, the site's own scheme, host and port (without a SiteURL the host that was called), and those of AllowCorsFrom."""
    asked, own = urlsplit(origin.lower()), urlsplit(site_url.lower())
    if not origin or (site_url and (asked.scheme, asked.netloc) == (own.scheme, own.netloc)):
        return True
    if not site_url and asked.netloc == host.lower():
        return True
    return allow_cors == "*" or origin in allow_cors.split()


class Peer:
    """One open websocket."""

    def __init__(self, socket: web.WebSocketResponse, call: Call):
        self.socket, self.call, self.user_id, self.sequence = socket, call, "", 0
        self.connection_id = ids.new()

    def _send(self, value: dict) -> None:
        asyncio.ensure_future(self._send_quietly(json.dumps(value)))

    async def _send_quietly(self, text: str) -> None:
        try:
            await self.socket.send_str(text)
        except (ConnectionError, RuntimeError):
            pass

    def send_event(self, event: str, data: dict, broadcast: dict) -> None:
        everyone = {"omit_users": None, "user_id": "", "channel_id": "", "team_id": "", "connection_id": ""}
        self._send({"event": event, "data": data, "broadcast": everyone | broadcast, "seq": self.sequence})
        self.sequence += 1

    def hello(self, session: dict) -> None:
        self.user_id = session["userid"]
        data = {"server_version": self.call.app.version_id, "connection_id": self.connection_id}
        self.send_event("hello", data, {"user_id": self.user_id})

    async def take(self, text: str) -> None:
        """Answer one frame from the client."""
        try:
            message = json.loads(text)
            action, number = message["action"], message["seq"]
        except (ValueError, KeyError, TypeError):
            return
        if action == "authentication_challenge":
            token = str((message.get("data") or {}).get("token", ""))
            session = await self.call.app.sessions.find(token)
            if session is None:
                await self.socket.close()
                return
            self._send({"status": "OK", "seq_reply": number})
            self.hello(session)
        elif not self.user_id:
            error = ApiError(
                401, "api.web_socket_router.not_authenticated.app_error", "WebSocket connection is not authenticated."
            )
            self._send({"status": "FAIL", "error": error.body(ids.new()), "seq_reply": number})
        elif action == "ping":
            data = {"text": "pong", "version": self.call.app.version, "server_time": ids.now(), "node_id": ""}
            self._send({"status": "OK", "data": data, "seq_reply": number})
        else:
            error = ApiError(500, "api.web_socket_router.bad_action.app_error", "Unknown WebSocket action.")
            self._send({"status": "FAIL", "error": error.body(ids.new()), "seq_reply": number})


def _refuse(call: Call) -> web.Response | None:
    request, service = call.request, call.app.config["ServiceSettings"]
    upgrade = (
        request.headers.get("Upgrade", "").lower() == "websocket"
        and "upgrade" in request.headers.get("Connection", "").lower()
    )
    if not upgrade or not request.headers.get("Sec-WebSocket-Key"):
        error = ApiError(400, "api.web_socket.connect.upgrade.app_error", "Failed to upgrade websocket connection.")
        return reply(error.body(call.request_id), 400)
    if not origin_is_allowed(
        request.headers.get("Origin", ""), request.host, service["SiteURL"], service["AllowCorsFrom"]
    ):
        error = ApiError(403, "api.web_socket.connect.upgrade.app_error", "URL Blocked because of CORS.")
        return reply(error.body(call.request_id), 403)
    return None


async def _serve(call: Call) -> web.StreamResponse:
    refused = _refuse(call)
    if refused is not None:
        return refused
    socket = web.WebSocketResponse(heartbeat=60)
    socket.headers["X-Version-Id"] = call.app.version_id
    await socket.prepare(call.request)
    peer = Peer(socket, call)
    call.app.sockets.add(peer)
    try:
        if call.session:
            peer.hello(call.session)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await peer.take(message.data)
    finally:
        call.app.sockets.discard(peer)
    return socket


@route("GET", "websocket", local=False, login=False)
async def open_socket(call: Call) -> web.StreamResponse:
    return await _serve(call)


@route("GET", "users/websocket", local=False)
async def open_user_socket(call: Call) -> web.StreamResponse:
    return await _serve(call)
