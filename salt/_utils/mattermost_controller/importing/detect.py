"""What Mattermost there is on a host that this tree did not set up: its kind, version, settings, files and database. Pure.

Each layout that is known has a module of its own; the first that says yes is taken.
"""

from __future__ import annotations

import re

from mattermost_controller.importing import docker, gitlab, omnibus, tarball
from mattermost_controller.importing.parse import ImportFault
from mattermost_controller.importing.source import Source, parse_facts

LAYOUTS = (omnibus, gitlab, docker, tarball)


def detect(text: str) -> Source:
    """Return the installation that import.sh told of. Raises ImportFault."""
    facts = parse_facts(text)
    if "end" not in facts:
        raise ImportFault("The inspection of the host was interrupted. Start the same command again.")
    if "held" in facts:
        raise ImportFault(
            "A move or another import is running and has stopped the server on the host in import:from. Start this import again when that run has ended."
        )
    for layout in LAYOUTS:
        source = layout.find(facts)
        if source:
            _check_usable(source)
            return source
    raise ImportFault(
        "No Mattermost was found: no mattermost.service with bin/mattermost, no mattermost in /opt, /srv or /usr/local, no "
        "Omnibus, GitLab or container. Set import:directory to the folder that contains bin/mattermost."
    )


def _check_usable(source: Source) -> None:
    if not re.fullmatch(r"\d+\.\d+\.\d+", source.version):
        raise ImportFault(
            f"The version of the {source.layout} installation is unknown. Check on its host that `mattermost version` of that server works. A server in a container must run for that."
        )
    for what, name in (("database", source.login.database), ("role", source.login.user)):
        if (
            name.startswith("-") or "=" in name or "://" in name or not name.isprintable()
        ):  # pg_dump would take it for more than a name
            raise ImportFault(
                f"The {source.layout} installation names the {what} {name!r}, which no import can use. Rename the {what} on its host, in PostgreSQL and in the server's settings."
            )
    if not source.login.database:
        raise ImportFault(
            f"The {source.layout} installation sets no database in SqlSettings.DataSource or MM_SQLSETTINGS_DATASOURCE. Set the database in one of these two, on its host."
        )
