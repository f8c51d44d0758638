"""Run programs as an ordinary user: nobody when the tests run as root, else as we are."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path


def account():
    """The user that servers run as."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def identity():
    """Arguments for `subprocess` that make a program run as that user."""
    if os.geteuid() != 0:
        return {}
    return {"user": account().pw_uid, "group": account().pw_gid, "extra_groups": []}


def own(path, mode=None):
    """Give *path* to the user."""
    if os.geteuid() == 0:
        os.chown(path, account().pw_uid, account().pw_gid)
    if mode is not None:
        os.chmod(path, mode)
    return path


def directory(prefix, parent=None, mine=True):
    """A new directory that the user can reach; theirs unless *mine* is False."""
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    path.chmod(0o755)
    return own(path) if mine else path


def remove(path):
    """Remove a directory, read-only ones inside it included."""
    for folder, _, _ in os.walk(path):
        os.chmod(folder, 0o755)
    shutil.rmtree(path, ignore_errors=True)


def run(words, **more):
    """Run a program to its end and return what came of it; a hang is a failure."""
    settings = {"capture_output": True, "text": True, "timeout": 120, "cwd": "/", **identity(), **more}
    return subprocess.run([str(word) for word in words], **settings)
