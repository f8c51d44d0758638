"""Make the backup repository's password on the host, once, or keep the one that is given; none is ever in arguments, output or changes."""

from __future__ import annotations

import os
import time

import mattermost_config_file as files
import mattermost_secret_core as core
from mattermost_answer import answer as _ret
from mattermost_remove_files import is_elsewhere

NAME = "backup-password"
OWN_DISK = "Backups are only on the host's own disk, and are lost with that disk. Set mattermost:backup:repository to keep them on another machine."


def stored(name, password="", repository=""):
    """Have the password in the store, for root alone: the given one, or one that is made once.

    name: directory of the store. password: of an existing repository (mattermost_backup_repository has asked it); empty keeps
    the host's own. repository: of the settings; the first password comes with a warning where backups are on this host alone.
    Another password than the stored one takes its place, and the stored one is kept beside it. The value is never in changes
    or comment. result False, with nothing changed, when the stored file cannot be used.
    """
    try:
        known = core.read(name, NAME)
        place = core.path(name, NAME)
    except core.SecretError as err:
        return _ret(name, False, str(err))
    keep = "Keep a copy of that file outside this host. Without this password no backup can be read."
    if known and password in ("", known):
        return _ret(name, True, f"The backup password is in {place}. {keep}")
    done = f"{'replaced' if known else 'written' if password else 'generated'} in {place}"
    aside = time.strftime(f"{NAME}-until-%Y%m%d-%H%M%S")
    if known:
        done += "; the previous password is kept " + (
            "in the same directory" if __opts__["test"] else f"in {core.path(name, aside)}"
        )
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
    ret = _ret(name, True, f"The backup password was {done}. {keep}", changes)
    if not known and repository and not is_elsewhere(repository):
        ret["warnings"] = [OWN_DISK]  # once, with the first deploy
    return ret
