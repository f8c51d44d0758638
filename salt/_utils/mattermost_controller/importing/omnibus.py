"""Mattermost Omnibus: the package's tree and unit, with the settings in its database. Pure."""

from __future__ import annotations

import yaml

from mattermost_controller.importing.parse import ImportFault, assignments
from mattermost_controller.importing.source import Source, file, server_variables
from mattermost_controller.importing.tarball import from_tree

ENVIRONMENT = "/etc/mattermost/mmomni.mattermost.env"


def find(facts: dict) -> Source | None:
    """Return the installation, None when there is none. Raises ImportFault."""
    if "omnibus" not in facts or "tree" not in facts:
        return None
    variables = server_variables(assignments(file(facts, "omnibus_environment")))
    omnibus_settings = yaml.safe_load(file(facts, "omnibus")) or {}
    if not variables.get("MM_CONFIG"):
        raise ImportFault(
            f"{ENVIRONMENT} sets no MM_CONFIG. Run `mmomni reconfigure` once on the host from which you import."
        )
    variables.setdefault(
        "MM_FILESETTINGS_DIRECTORY", str(omnibus_settings.get("data_directory") or "/var/opt/mattermost/data")
    )
    return from_tree(facts, "omnibus", None, variables, "", variables["MM_CONFIG"])
