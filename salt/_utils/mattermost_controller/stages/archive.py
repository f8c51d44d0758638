"""Whether a release archive has to be copied from the controller to a host, and to where. Pure."""

from __future__ import annotations

import posixpath
from typing import NamedTuple


class Step(NamedTuple):
    """``skip``: why nothing is to be copied, or ''. ``target``: path on the host."""

    skip: str
    target: str


def file_name(version: str, arch: str) -> str:
    """Return the archive's file name, as the vendor names it."""
    return f"mattermost-team-{version}-linux-{arch}.tar.gz"


def plan(release: dict, paths: dict, current: str | None) -> Step:
    """Return what is to be done for one host.

    release, paths: those branches of its settings. current: the version that it runs, or None.
    """
    target = posixpath.join(paths["work"], "downloads", file_name(release["version"], release["arch"]))
    if "://" in release["source"]:
        return Step("the host fetches the archive itself.", target)
    if current == release["version"]:
        return Step(f"Mattermost {current} is in place.", target)
    if current and not release["pinned"]:
        return Step(f"Mattermost {current} stays: no version is named in the settings.", target)
    return Step("", target)


def mismatch(release: dict, found: str) -> str:
    """Return the sentence for a file whose checksum is not the wanted one."""
    if not release["sha256"]:
        return (
            f"No checksum is known for Mattermost {release['version']} ({release['arch']}): give mattermost:release:sha256. "
            f"{release['source']} has {found}."
        )
    return f"{release['source']} has SHA-256 {found}, not {release['sha256']}: nothing was copied."
