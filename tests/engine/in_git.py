"""A git repository with the tree, for a file server of Salt to take it from."""

from __future__ import annotations

from pathlib import Path

from tests import repository

BRANCH = "production"  # the only one


def commit(place: Path, folder: Path = repository.ROOT) -> None:
    """Have ``salt`` of *folder* as the newest commit of the bare repository at *place*, which is made when it is not there."""
    who = ["-c", "user.name=site", "-c", "user.email=site@example.test"]
    inside = [f"--git-dir={place}", f"--work-tree={folder}", *who]
    for words in (
        ["init", "-q", "--bare", f"--initial-branch={BRANCH}", str(place)],
        [*inside, "add", "salt"],
        [*inside, "commit", "-q", "-m", "the tree"],
    ):
        done = repository.run("git", *words)
        assert done.returncode == 0, done.stderr


def options(place: Path, **more) -> dict:
    """Return what has Salt serve the tree of the repository at *place* alone. more: of that remote, beside the folder in it."""
    remote = {f"file://{place}": [{"root": "salt"}, *({name: value} for name, value in more.items())]}
    return {"fileserver_backend": ["git"], "gitfs_provider": "gitpython", "gitfs_remotes": [remote]}
