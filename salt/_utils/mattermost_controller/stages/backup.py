"""What the host's backup programs report, in words. Pure."""

from __future__ import annotations

import re

import mattermost_release_core as release
from mattermost_lines import lines_of

from mattermost_controller.given import asked


def report(text: str) -> dict:
    """Return the fields of a report (``key=value`` lines) that mattermost-backup or mattermost-restore printed."""
    found = {}
    for line in text.split("\n"):
        key, sign, value = line.partition("=")
        if sign and key.isidentifier():
            found[key] = value
    return found


def size(count) -> str:
    """Return a number of bytes as a person reads it: 812 kB, 1.4 GB. Text that is no number stays."""
    try:
        value = float(count)
    except (TypeError, ValueError):
        return str(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 10 or unit == "bytes" else f"{value:.1f} {unit}"


def failure(found: dict, words: str) -> str:
    """Return why a program failed and what to do. found: its report. words: what it said, when it wrote no report."""
    if found.get("result") in ("failed", "refused", "undone"):
        return " ".join(part for part in (found.get("reason"), found.get("advice")) if part)
    lines = [line for line in lines_of(words.strip()) if line.strip()]
    return (
        lines[-1]
        if lines
        else "The program ended without a message. See on the host: journalctl -u 'mattermost-backup*' -u 'mattermost-restore*'"
    )


def created(found: dict, settings: dict) -> str:
    """Return the sentences on a backup that was made. settings: the host's."""
    place = settings["backup"]["repository"]
    where = place if place.startswith("/") else "the remote repository"
    sentences = [
        f"Backup {found.get('snapshot')} in {where}: {found.get('users')} users, {found.get('posts')} messages, "
        f"{found.get('files')} files, {size(found.get('bytes'))} in all, {size(found.get('added'))} new, "
        f"made in {found.get('seconds')} s.",
        f"The repository's password is in {settings['paths']['settings']}/secrets/backup-password on the host. Keep a copy of it "
        "on another machine, because a restore on a new host needs that password.",
    ]
    if place.startswith("/"):
        sentences.append(
            "The repository is on the host's own disk, so it is lost with that disk. Set mattermost:backup:repository to keep backups on another machine."
        )
    return " ".join(sentences)


def parse_request(pillar: dict) -> tuple[str, bool]:
    """Return which backup the pillar's ``restore`` means, and whether newer messages may be replaced.

    pillar: ``snapshot`` (a backup's number, default ``latest``) and ``overwrite`` (default False). Raises ValueError for what it
    cannot mean.
    """
    asked.check("restore", pillar)
    snapshot, overwrite = pillar.get("snapshot", "latest"), pillar.get("overwrite", False)
    if not re.fullmatch(r"latest|[0-9a-f]{4,64}", str(snapshot)):
        raise ValueError(f"restore:snapshot is {snapshot!r}. It must be latest or the number of a backup, in quotes.")
    if overwrite not in (True, False):
        raise ValueError(f"restore:overwrite is {overwrite!r}. It must be true or false.")
    return str(snapshot), overwrite


def inspect_command(snapshot: str) -> str:
    """Return the host's command that looks at the backup *snapshot* before anything is touched."""
    return f"mattermost-restore look {snapshot}"


def restore_command(found: dict, overwrite: bool) -> str:
    """Return the host's command for the backup that it looked at.

    found: its report, of ``look_command``. A backup of an older version is taken over as an upgrade would: the server that is
    there migrates it. Raises ValueError, with what to do, where Mattermost does not promise that, and for a newer one.
    """
    backup, here = found["version"], found["here"]
    words = ["mattermost-restore to", found["snapshot"], *(["overwrite"] if overwrite else [])]
    if backup == here:
        return " ".join(words)
    what = f"Backup {found['snapshot']} comes from Mattermost {backup}, and the host has {f'Mattermost {here}' if here else 'no Mattermost'}."
    if not here or release.parse(here) < release.parse(backup):
        raise ValueError(f"{what} Set mattermost:release:version to {backup}, then run the same command again.")
    try:
        release.check_hop(backup, here)
    except release.ReleaseError:
        raise ValueError(
            f"{what} Mattermost {here} cannot take over the database of {backup}. Restore on a host that has Mattermost {backup}."
        ) from None
    return " ".join([*words, "from", backup])


def restored(found: dict, _settings: dict) -> str:
    """Return the sentences on a restore that was made."""
    newer = int(found.get("newer") or 0)
    lost = f" The data that the restore replaced has {newer} messages that are newer than the backup." if newer else ""
    return f"{_contents(found)}{lost} {found.get('advice', '')}".strip()


def drilled(found: dict, _settings: dict) -> str:
    """Return the sentence on a drill that passed."""
    return f"{_contents(found)} The test copy was removed. {found.get('advice', '')}".strip()


def _contents(found: dict) -> str:
    return (
        f"{found.get('reason')} {found.get('users')} users, {found.get('channels')} channels, {found.get('posts')} messages, "
        f"{found.get('fileinfo')} attachments, {found.get('files')} files, in {found.get('seconds')} s."
    )
