"""Read and replace PostgreSQL's configuration files with the rights of their owner, its account, alone.

That account owns the directories, so it may put links there: root must not follow them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import stat

import mattermost_atomic_file as atomic
import mattermost_database_cluster as host
from mattermost_identity import held

LARGEST = 16 * 2**20  # bytes of a configuration file that is read


@contextlib.contextmanager
def _as_owner():
    """Do what follows with the effective rights of PostgreSQL's account. Raises DatabaseError in place of OSError."""
    root, account = os.geteuid(), pwd.getpwnam(host.SUPERUSER)
    groups, group = os.getgroups(), os.getegid()
    try:
        with held:
            try:
                if root == 0:
                    os.setgroups(os.getgrouplist(host.SUPERUSER, account.pw_gid))
                    os.setegid(account.pw_gid)
                    os.seteuid(account.pw_uid)
                yield
            finally:
                if root == 0:
                    os.seteuid(root)
                    os.setegid(group)
                    os.setgroups(groups)
    except OSError as err:
        raise host.DatabaseError(
            f"The account {host.SUPERUSER} cannot use {err.filename or 'a configuration file'} ({err.strerror}). This account must be able "
            "to read that file and to write in its directory. Check on the host the permissions of both (ls -la) and the disk (df -h)."
        ) from None


def read(path: str) -> str | None:
    """Return a file's text, None when it is absent. Raises DatabaseError for what PostgreSQL's account may not read."""
    with _as_owner():
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a fifo would keep us waiting
        except FileNotFoundError:
            return None
        with os.fdopen(fd, encoding="utf-8", errors="surrogateescape", newline="") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            if os.fstat(fd).st_size > LARGEST:
                raise OSError(errno.EFBIG, f"larger than {LARGEST >> 20} MiB", path)
            return file.read()


def replace(path: str, text: str | None) -> None:
    """Put *text* in the place of *path* at once; an existing file keeps its mode, a new one gets 0644.

    path: below a directory of PostgreSQL's account, whose rights are all that is used and who owns the result.
    text: None removes the file. Raises DatabaseError.
    """
    with _as_owner():
        path = os.path.realpath(path)  # an administrator may have put the file elsewhere
        if text is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        mode = 0o644
        if os.path.exists(path):
            mode = os.stat(path).st_mode & 0o7777
        elif not os.path.isdir(os.path.dirname(path)):
            os.mkdir(os.path.dirname(path), 0o755)
        atomic.write(path, text.encode("utf-8", "surrogateescape"), mode)


def changed(edits: dict) -> dict[str, str]:
    """Return ``{path: text}`` of the files that one of *edits*, ``{path: function from text to text}``, changes."""
    found = {}
    for path, edit in edits.items():
        text = read(path) or ""
        edited = edit(text)
        if edited != text:
            found[path] = edited
    return found


@contextlib.contextmanager
def on_trial(texts: dict[str, str]):
    """Replace the files by *texts*, ``{path: text}``; the old ones come back when what follows raises DatabaseError."""
    before = {path: read(path) for path in texts}
    try:
        for path, text in texts.items():
            replace(path, text)
        yield
    except host.DatabaseError:
        for path, text in before.items():
            replace(path, text)
        raise


def newer(paths, loaded: float) -> bool:
    """Say whether one of *paths* is newer than what PostgreSQL has read, at *loaded*: a run was cut off before its reload."""
    return any(os.path.exists(path) and os.path.getmtime(path) > loaded for path in paths)
