"""From a socket to a handler: limits, sessions, errors, headers, pages."""

from __future__ import annotations

import mimetypes
import os

import psycopg
from aiohttp import web

from . import routes
from .app import App
from .call import Call, reply
from .errors import ApiError, forbidden, no_route, not_logged_in
from .limiter import client_address

PAGE_CACHE = "no-cache, max-age=31556926, public"


def token_of(request: web.BaseRequest) -> str:
    """The session token in a request, from its Authorization header, query or cookie."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() in ("bearer", "token") and value:
        return value.strip()
    return request.cookies.get("MMAUTHTOKEN", "") or request.query.get("access_token", "")


async def api(call: Call, path: str) -> web.StreamResponse:
    """Answer an API request."""
    found = routes.find(call.request.method, path, call.local)
    if found is None:
        response = reply(no_route().body(""), 404)
        response.headers["X-Request-Id"] = call.request_id
        return response
    route, arguments = found
    try:
        if not call.local:
            token = token_of(call.request)
            if token:
                call.session = await call.app.sessions.find(token)
            if (route.login or route.admin) and call.session is None:
                raise not_logged_in()
            if route.admin and not call.is_admin:
                raise forbidden()
        response = await route.handler(call, **arguments)
    except ApiError as error:
        response = reply(error.body(call.request_id), error.status)
    except (psycopg.Error, TimeoutError, OSError) as error:
        if isinstance(error, ConnectionError):
            raise
        call.app.log.error("Database or file error", error=str(error), path=path, request_id=call.request_id)
        response = reply(
            ApiError(500, "app.store.error", "A store error occurred.", str(error)).body(call.request_id), 500
        )
    if not response.prepared:
        response.headers["X-Version-Id"] = call.app.version_id
        response.headers["X-Request-Id"] = call.request_id
        response.headers["Vary"] = "Accept-Encoding"
    return response


def static(app: App, path: str) -> web.StreamResponse:
    """Answer for a file of the web client or of a plugin's client part."""
    relative = os.path.normpath(path.removeprefix("/static/"))
    base: str | None = app.client
    if relative.startswith("plugins/"):
        base, relative = os.path.abspath(app.config["PluginSettings"]["ClientDirectory"]), relative[len("plugins/") :]
    target = os.path.join(base or "", relative)
    if base is None or relative.startswith("..") or not os.path.isfile(target):
        return web.Response(status=404, text="404 page not found\n")
    with open(target, "rb") as file:
        body = file.read()
    kind = mimetypes.guess_type(target)[0] or "application/octet-stream"
    headers = {"Cache-Control": "max-age=31556926, public"}
    return web.Response(body=body, content_type=kind, headers=headers)


def page(app: App) -> web.StreamResponse:
    """Answer with the web client's page, whatever was asked."""
    headers = {"X-Version-Id": app.version_id}
    try:
        with open(os.path.join(app.client or "", "root.html"), "rb") as file:
            body = file.read()
    except OSError:
        status, place = (500 if app.build.at_least(11, 0) else 404), os.path.join(app.client or "client", "root.html")
        return web.Response(status=status, text=f"open {place}: no such file or directory\n", headers=headers)
    headers |= {"Cache-Control": PAGE_CACHE, "X-Frame-Options": "SAMEORIGIN", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)


def handler_for(app: App, local: bool):
    """Return the function that answers every request of one listener."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        peer = request.remote or "@"
        address = client_address(peer, request.headers, app.config["ServiceSettings"]["TrustedProxyIPHeader"])
        call = Call(app, request, local, address)
        app.log.debug(
            "Received HTTP request",
            method=request.method,
            url=request.path,
            ip_addr=address,
            request_id=call.request_id,
        )
        if not local and app.limiter.settings["Enable"]:
            refused = await _limited(app, request, address)
            if refused:
                return refused
        path = request.path
        if app.subpath != "/" and not local:
            if path == app.subpath or not path.startswith(f"{app.subpath}/"):
                query = f"?{request.query_string}" if request.query_string else ""
                where = f"{app.subpath}/" if path == app.subpath else app.subpath + path.rstrip("/")
                return web.Response(status=302, headers={"Location": where + query})
            path = path.removeprefix(app.subpath)
        if path.startswith("/api/v4/"):
            return await api(call, path)
        if local or path.startswith("/api/"):
            return reply(no_route().body(""), 404)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=404, text="404 page not found\n")
        if path.startswith("/static/"):
            return static(app, path)
        return page(app)

    return answer


async def _limited(app: App, request: web.BaseRequest, address: str) -> web.Response | None:
    user_id = ""
    if app.limiter.settings["VaryByUser"] and token_of(request):
        session = await app.sessions.find(token_of(request))
        user_id = session["userid"] if session else ""
    seconds = app.limiter.refuse_seconds(app.limiter.bucket(address, user_id, request.headers))
    if not seconds:
        return None
    return web.Response(status=429, text="limit exceeded\n", headers={"Retry-After": str(int(seconds) + 1)})
