"""An upgrade to another major of PostgreSQL: what it needs, and what the old cluster's settings come to in the new one. Pure."""

from __future__ import annotations

import re

import mattermost_database_files as files
from mattermost_lines import lines_of

# what names the old cluster itself
OF_THE_CLUSTER = (
    "data_directory",
    "hba_file",
    "ident_file",
    "external_pid_file",
    "cluster_name",
    "stats_temp_directory",
    "port",
    "include_dir",
)
HEADER = (
    "# Settings of PostgreSQL {old} that were not its package's own; copied here by mattermost.deploy.postgresql.\n"
)
SPARE_KIB = 262144  # beside the copy: the new cluster's own files and its log of changes


def settings_of(text: str) -> dict[str, str]:
    """Return the settings of a postgresql.conf as written, quotes taken away; the last one counts."""
    found = {}
    for line in lines_of(text):
        parts = re.match(r"\s*([A-Za-z_][\w.]*)\s*=?\s*('(?:[^']|'')*'|[^#\s]+)", line)
        if parts:
            value = parts[2]
            found[parts[1].lower()] = value[1:-1].replace("''", "'") if value.startswith("'") else value
    return found


def settings_to_copy(
    seen: list[dict], ours: str, packaged: dict[str, str], known: set[str]
) -> tuple[dict[str, str], list[str]]:
    """Return the settings to bring over, and the names of those that the new major does not know.

    seen: rows of pg_file_settings in their order (name, value, file). ours: path of our own drop-in, which is left out.
    packaged: what the new cluster's own postgresql.conf sets. known: names that the new major has.
    """
    last = {row["name"]: row["value"] for row in seen if row["file"] != ours and row["name"] not in OF_THE_CLUSTER}
    wanted = {name: value for name, value in last.items() if packaged.get(name.lower()) != value}
    gone = sorted(name for name in wanted if "." not in name and name.lower() not in known)
    return {name: value for name, value in wanted.items() if name not in gone}, gone


def copied_settings_text(settings: dict[str, str], old: int) -> str:
    """Return the file that holds `carried` settings."""
    return HEADER.format(old=old) + files.lines(dict(sorted(settings.items())))


def initialise(command: list[str], like: dict, version: int) -> list[str]:
    """Return the command that makes a cluster like the old one.

    command: ``initialise_like`` of the platform. like: encoding, collate, ctype, and checksums (on or off).
    """
    if like["checksums"] == "on":
        checksums = "--data-checksums"
    else:
        checksums = "--no-data-checksums" if version >= 18 else ""  # on by default from 18
    values = {"encoding": like["encoding"], "collate": like["collate"], "ctype": like["ctype"], "checksums": checksums}
    filled = [re.sub(r"\{(\w+)\}", lambda name: values[name[1]], part).strip() for part in command]
    kept = [part for part in filled if part]
    return kept[:-1] if kept[-1] == "--" else kept


def too_little_room(need_kib: int, free_kib: int, place: str) -> str | None:
    """Return the refusal of a disk on which the copy does not fit."""
    wanted = need_kib + SPARE_KIB
    if free_kib > wanted:
        return None
    return f"The upgrade copies PostgreSQL's data to {place}. The copy needs {wanted // 1024} MiB, and only {free_kib // 1024} MiB are free. Free some space on that disk."


def refusal(serving: int, wanted: int, kept: dict[int, int], deploy: str) -> str | None:
    """Return why there can be no upgrade from *serving* to *wanted*, None when there can. deploy: the command that deploys the host."""
    if not serving:
        return f"This bundle has not set up a PostgreSQL on this host. Deploy the host first: {deploy}"
    if wanted < serving:
        where = (
            f" This host still has an old copy of the data in PostgreSQL {wanted}, without the newest messages."
            if wanted in kept
            else ""
        )
        return (
            f"The server's data is in PostgreSQL {serving}, which cannot go back to {wanted}.{where} Set "
            f"mattermost:database:version to {serving}."
        )
    return None


def others(databases: list[str], name: str) -> list[str]:
    """Return the databases of others: neither *name* nor one of its copies."""
    return [found for found in databases if found != name and not found.startswith(f"{name[:38]}_")]


def not_shared(found: list[str]) -> str:
    """Return the refusal of a cluster that serves the databases *found* too."""
    return (
        f"The PostgreSQL cluster also has the databases {', '.join(found)}. The upgrade would stop and upgrade them, too. Set "
        "mattermost:database:share: True to allow that, or move those databases to another cluster."
    )


def conf(values: dict) -> str:
    """Return the settings file of the host program."""
    return "# Managed by Salt (mattermost.deploy.postgresql): the last upgrade of PostgreSQL.\n" + "".join(
        f"{name}={value}\n" for name, value in sorted(values.items())
    )
