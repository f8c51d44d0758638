"""A server made by hand from the archive (or a package of it): a tree with bin/mattermost and a unit of systemd. Pure."""

from __future__ import annotations

import re

from mattermost_lines import lines_of

from mattermost_controller.importing.parse import ImportFault, assignments, data_source, is_database, login, sections
from mattermost_controller.importing.source import (
    Source,
    build,
    decoded,
    file,
    pg_dump_directory,
    relative_to,
    server_variables,
)


def find(facts: dict) -> Source | None:
    """Return the installation, None when there is none. Raises ImportFault."""
    if "tree" not in facts:
        return None
    variables: dict[str, str] = {}
    for line in facts.get("environment_file", []):
        variables.update(server_variables(assignments(decoded(line))))
    variables.update(server_variables(assignments("\n".join(unit(facts).get("Environment", "").split()))))
    variables.update(
        server_variables(dict(line.split("=", 1) for line in lines_of(file(facts, "environment")) if "=" in line))
    )
    config_path = file(facts, "config_place") or f"{facts['tree'][0]}/config/config.json"
    if is_database(config_path):
        return from_tree(facts, "hand-made", None, variables, "", config_path)
    if "config" not in facts:
        raise ImportFault(
            f"The server's configuration {config_path} is missing or cannot be read. Check that path on the host from which you import."
        )
    config = sections(file(facts, "config"), config_path)
    return from_tree(facts, "hand-made", config, variables, config_path)


def unit(facts: dict) -> dict:
    """Return the properties of the server's unit."""
    return dict(line.split("=", 1) for line in facts.get("unit", []) if "=" in line)


def from_tree(
    facts: dict,
    layout: str,
    config: dict | None,
    variables: dict,
    config_file: str,
    data_source_text: str | None = None,
) -> Source:
    """Return the Source of a tree that a unit of systemd runs. data_source_text: the database's DataSource, else as its settings say.

    Raises ImportFault, also for a server that no unit could stop: its messages would be lost.
    """
    if strays := facts.get("stray"):
        raise ImportFault(
            f"A server of {facts['tree'][0]} runs outside mattermost.service on the host in import:from (process "
            f"{', '.join(strays)}), so this run cannot stop that server. Stop it there. Then start the same command again."
        )
    if not re.fullmatch(r"[A-Za-z0-9._/+-]+", facts["tree"][0]):
        raise ImportFault(
            f"The directory {facts['tree'][0]!r} of the server has characters that an import cannot use. Rename it: letters, digits and . _ + - are allowed."
        )
    unit_properties = unit(facts)
    source_login = login(data_source(config, variables, data_source_text), directory=pg_dump_directory(facts))
    if (
        not source_login.password
        and (not source_login.host or source_login.host.startswith("/"))
        and unit_properties.get("User")
    ):
        source_login = source_login._replace(
            system_user=unit_properties["User"]
        )  # let in as the account that it runs as
    return build(
        layout,
        facts.get("version", []),
        config,
        variables,
        relative_to(facts["tree"][0]),
        config_file=config_file,
        login=source_login,
        stop_command="systemctl stop mattermost.service",
        start_command="systemctl start mattermost.service",
        active=unit_properties.get("ActiveState") in ("active", "activating"),
        disable_command="systemctl disable mattermost.service",
        tree=facts["tree"][0],
    )
