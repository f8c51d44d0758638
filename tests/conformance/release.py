"""An archive, unpacked as an installer does."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from pathlib import Path

from tests.conformance import contract, unprivileged


class Release:
    """path: the archive. root: its unpacked tree, which the server's user can only read."""

    def __init__(self, path):
        self.path, self.contract = path, contract.of(path.name)
        self.home = unprivileged.directory("release-", mine=False)
        with tarfile.open(path) as archive:
            self.members = {member.name.rstrip("/"): member for member in archive}
            # Modes as they are in the archive; Debian 12's own Python has no filters yet.
            filters = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
            archive.extractall(self.home, **filters)
        self.root = self.home / "mattermost"
        self._protect()

    def _protect(self):
        """Make the tree read only for the server's user: root's, or without any right to write."""
        for folder, folders, names in os.walk(self.root, topdown=False):
            for path in [Path(folder, name) for name in folders + names] + [Path(folder)]:
                if os.geteuid() == 0:
                    os.chown(path, 0, 0, follow_symlinks=False)
                elif not path.is_symlink():
                    path.chmod(path.stat().st_mode & 0o7555)

    @property
    def config(self):
        return self.root / "config/config.json"

    @property
    def is_standin(self):
        done = unprivileged.run([self.root / "bin/mattermost", "version"])
        return "stand-in" in done.stdout

    @property
    def sha256(self):
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def copy_without(self, *names):
        """Return another tree that lacks the directories *names*; the caller removes it."""
        home = unprivileged.directory("release-", mine=False)
        shutil.copytree(
            self.root,
            home / "mattermost",
            symlinks=True,
            copy_function=os.link,
            ignore=lambda folder, _: names if Path(folder) == self.root else (),
        )
        return home / "mattermost"

    def remove(self):
        unprivileged.remove(self.home)
