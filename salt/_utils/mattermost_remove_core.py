"""What a removal is told and what it says. Pure."""

from __future__ import annotations

import re

from mattermost_letsencrypt_core import PARKED
from mattermost_lines import lines_of
from mattermost_plural import plural

# file systems of other machines; what autofs has not mounted yet may be one
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "9p", "afs", "autofs")
NAMES = (
    "aside backup backup-failed certificate certificate-failed kept move new-backup-password new-database-password patches"
    " patches-tell postgresql releases releases-failed restore restore-back rotate switch tell verify"
)
OURS = re.compile(rf"mattermost-({'|'.join(NAMES.split())})(@[^.]*)?(\.(service|timer)(\.d)?)?")
DROPINS = (
    "server.conf",
    "moved.conf",
    "rotate.conf",
    "postgresql.conf",
    "restore.conf",
    "mattermost-aside.conf",
)  # of the server's unit


def is_ours(name: str) -> bool:
    """Say whether a unit, its drop-ins or a program is called as one of ours; mattermost-push-proxy, for one, is the vendor's."""
    return bool(OURS.fullmatch(name))


def certificates(public_name: str, asked_for, folder: str, before) -> tuple[set, set]:
    """Return the certificates whose renewal we see to, and which of them were not there before us.

    asked_for: names that a deploy asked an authority for. folder: certbot's. before: what it held before the first deploy.
    """

    def came_first(name):
        renewal = f"{folder}/renewal/{name}.conf"
        return renewal in before or renewal + PARKED in before

    seen_to = {*asked_for, *([] if came_first(public_name) else [public_name])}
    return seen_to, {name for name in seen_to if not came_first(name)}


def parse_request(pillar: dict, name: str) -> bool:
    """Say whether the data shall go too. pillar: the pillar's ``remove``. name: the host's public name.

    Raises ValueError, in words for the operator, for anything but nothing or ``{"purge": NAME}``.
    """
    if not isinstance(pillar, dict):
        raise ValueError(f'remove must be a mapping, as {{"purge": "{name}"}}, not {type(pillar).__name__}.')
    unknown = sorted(set(pillar) - {"purge"})
    if unknown:
        raise ValueError(f"remove:{unknown[0]} is not a known key. Only remove:purge is allowed.")
    purge = pillar.get("purge")
    if purge is None:
        return False
    if purge != name:
        raise ValueError(
            f"remove:purge is {purge!r}, but this host is {name}. Nothing was removed. To destroy the data of this host, run mattermost.remove "
            f'with pillar=\'{{"remove": {{"purge": "{name}"}}}}\''
        )
    return True


def is_elsewhere(repository: str, mounts: str) -> bool:
    """Say whether a repository of backups lies on another machine. mounts: the text of /proc/mounts."""
    if not repository.startswith("/"):
        return True
    best, kind = "", ""
    for line in lines_of(mounts):
        place, found = (line.split(" ") + ["", "", ""])[1:3]
        place = re.sub(r"\\([0-7]{3})", lambda sign: chr(int(sign[1], 8)), place)  # as the kernel writes a blank
        if len(place) >= len(best) and (repository + "/").startswith(place.rstrip("/") + "/"):
            best, kind = place, found
    return kind.startswith("fuse.") or kind in NETWORK


def contents(counts: dict, name: str, state: str, backups: str) -> str:
    """Return the sentence on what a purge destroys.

    counts: ``users, posts, files, backups``; backups None when they could not be counted, posts also absent without a database. backups: the directory of the
    host's own backups, empty when they are elsewhere.
    """
    parts = []
    if counts.get("posts") is not None:
        parts.append(
            f"{plural(counts['users'], 'account')} and {plural(counts['posts'], 'message')} of the database {name}"
        )
    elif "posts" in counts:
        parts.append(f"the database {name}, if it exists (PostgreSQL does not answer, so nothing in it was counted)")
    if counts.get("files"):
        parts.append(f"{plural(counts['files'], 'file')} in {state}/data")
    if backups and counts.get("backups"):
        parts.append(f"{plural(counts['backups'], 'backup')} in {backups}")
    return f"A purge destroys {', '.join(parts)}." if parts else "No data is left to destroy."


def what_stays(name: str, places: dict) -> str:
    """Return the last words of a removal that keeps the data. places: what -> where."""
    kept = "; ".join(f"{what}: {where}" for what, where in places.items())
    return (
        f"Kept: {kept}. To use the data again, run mattermost.ssl. To destroy the data, run "
        f'mattermost.remove with pillar=\'{{"remove": {{"purge": "{name}"}}}}\''
    )


def what_stays_of_a_purge(backups: str, password: str) -> str:
    """Return the last words of a purge. backups: where some are that were not touched, empty for none; password: their key's file."""
    if not backups:
        return "Nothing is kept."
    untouched = f"The backups {backups} were not changed."
    return (
        f"{untouched} {password} stays, because the backups cannot be read without the password in that file. Copy that file to a safe place, then delete it on this host."
        if password
        else untouched
    )
