"""Whether a release archive has to be copied from the controller to a host, and to where. Pure."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from mattermost_release_core import archive_name
from mattermost_release_facts import effective


class Step(NamedTuple):
    """``skip``: why nothing is to be copied, or ''. ``target``: path on the host."""

    skip: str
    target: str


def plan(release: dict, paths: dict, current: str | None, is_unpacked: bool = True) -> Step:
    """Return what is to be done for one host.

    release, paths: those branches of its settings. current: the version that it runs or has the data of, or None.
    is_unpacked: whether that version is on the host; after a removal it is not.
    """
    target = posixpath.join(
        paths["work"], "downloads", archive_name(release["version"], release["arch"], release["edition"])
    )
    if "://" in release["source"]:
        return Step("the host downloads the archive itself.", target)
    if effective(release, current) != current or not is_unpacked:
        return Step("", target)
    if current == release["version"]:
        return Step(f"Mattermost {current} is in place.", target)
    return Step(f"Mattermost {current} stays, because mattermost:release:version names no newer version.", target)


def mismatch(release: dict, found: str) -> str:
    """Return the sentence for a file whose checksum is not the wanted one."""
    if not release["sha256"]:
        return (
            f"No checksum is known for Mattermost {release['version']} ({release['arch']}). The SHA-256 of {release['source']} is {found}. "
            "Set mattermost:release:sha256 to this sum, if the vendor publishes the same sum."
        )
    return f"{release['source']} has SHA-256 {found}, not {release['sha256']}. Nothing was copied. Correct mattermost:release:source or mattermost:release:sha256."
