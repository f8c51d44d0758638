"""Whether a host may change to a Mattermost release, and whether an archive is one that may be unpacked there.

Pure functions, without Salt and without touching the host. The archive's layout: Mattermost's build/release.mk.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Iterator

import mattermost_release_facts as facts
from mattermost_release_facts import ReleaseError, parse

ROOT = "mattermost"
OTHER_ARCHIVE = "Set mattermost:release:source to an archive of the vendor."
TEAM_LICENCE = "mattermost/MIT-COMPILED-LICENSE.md"
ENTERPRISE_LICENCE = "mattermost/ENTERPRISE-EDITION-LICENSE.txt"
# files by name; a name that ends in / is a directory that must hold something
REQUIRED = (
    "mattermost/bin/mattermost",
    "mattermost/bin/mmctl",
    "mattermost/config/config.json",
    "mattermost/client/root.html",
    "mattermost/i18n/en.json",
    "mattermost/templates/",
)
# lines with extended support: a version promises to take over the database of the last of them before it
EXTENDED = ((5, 37), (6, 3), (7, 1), (7, 8), (8, 1), (9, 5), (9, 11), (10, 5), (10, 11), (11, 7))


def note(release: dict, installed: str | None) -> str:
    """Say that the default is newer than what an unpinned host keeps, or that a patch is newer than the named version, or nothing."""
    if facts.is_newer_patch(release, installed) and release["pinned"]:
        return f" An unattended patch installed that version. It stays, because it is newer than mattermost:release:version ({release['version']})."
    newer = facts.newer_default(release, installed)
    return newer and f" The default is now {newer}. To upgrade, set mattermost:release:version to {newer}."


def check_hop(installed: str | None, version: str, is_import: bool = False) -> None:
    """Refuse a change of version that Mattermost does not survive. Raises ReleaseError.

    is_import: *installed* is the version of an import's source, so the advice is for an import.
    """
    if not installed or installed == version:
        return
    old, new = parse(installed), parse(version)
    if new < old:
        raise ReleaseError(
            f"Mattermost {version} is older than {'' if is_import else 'the installed '}{installed}, and cannot use the database of {installed}. Set "
            f"mattermost:release:version to {installed} or a newer version."
            + ("" if is_import else " To go back one upgrade, begin on the host with: mattermost-switch back")
        )
    if old >= (10, 11, 17) and old < (11, 0, 0) and (11, 0, 0) <= new <= (11, 7, 2):
        raise ReleaseError(
            f"The database of Mattermost {installed} cannot be upgraded to {version}, because the two versions number their migrations differently. Set mattermost:release:version to 11.7.3 or newer."
        )
    between = [line for line in EXTENDED if old[:2] < line < new[:2]]
    if between:
        step = ".".join(map(str, between[0]))
        raise ReleaseError(
            f"Mattermost {version} does not support an upgrade from {installed}. Upgrade to the newest {step} first: "
            f"set mattermost:release:version to that release and {'run the import again' if is_import else 'deploy'}. Then set {version} and deploy."
        )


def other_edition(version: str, installed: str, wanted: str) -> tuple[str, str]:
    """Return why a host keeps the edition that it has, and what to do. installed, wanted: editions."""
    return (
        f"Mattermost {version} is installed as the {facts.EDITIONS[installed]}. The edition changes only together with the version.",
        f"To get the {facts.EDITIONS[wanted]}, set mattermost:release:version to a newer version. To stay, set mattermost:release:edition to {installed}.",
    )


def check_glibc(version: str, glibc: str) -> None:
    """Refuse a version whose binary needs a newer C library than *glibc*, the host's (e.g. ``2.36``). Raises ReleaseError."""
    needs = facts.glibc_minimum(version)
    if facts.numbers(glibc) < facts.numbers(needs):
        cure = (
            "another patch release"
            if facts.is_misbuilt(version)
            else "a version before 12.0, or deploy to a newer host"
        )
        raise ReleaseError(
            f"Mattermost {version} needs glibc {needs}, and this host has {glibc}. Set mattermost:release:version to {cure}."
        )


