"""Read and write config.json, the environment file and our note about them: atomic, owner and mode kept tight."""

from __future__ import annotations

import json
import os
import re
import stat

import mattermost_atomic_file as atomic
import mattermost_json

LARGEST = (
    16 << 20
)  # bytes; the server's account may make its settings as large as it likes, and a real file has some tens of KiB


class FileError(Exception):
    """A file cannot be used; the text names it and says what to do."""


def read_json(path: str, todo: str = "Correct this file, or restore it from a backup."):
    """Return the parsed file, None when there is none. Raises FileError for what is no JSON object; *todo* says what to do then."""
    try:
        with open(path, encoding="utf-8") as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST:
                raise FileError(f"{path} has {size} bytes, more than the limit of {LARGEST >> 20} MiB. {todo}")
            parsed = mattermost_json.parse(file.read())
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as err:
        raise FileError(f"{path} is not valid UTF-8 (byte {err.start}). {todo}") from err
    except json.JSONDecodeError as err:
        raise FileError(
            f"{path} is not valid JSON: {err.msg}, line {err.lineno}, character {err.colno}. {todo}"
        ) from err
    except ValueError as err:
        raise FileError(f"{path} is not valid JSON: {err}. {todo}") from err
    except OSError as err:
        raise FileError(f"{path} cannot be read: {err.strerror}. Check its owner and mode: ls -l {path}") from err
    if not isinstance(parsed, dict):
        raise FileError(f"{path} is not a JSON object ({{...}}). {todo}")
    return parsed


def write(path: str, text: str, uid: int = 0, gid: int = 0, mode: int = 0o600) -> None:
    """Put *text* in place of the file, as `mattermost_atomic_file` does."""
    atomic.write(path, text.encode(), mode, (uid, gid))


def write_json(path: str, parsed: dict, uid: int = 0, gid: int = 0) -> None:
    """Write *parsed* as the server does: four spaces, no newline at the end, U+FFFD for half of a pair; mode 0600."""
    text = json.dumps(parsed, indent=4, ensure_ascii=False)
    write(path, re.sub("[\ud800-\udfff]", "\ufffd", text), uid, gid)


def permission_changes(path: str, uid: int, gid: int) -> dict:
    """Return ``{"mode": .., "owner": ..}`` for what of 0600 and *uid*:*gid* the file lacks; empty when all is well."""
    info = os.lstat(path)
    found = {}
    if not stat.S_ISREG(info.st_mode):
        raise FileError(f"{path} is not a regular file. Put a regular file with the same contents in its place.")
    if stat.S_IMODE(info.st_mode) != 0o600:
        found["mode"] = {"old": f"{stat.S_IMODE(info.st_mode):04o}", "new": "0600"}
    if (info.st_uid, info.st_gid) != (uid, gid):
        found["owner"] = {"old": f"{info.st_uid}:{info.st_gid}", "new": f"{uid}:{gid}"}
    return found


def fix_permissions(path: str, uid: int, gid: int) -> None:
    """Give the file to *uid*:*gid* alone."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fchown(fd, uid, gid)
        os.fchmod(fd, 0o600)
    finally:
        os.close(fd)


def changed_since_start(path: str, socket_path: str) -> bool:
    """Say whether *path* was written after the running server started.

    The server makes its socket anew at each start, so the socket's age is the server's. Without a socket: False.
    """
    try:
        return os.stat(path).st_mtime_ns >= os.stat(socket_path).st_mtime_ns  # both may fall into one clock tick
    except FileNotFoundError:
        return False


class Note:
    """What we remember about a host's config.json between runs, in the work folder: that it is ours, and what was wanted.

    ``first``: the keys to start from as last wanted, nested. ``sign_up``: the value that sign-up gets once there is an
    account. ``opened``: that it got it.
    """

    def __init__(self, work: str):
        self.path = os.path.join(work, "config.json")
        self.data = read_json(self.path)

    @property
    def exists(self) -> bool:
        """Say whether the host's config.json is ours."""
        return self.data is not None

    def keep(self, **values) -> None:
        """Remember *values* beside what is there; writes only on a difference."""
        data = {**(self.data or {}), **values}
        if data != self.data:
            os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
            write_json(self.path, data)
            self.data = data

    def get(self, name: str, default=None):
        """Return one remembered value."""
        return (self.data or {}).get(name, default)
