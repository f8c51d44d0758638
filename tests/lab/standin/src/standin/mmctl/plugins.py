"""``mmctl plugin``."""

from __future__ import annotations

import os

from .client import ApiError, CommandError
from .context import Context

BOUNDARY = "stand-in-form-boundary"


def _is_honest(context: Context) -> bool:
    """Whether failures of plugin commands reach the exit code."""
    return context.build.at_least(9, 8)


def listing(context: Context) -> None:
    found = context.client.get("plugins")
    lines = [f"{kind}: {item['id']} {item.get('version', '')}" for kind, items in found.items() for item in items]
    context.show([found], "\n".join(lines))


def _form(name: str, data: bytes, force: bool) -> tuple[str, bytes]:
    parts = []
    if force:
        parts.append(b'Content-Disposition: form-data; name="force"\r\n\r\ntrue')
    head = f'Content-Disposition: form-data; name="plugin"; filename="{name}"\r\nContent-Type: application/gzip\r\n\r\n'
    parts.append(head.encode() + data)
    mark = f"--{BOUNDARY}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return f"multipart/form-data; boundary={BOUNDARY}", body


def add(context: Context) -> None:
    """The same id again without --force is a message, not a failure."""
    added = []
    for path in context.need_arguments(1):
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise CommandError(f"open {path}: {(error.strerror or '').lower()}") from None
        try:
            form = _form(os.path.basename(path), data, bool(context.flag("force", False)))
            added.append(context.client.call("POST", "plugins", form=form))
        except ApiError as error:
            installed = error.id == "app.plugin.install_id.app_error"
            context.complain(
                f"Unable to add plugin: {path}. Error: {error.message}", fails=_is_honest(context) and not installed
            )
    context.show(added or None)


def _each(context: Context, method: str, route: str, verb: str, honest: bool) -> None:
    for plugin_id in context.need_arguments(1):
        try:
            context.client.call(method, route.format(plugin_id))
        except ApiError as error:
            context.complain(f"Unable to {verb} plugin: {plugin_id}. Error: {error.message}", fails=honest)
    context.show(None)


def enable(context: Context) -> None:
    _each(context, "POST", "plugins/{}/enable", "enable", _is_honest(context))


def disable(context: Context) -> None:
    _each(context, "POST", "plugins/{}/disable", "disable", False)


def delete(context: Context) -> None:
    _each(context, "DELETE", "plugins/{}", "delete", _is_honest(context))


COMMANDS = {
    ("plugin", "list"): listing,
    ("plugin", "add"): add,
    ("plugin", "enable"): enable,
    ("plugin", "disable"): disable,
    ("plugin", "delete"): delete,
}
