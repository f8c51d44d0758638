"""Plugins over the API."""

from __future__ import annotations

import asyncio
import copy

from aiohttp import web

from .call import Call, ok, reply
from .config_backing import ConfigError
from .errors import ApiError, bad_body
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


@route("POST", "plugins", admin=True)
async def upload(call: Call) -> web.Response:
    plugins, settings = _need_plugins(call), call.app.config["PluginSettings"]
    if not settings["EnableUploads"]:
        raise ApiError(501, "app.plugin.upload_disabled.app_error", "Plugins and/or plugin uploads have been disabled.")
    if call.request.content_type != "multipart/form-data":
        raise bad_body("plugin")
    await call.expect_body()
    data, force, most = b"", False, call.app.config["FileSettings"]["MaxFileSize"]
    async for part in await call.request.multipart():
        if part.name == "plugin":
            collected = bytearray()
            while chunk := await part.read_chunk(65536):
                collected += chunk
                if len(collected) > most:
                    raise ApiError(
                        413,
                        "api.plugin.upload.file_too_large.app_error",
                        "The plugin is larger than MaxFileSize allows.",
                    )
            data = bytes(collected)
        elif part.name == "force":
            force = (await part.read()).decode() == "true"
    if not data:
        raise bad_body("plugin")
    if settings["RequirePluginSignature"]:
        raise ApiError(
            500, "app.plugin.signature_required.app_error", "Unable to install plugin: a signature is required."
        )
    return reply(await asyncio.to_thread(plugins.add, data, force), 201)


def _switch(call: Call, plugin_id: str, on: bool) -> web.Response:
    plugins = _need_plugins(call)
    if plugin_id not in plugins.manifests:
        raise ApiError(404, "app.plugin.not_installed.app_error", "Plugin is not installed.")
    config = copy.deepcopy(call.app.config.effective)
    config["PluginSettings"]["PluginStates"][plugin_id] = {"Enable": on}
    try:
        call.app.config.save(config)
    except ConfigError as error:
        raise ApiError(500, "app.plugin.config.app_error", "Error saving plugin state in config.", str(error)) from None
    if on:
        plugins.activate(plugin_id)
    else:
        plugins.deactivate(plugin_id)
    return ok()


@route("POST", "plugins/{plugin_id:name}/enable", admin=True)
async def enable(call: Call, plugin_id: str) -> web.Response:
    return _switch(call, plugin_id, True)


@route("POST", "plugins/{plugin_id:name}/disable", admin=True)
async def disable(call: Call, plugin_id: str) -> web.Response:
    return _switch(call, plugin_id, False)


@route("DELETE", "plugins/{plugin_id:name}", admin=True)
async def remove(call: Call, plugin_id: str) -> web.Response:
    await asyncio.to_thread(_need_plugins(call).remove, plugin_id)
    return ok()
