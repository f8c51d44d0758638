"""What an installation that was found comes to, put together from the lines that import.sh told. Pure."""

from __future__ import annotations

import base64
import os
import re
from typing import Callable, NamedTuple

from mattermost_controller.importing.parse import Login, setting

DIRECTORIES = {  # what the server takes where nothing is set, below its tree
    "data": ("FileSettings", "Directory", "data"),
    "plugins": ("PluginSettings", "Directory", "plugins"),
    "client_plugins": ("PluginSettings", "ClientDirectory", "client/plugins"),
}


class Source(NamedTuple):
    """An installation that was found.

    layout: hand-made, omnibus, gitlab or docker. config: config.json's sections, None where it is in the database.
    variables: MM_ variables, which win over it. data, plugins, client_plugins: directories on the host. stop_command,
    start_command: of the server. active: whether it runs. disable_command: how an operator keeps it from starting again.
    resolve_path: gives the directory on the host for a path of the settings and what it is for. tree: directory of a program that a unit of
    systemd runs, "" for none.
    """

    layout: str
    version: str
    is_team: bool
    config: dict | None
    variables: dict
    data: str
    plugins: str
    client_plugins: str
    config_file: str
    login: Login
    stop_command: str
    start_command: str
    active: bool
    disable_command: str
    resolve_path: Callable[[str, str], str]
    tree: str = ""


def build(layout: str, version_lines: list[str], config: dict | None, variables: dict, resolve_path, **more) -> Source:
    """Return the Source of a layout.

    version_lines: lines of ``mattermost version``. resolve_path: Source.resolve_path. more: the other fields, and any made here that the layout knows better.
    """
    version, is_team = parse_version(version_lines)
    fields = {"layout": layout, "version": version, "is_team": is_team, "config": config, "variables": variables}
    return Source(**{**fields, **_directories(config, variables, resolve_path), "resolve_path": resolve_path, **more})


def with_settings(source: Source, config: dict) -> Source:
    """Return *source* with the settings that its server has in its file or database: they say where files are. Raises ImportFault."""
    return source._replace(config=config, **_directories(config, source.variables, source.resolve_path))


def _directories(config: dict | None, variables: dict, resolve_path) -> dict:
    return {
        field: resolve_path(setting(config, variables, section, key, default) or default, field.replace("_", " "))
        for field, (section, key, default) in DIRECTORIES.items()
    }


def parse_facts(text: str) -> dict[str, list[str]]:
    """Return what import.sh said: a list of values for each key."""
    facts: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, tab, value = line.partition("\t")
        if tab:
            facts.setdefault(key, []).append(value.strip())
    return facts


def decoded(value: str) -> str:
    return base64.b64decode(value).decode("utf-8", "replace")


def file(facts: dict, key: str) -> str:
    """Return the file that the look told under *key*, "" when it told none."""
    return decoded(facts.get(key, [""])[0])


def parse_version(lines: list[str]) -> tuple[str, bool]:
    """Return the version and whether it is the Team Edition, from the lines of ``mattermost version``."""
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return fields.get("Version", "").strip(), fields.get("Build Enterprise Ready", "").strip() == "false"


def server_variables(variables: dict) -> dict[str, str]:
    """Return the variables that the server looks at."""
    return {name: value for name, value in variables.items() if name.startswith("MM_")}


def pg_dump_directory(facts: dict) -> str:
    """Return the directory with the newest pg_dump of the host, "" without one."""
    known = [line.rsplit(" ", 1) for line in facts.get("postgresql", []) if " " in line]
    key = lambda pair: tuple(int(part) for part in re.findall(r"\d+", pair[1]))  # noqa: E731
    return max(known, key=key)[0] if known else ""


def relative_to(directory: str):
    """Return the function ``place`` of a server that takes its paths from *directory*."""
    return lambda path, what: os.path.normpath(os.path.join(directory, path))
