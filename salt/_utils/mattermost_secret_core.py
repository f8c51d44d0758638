"""A store of named secrets that are born on the host and stay there.

One file per secret, readable by root alone, in a directory that root alone enters. Pure standard library; the thin
shell is ``salt/_modules/mattermost_secret.py``.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile

import mattermost_atomic_file as atomic

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


class SecretError(ValueError):
    """The store cannot give the secret; the text says what is wrong and what to do, never the value."""


def path(directory: str, name: str) -> str:
    """Return the file of secret *name*. Raises SecretError for a name that could leave the directory."""
    if not NAME.fullmatch(name):
        raise SecretError(f"{name!r} is not a valid name for a secret. Use lower-case letters, digits and hyphens.")
    return os.path.join(directory, name)


def _cure(name: str) -> str:
    if name == "backup-password":  # a backup has that file too, but only the password opens the backup
        return "Restore that file from your copy. A new password would not open the existing backups."
    return "Restore that file from a backup, or remove it so that the next deploy generates a new secret."


def read(directory: str, name: str) -> str | None:
    """Return the value of secret *name*, None when there is none yet.

    Raises SecretError when the file is empty or is no regular file: a new value would lock out whoever uses the old one.
    """
    file_path = path(directory, name)
    try:
        fd = os.open(file_path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as err:
        raise SecretError(
            f"{file_path} cannot be read: {err.strerror}. Check its owner and mode: ls -l {file_path}"
        ) from err
    with os.fdopen(fd, encoding="utf-8") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise SecretError(f"{file_path} is not a regular file. {_cure(name)}")
        value = file.read().rstrip("\n")
    if not value:
        raise SecretError(f"{file_path} is empty. {_cure(name)}")
    return value


def write(directory: str, name: str, value: str) -> str:
    """Keep *value* as secret *name* unless there is one already, and return the one that counts.

    The file appears whole or not at all; of two writers at once one wins and both get its value. It is on disk before anything is
    locked with it: a repository opens by that password for good.
    """
    file_path = path(directory, name)
    os.makedirs(os.path.dirname(directory), mode=0o755, exist_ok=True)
    os.makedirs(directory, mode=DIRECTORY_MODE, exist_ok=True)
    fix_permissions(directory, name)
    fd, draft = tempfile.mkstemp(prefix=f".{name}.", dir=directory)  # mode 0600 from the first moment
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(value + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, file_path)  # unlike a rename, this never replaces a secret
        except FileExistsError:
            return read(directory, name) or value
    finally:
        os.unlink(draft)
    atomic.sync_directory(directory)
    return value


def generate(size: int = 32) -> str:
    """Return a new secret: *size* random bytes as URL-safe text."""
    return secrets.token_urlsafe(size)


def get(directory: str, name: str, size: int = 32) -> str:
    """Return secret *name*, made first when there is none.

    directory: absolute path of the store. size: random bytes of a new secret; its text is URL-safe and a third longer.
    Raises SecretError, see `read`.
    """
    value = read(directory, name)
    if value is None:
        value = write(directory, name, generate(size))
    else:
        fix_permissions(directory, name)
    return value


def permission_changes(directory: str, name: str) -> dict[str, str]:
    """Return what others could get at: ``{path: its mode}`` where owner or mode is wider than root's alone."""
    found = {}
    for place, mode in ((directory, DIRECTORY_MODE), (path(directory, name), FILE_MODE)):
        try:
            info = os.lstat(place)
        except FileNotFoundError:
            continue
        if info.st_uid != os.geteuid() or stat.S_IMODE(info.st_mode) & ~mode:
            found[place] = f"{stat.S_IMODE(info.st_mode):04o}"
    return found


def fix_permissions(directory: str, name: str) -> dict[str, str]:
    """Take the store and secret *name* back to root alone; return what was wider, as `loose` does."""
    found = permission_changes(directory, name)
    for place in found:
        os.chown(place, os.geteuid(), os.getegid())
        os.chmod(place, DIRECTORY_MODE if place == directory else FILE_MODE)
    return found