def check_sha256(version: str, sha256: str) -> str:
    """Return *sha256* when it can be a release's checksum. Raises ReleaseError."""
    if not sha256:
        raise ReleaseError(
            f"No checksum is known for Mattermost {version}. Set mattermost:release:sha256 to the checksum that the vendor publishes."
        )
    if sha256 == facts.EMPTY_SHA256:
        raise ReleaseError(
            f"{sha256} is the checksum of an empty file, not of Mattermost {version}. Set mattermost:release:sha256 to the checksum that the vendor publishes."
        )
    return sha256


def check_proof(release: dict) -> str:
    """Return the checksum that the archive must have, "" when the vendor's signature is to prove it. Raises ReleaseError where nothing can.

    release: the settings' branch.
    """
    if not release["known_by"]:
        raise ReleaseError(
            f"No release of the line {release['line']} is known. Neither this bundle nor two of the vendor's sources "
            "(mattermost:release_sources) list any. Set mattermost:release:version to a full version."
        )
    return check_sha256(release["version"], release["sha256"]) if release["sha256"] else ""


def archive_name(version: str, arch: str, edition: str = "team") -> str:
    """Return the vendor's file name of the archive."""
    return f"mattermost-{'team-' if edition == 'team' else ''}{version}-linux-{arch}.tar.gz"


def members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the archive's members but for the folder itself, ``./`` and closing slashes gone. Raises ReleaseError as check_member."""
    for member in archive:
        member.name = member.name.removeprefix("./").rstrip("/")
        if member.name not in ("", "."):
            check_member(member)
            yield member


def check_member(member: tarfile.TarInfo) -> None:
    """Refuse an archive member that could be written outside the tree, or is neither file, directory nor link. Raises ReleaseError."""
    name = member.name
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        raise ReleaseError(f"The archive contains {name!r}, a path outside its directory. {OTHER_ARCHIVE}")
    if parts[0] != ROOT:
        raise ReleaseError(
            f"The archive contains {name!r}, but everything in a Mattermost release is below {ROOT}/. {OTHER_ARCHIVE}"
        )
    if member.issym():
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        if member.linkname.startswith("/") or target.split("/")[0] != ROOT:
            raise ReleaseError(
                f"The archive contains the symbolic link {name!r} to {member.linkname!r}, a path outside its directory. {OTHER_ARCHIVE}"
            )
    elif not (member.isreg() or member.isdir()):
        raise ReleaseError(f"The archive's member {name!r} is neither a file nor a directory. {OTHER_ARCHIVE}")


def check_members(names: set[str], version: str, edition: str = "team") -> None:
    """Refuse an archive that is not a whole release of that edition.

    names: every member, directories without a slash at the end. Raises ReleaseError.
    """
    if edition == "team" and ENTERPRISE_LICENCE in names:
        raise ReleaseError(
            f"The archive has the Enterprise Edition of {version}. The archive of the Team Edition is named "
            f"mattermost-team-{version}-…. Set mattermost:release:source to that archive, or mattermost:release:edition to enterprise."
        )
    missing = [
        name
        for name in (*REQUIRED, TEAM_LICENCE if edition == "team" else ENTERPRISE_LICENCE)
        if not (any(n.startswith(name) for n in names) if name.endswith("/") else name in names)
    ]
    if missing:
        raise ReleaseError(
            f"The archive is not a Mattermost release. It does not contain {', '.join(missing)}. {OTHER_ARCHIVE}"
        )


def check_version_output(text: str, version: str, edition: str = "team") -> None:
    """Compare what ``bin/mattermost version`` printed with the wanted *version* and edition. Raises ReleaseError."""
    fields = dict(re.findall(r"^(.+?):[ \t]*(.*?)[ \t]*$", text, flags=re.M))
    found = fields.get("Version", "")
    if found != version:
        raise ReleaseError(
            f"The server in the archive has version {found or 'unknown'}, not {version}. Correct mattermost:release:source."
        )
    ready = "true" if edition == "enterprise" else "false"
    if fields.get("Build Enterprise Ready") != ready:
        raise ReleaseError(
            f"The server {version} in the archive is not the {facts.EDITIONS[edition]} (Build Enterprise Ready is not {ready}). Correct mattermost:release:edition or mattermost:release:source."
        )
