"""Configuration over the API."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from . import config_values
from .call import Call, ok, reply
from .config_backing import ConfigError, PersistError
from .errors import ApiError
from .routes import route

# Where the file store's imports live: since 11.4 not changeable over the network.
FIXED_FOR_REST = (("ImportSettings", "Directory"),)


def _known(call: Call, body: dict) -> config_values.Config:
    try:
        return config_values.without_masks(config_values.known_part(body, call.app.build))
    except ValueError as error:
        raise ApiError(
            400, "api.context.invalid_body_param.app_error", "Invalid or missing config in request body.", str(error)
        ) from None


def _save(call: Call, config: config_values.Config) -> None:
    store = call.app.config
    if not call.local:
        for section, key in FIXED_FOR_REST:
            config[section][key] = store.effective[section][key]
    try:
        store.save(config)
    except PersistError as error:
        raise ApiError(
            500, "app.save_config.app_error", "An error occurred saving the configuration.", str(error)
        ) from None
    except ConfigError as error:
        text = str(error).removeprefix("invalid config: Config.IsValid: ")
        raise ApiError(400, "model.config.is_valid.app_error", text) from None
    call.app.publish("config_changed", {"config": {}}, {})


def _shown(call: Call) -> dict[str, Any]:
    return config_values.masked(call.app.config.effective)


@route("GET", "config", admin=True)
async def get_config(call: Call) -> web.Response:
    """The socket's caller sees secrets since 10.4; what answers a change hides them from everybody."""
    in_clear = call.local and call.app.build.at_least(10, 4)
    return reply(call.app.config.effective if in_clear else _shown(call))


@route("PUT", "config", admin=True)
async def put_config(call: Call) -> web.Response:
    part = _known(call, await call.json())
    if not (call.local and call.app.build.at_least(10, 11)):
        part.get("PluginSettings", {}).pop("EnableUploads", None)
    _save(call, config_values.merge(call.app.config.effective, part))
    return reply(_shown(call))


@route("PUT", "config/patch", admin=True)
async def patch_config(call: Call) -> web.Response:
    part = _known(call, await call.json())
    uploads = part.get("PluginSettings", {}).get("EnableUploads")
    if not call.local and uploads not in (None, call.app.config["PluginSettings"]["EnableUploads"]):
        raise ApiError(403, "api.config.update_config.not_allowed_security.app_error",
            "Changing PluginSettings.EnableUploads is not allowed due to security reasons.")  # fmt: skip
    _save(call, config_values.merge(call.app.config.effective, part))
    return reply(_shown(call))


@route("POST", "config/reload", admin=True)
async def reload_config(call: Call) -> web.Response:
    try:
        call.app.config.load()
    except ConfigError as error:
        call.app.log.error("Failed to reload config", error=str(error))
        raise ApiError(500, "api.config.reload_config.app_error", "Failed to reload config.") from None
    call.app.publish("config_changed", {"config": {}}, {})
    return ok()
