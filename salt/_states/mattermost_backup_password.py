"""Keep the backup repository's password in the host's store of secrets."""

from __future__ import annotations

import os

import mattermost_secret_core as core

__virtualname__ = "mattermost_backup_password"

NAME = "backup-password"


def __virtual__():
    return __virtualname__


def kept(name, password=""):
    """Have the password in the store, for root alone: the given one, or one that is made once.

    name: directory of the store. password: of an existing repository; empty keeps the host's own.
    The value never stands in changes or comment. result False when the stored file cannot be used.
    """
    ret = {"name": name, "changes": {}, "result": True, "comment": ""}
    try:
        known = core.read(name, NAME)
        place = core.path(name, NAME)
    except core.SecretError as err:
        return ret | {"result": False, "comment": str(err)}
    keep = f"Without it no backup can be read: keep a copy of {place} away from this host."
    if known and password in ("", known):
        return ret | {"comment": f"The backups' password is in {place}. {keep}"}
    ret["changes"] = {"password": f"{'replaced' if known else 'made' if not password else 'written'}, in {place}"}
    if __opts__["test"]:
        return ret | {"result": None, "comment": f"Would write the backups' password to {place}."}
    if known:
        os.unlink(place)
    if password:
        core.write(name, NAME, password)
    else:
        core.get(name, NAME)
    return ret | {"comment": f"The backups' password was {ret['changes']['password']}. {keep}"}
