"""Make the backup repository's password on the host, once, or keep the one that is given; none is ever in arguments, output or changes."""

from __future__ import annotations

import os
import subprocess
import time

import mattermost_config_file as files
import mattermost_secret_core as core
from mattermost_answer import answer as _ret

NAME = "backup-password"
PROGRAM = "/usr/local/sbin/mattermost-backup"


def stored(name, password="", work="", repository=""):
    """Have the password in the store, for root alone: the given one, or one that is made once.

    name: directory of the store. password: of an existing repository; empty keeps the host's own. work: `paths.work`,
    which says where backups were made to. repository: where they are to go.
    Another password than the stored one must open the repository that holds backups already; the stored one is kept
    beside it all the same. The value never stands in changes or comment.
    result False, with nothing changed, when it does not open, or when the stored file cannot be used.
    """
    try:
        known = core.read(name, NAME)
        place = core.path(name, NAME)
    except core.SecretError as err:
        return _ret(name, False, str(err))
    keep = f"Keep a copy of {place} outside this host. Without this password no backup can be read."
    if known and password in ("", known):
        return _ret(name, True, f"The backup password is in {place}. {keep}")
    reason = _refused(name, password) if known and _holds_backups(work, repository) else ""
    if reason:
        return _ret(
            name,
            False,
            f"mattermost:backup:password does not open the repository: {reason} The password in {place} stays in use. "
            "Leave the setting empty, or first change the repository's password on the host: mattermost-backup restic "
            "key passwd",
        )
    done = f"{'replaced' if known else 'written' if password else 'made'}, in {place}"
    aside = time.strftime(f"{NAME}-until-%Y%m%d-%H%M%S")
    if known:
        done += "; the previous one is kept " + ("beside it" if __opts__["test"] else f"in {core.path(name, aside)}")
    changes = {"password": done}
    if __opts__["test"]:
        return _ret(name, None, f"Would write the backup password to {place}.", changes)
    if known:
        core.write(name, aside, known)
        files.write(place, f"{password}\n", os.geteuid(), os.getegid())
    elif password:
        core.write(name, NAME, password)
    else:
        core.get(name, NAME)
    return _ret(name, True, f"The backup password was {done}. {keep}", changes)


def _holds_backups(work, repository) -> bool:
    try:
        with open(os.path.join(work, "backup", "known"), encoding="utf-8") as file:
            return file.read().strip() == repository
    except FileNotFoundError:
        return False


def _refused(name, password) -> str:
    """Return why the repository of the last deploy does not open with *password*, empty when it does."""
    command = [PROGRAM, "restic", "--no-lock", "--no-cache", "--password-file", "/dev/stdin", "cat", "config"]
    settings = {"MATTERMOST_BACKUP_SETTINGS": os.path.join(os.path.dirname(name), "backup.conf")}
    try:
        done = subprocess.run(command, input=password, capture_output=True, text=True, env={**os.environ, **settings})
    except OSError as err:
        return f"{PROGRAM}: {err.strerror}."
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return f"{lines[-1].strip().rstrip('.')}." if lines else f"restic ended with status {done.returncode}."
