"""``mmctl config``."""

from __future__ import annotations

import copy
import json
from typing import Any

from .. import config_model
from ..config_values import parse_override
from .client import ApiError, CommandError
from .context import Context


def look_up(config: dict, path: str) -> Any:
    """Return the value at ``Section.Key``. Raises CommandError."""
    value: Any = config
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            raise CommandError("invalid key")
        value = value[name]
    return value


def _value(current: Any, texts: list[str], path: str) -> Any:
    """Read the texts of the command line as the type of *current*. Raises CommandError."""
    if isinstance(current, list):
        return texts
    if len(texts) != 1:
        raise CommandError(f"too many values for {path}")
    try:
        return parse_override(texts[0], current)
    except ValueError:
        raise CommandError(
            f"target value is of type {config_model.go_type(current)} and provided value is not"
        ) from None


def _nested(path: str, value: Any) -> dict:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def get(context: Context) -> None:
    value = look_up(context.client.get("config"), context.need_arguments(1)[0])
    context.show(value, json.dumps(value, indent=2))


def show(context: Context) -> None:
    config = context.client.get("config")
    context.show(config, json.dumps(config, indent=2))


def export(context: Context) -> None:
    config, shown = context.client.get("config"), {}
    fresh = config_model.fresh(context.build)
    for section, keys in config.items():
        for key, value in keys.items():
            is_masked = value == config_model.MASK and context.flag("remove-masked", False)
            is_default = context.flag("remove-defaults", False) and fresh.get(section, {}).get(key) == value
            if not is_masked and not is_default:
                shown.setdefault(section, {})[key] = value
    context.show(shown, json.dumps(shown, indent=2))


def merged(config: dict, part: dict) -> dict:
    """Return *config* with *part* put in, as mmctl does before it sends the whole: plugins' settings merge by key."""
    result = copy.deepcopy(config)
    for section, values in part.items():
        for key, value in values.items() if isinstance(values, dict) else ():
            known = result.get(section, {})
            if (section, key) == ("PluginSettings", "Plugins"):
                for plugin, settings in value.items():
                    known[key].setdefault(plugin, {}).update(settings)
            elif (section, key) == ("PluginSettings", "PluginStates"):
                known[key].update(value)
            elif key in known:
                known[key] = copy.deepcopy(value)
    return result


def _patch(context: Context, part: dict) -> None:
    try:
        config = context.client.put("config/patch", part)
    except ApiError as error:
        raise CommandError(error.message) from None
    context.show([config], json.dumps(config, indent=2))


def set_value(context: Context) -> None:
    path, *texts = context.need_arguments(2)
    config = context.client.get("config")
    current = look_up(config, path)
    if isinstance(current, dict) and path.count(".") < 1:
        raise CommandError("unable to set a whole section")
    _patch(context, merged(config, _nested(path, _value(current, texts, path))))


def patch(context: Context) -> None:
    path = context.need_arguments(1)[0]
    try:
        with open(path, encoding="utf-8") as file:
            part = json.load(file)
    except (OSError, ValueError) as error:
        raise CommandError(f"unable to read {path}: {error}") from None
    _patch(context, merged(context.client.get("config"), part))


def reset(context: Context) -> None:
    context.confirm()
    fresh = config_model.fresh(context.build)
    for path in context.need_arguments(1):
        _patch(context, _nested(path, look_up(fresh, path)))


def reload(context: Context) -> None:
    context.client.post("config/reload")
    context.show(None)


COMMANDS = {
    ("config", "get"): get,
    ("config", "show"): show,
    ("config", "export"): export,
    ("config", "set"): set_value,
    ("config", "patch"): patch,
    ("config", "reset"): reset,
    ("config", "reload"): reload,
}
