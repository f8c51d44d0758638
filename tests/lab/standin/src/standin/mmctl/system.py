"""``mmctl system``."""

from __future__ import annotations

from .client import ApiError, CommandError
from .context import Context


def version(context: Context) -> None:
    context.client.get("system/ping")
    number = ".".join(context.client.version_id.split(".")[:3])
    context.show({"version": number}, f"Server version {number}")


def status(context: Context) -> None:
    """Exit code 1 on failed checks only where the version knows that (10.11.4; 11.1, perhaps 11.0)."""
    honest = context.build.at_least(11, 1) or (context.build.at_least(10, 11, 4) and not context.build.at_least(11, 0))
    try:
        answer = context.client.get("system/ping", get_server_status="true")
    except ApiError as error:
        answer = error.body
    context.show(answer, "\n".join(f"{name}: {value}" for name, value in answer.items()))
    if answer["status"] != "OK" and honest:
        raise CommandError("server is unhealthy")


COMMANDS = {("system", "version"): version, ("system", "status"): status}
