"""The list of plugins."""

from __future__ import annotations

from aiohttp import web

from .call import Call, reply
from .errors import ApiError
from .routes import route


def _need_plugins(call: Call):
    plugins = call.app.plugins
    if plugins.unavailable or not call.app.config["PluginSettings"]["Enable"]:
        raise ApiError(
            501, "app.plugin.disabled.app_error", "Plugins have been disabled. Please check your logs for details."
        )
    return plugins


@route("GET", "plugins", admin=True)
async def listing(call: Call) -> web.Response:
    return reply(_need_plugins(call).lists())
