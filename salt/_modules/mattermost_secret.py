"""Secrets that are born on the host: one file each, for root alone, below ``paths.settings``.

For states of this tree: ``__salt__["mattermost_secret.get"]("database-password", directory)``, where directory is
``<paths.settings>/secrets``. A value must never stand in changes, comments or arguments of a process.
"""

from __future__ import annotations

import mattermost_secret_core as core


def get(name, directory="/etc/mattermost/secrets", size=32):
    """Return secret *name*, made on the first call.

    name: lower-case letters, digits, hyphens. directory: the store. size: random bytes of a new secret.
    Under ``test=True`` nothing is made: None when there is no such secret yet.
    Raises SecretError (a ValueError) when the stored file cannot be used.
    """
    if __opts__.get("test"):
        return core.read(directory, name)
    return core.get(directory, name, size)


def exists(name, directory="/etc/mattermost/secrets"):
    """Say whether secret *name* has been made; never makes it."""
    return core.read(directory, name) is not None
