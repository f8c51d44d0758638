"""What the host's own programs are asked of values that are new to it: the script to send, ``salt/mattermost/scripts/ask.sh``.

It goes after the probe through the same connection; ``probe.parse`` reads what it tells.
"""

from __future__ import annotations

import re

import mattermost_database_files as database_files
import mattermost_database_tuning as tuning

from mattermost_controller.hosts import scripts

REPOSITORY = "mattermost/scripts/ask-repository.sh"
SCRIPT = "mattermost/scripts/ask.sh"
# a number, an amount or a word: never a file, which a scratch cluster does not have, and never a secret
_PLAIN = re.compile(r"-?[0-9.]+ ?[A-Za-z]*|[a-z_]+")


def script(file_roots: list[str], settings: dict, by_minion: bool = False) -> str:
    """Return the script with the values of *settings* put before it.

    by_minion: the master's bus brings it, so it has no secrets; a repository that needs one is asked by the stage `backup`.
    """
    database, release, mail = settings["database"], settings["release"], settings["mail"]
    wanted = {name: tuning.as_text(value) for name, value in database["settings"].items()}
    plain = {name: value for name, value in wanted.items() if _PLAIN.fullmatch(value)}
    by_authority = settings["certificate"]["source"] == "letsencrypt"
    values = {
        "SCHEDULE": settings["backup"]["schedule"],
        "WINDOW": release["window"]["begins"] if release["unattended"] == "patches" else "",
        "PG_SETTINGS": database_files.lines(plain).rstrip("\n"),
        "MAIL_SERVER": mail["server"],
        "MAIL_PORT": mail["port"],
        "MAIL_SECURITY": mail["security"],
        "ACME_DIRECTORY": settings["letsencrypt"]["directory_url"] if by_authority else "",
        **_repository(settings["backup"], by_minion),
    }
    return scripts.build(file_roots, (REPOSITORY, SCRIPT), values)


def _repository(backup: dict, by_minion: bool) -> dict:
    is_secret = backup["password"] or backup["environment"] or "@" in backup["repository"]
    if by_minion and is_secret:
        return {"BACKUP_REPOSITORY": "", "BACKUP_PASSWORD": "", "BACKUP_ENVIRONMENT": ""}
    return {
        "BACKUP_REPOSITORY": backup["repository"],
        "BACKUP_PASSWORD": backup["password"],
        "BACKUP_ENVIRONMENT": "\n".join(f"{name}={value}" for name, value in backup["environment"].items()),
    }
