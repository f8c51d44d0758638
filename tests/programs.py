"""The host programs that the tree joins from several files, whole as they reach a host."""

from __future__ import annotations

import functools

import jinja2
from mattermost_controller.hosts import probe, questions, scripts
from mattermost_controller.moving import transfer
from mattermost_controller.verify import round_trip

from tests import repository

TREE = repository.ROOT / "salt"
# each with the deploy state that ships it
SHIPPED_BY = {
    "mattermost-aside": "mattermost.deploy.aside",
    "mattermost-switch": "mattermost.deploy.server.switch",
    "mattermost-kept": "mattermost.deploy.server.switch",
    "mattermost-postgresql": "mattermost.deploy.postgresql",
    "mattermost-new-database-password": "mattermost.deploy.rotate",
    "mattermost-new-backup-password": "mattermost.deploy.rotate",
    "mattermost-certificate": "mattermost.deploy.letsencrypt.watch",
    "mattermost-tell": "mattermost.deploy.notify",
    "mattermost-releases": "mattermost.deploy.releases",
    "mattermost-patches": "mattermost.deploy.releases.patches",
    "mattermost-backup": "mattermost.deploy.backup",
    "mattermost-restore": "mattermost.deploy.backup",
}
TEMPLATES = {
    name: TREE / "/".join(sls.split(".")[:3]) / f"files/usr/local/sbin/{name}.jinja" for name, sls in SHIPPED_BY.items()
}
# what backup.conf says beside the places and names that a host has
BACKUPS = {"keep_daily": "7", "keep_weekly": "4", "keep_monthly": "6", "compression": "0"}

# what the controller sends over ssh, each with its parts and the variables that it puts before them
SENT = {
    "probe and what is asked": (
        (scripts.TOOLS, probe.UNREADABLE, probe.SCRIPT, questions.REPOSITORY, questions.SCRIPT),
        (
            "INSTALL STATE SETTINGS WORK DATABASE ROLE DATABASE_PORT PORT REPOSITORY ACCOUNT RUN CONFIG_KEYS SCHEDULE WINDOW PG_SETTINGS"
            " MAIL_SERVER MAIL_PORT MAIL_SECURITY ACME_DIRECTORY BACKUP_REPOSITORY BACKUP_PASSWORD BACKUP_ENVIRONMENT"
        ).split(),
    ),
    "probe and status": (
        (scripts.TOOLS, probe.UNREADABLE, probe.SCRIPT, "mattermost/scripts/status.sh"),
        ("INSTALL", "STATE", "SETTINGS", "WORK", "DATABASE", "ROLE", "DATABASE_PORT", "PORT", "REPOSITORY", "PG_DATA"),
    ),
    "round trip": (round_trip.LIBRARY, ("socket", "patience")),
    "import": ((scripts.TOOLS, "mattermost/scripts/import.sh"), ("directory",)),
    "move": (
        transfer.LIBRARY,
        (
            "name install state settings work user service units database role new own root checksum maintenance site_closed left halt resume"
            " leave pg_kind bin_dir socket_dir database_port certificates repository data plugins client_plugins config move_to id"
            " pg_host pg_password pg_system_user pg_container psql"
        ).split(),
    ),
}


def sent(name: str) -> str:
    """Return the script *name* as a host gets it, with made-up values."""
    parts, variables = SENT[name]
    return "#!/bin/sh\n# shellcheck disable=SC2034\n" + scripts.build([str(TREE)], parts, dict.fromkeys(variables, "x"))


@functools.cache
def joined(name: str) -> str:
    """Return the text of the host program *name*; tests/render proves that a host gets the same."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TREE), undefined=jinja2.StrictUndefined)
    return environment.get_template(str(TEMPLATES[name].relative_to(TREE))).render() + "\n"


def installed(name: str, folder):
    """Write the host program *name* alone to *folder* and return its path."""
    path = folder / name
    path.write_text(joined(name))
    path.chmod(0o755)
    return path
