"""Which Mattermost release a host should run, and whether an archive is one that may be unpacked there.

Pure functions, without Salt and without touching the host. The archive's layout: Mattermost's build/release.mk.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Iterator

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ROOT = "mattermost"
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
# (first version, lowest glibc): the archives are built on a distribution with that C library
GLIBC_FLOORS = (((12, 0, 0), (2, 34)),)
# lines with extended support: a version promises to take over the database of the last of them before it
EXTENDED = ((5, 37), (6, 3), (7, 1), (7, 8), (8, 1), (9, 5), (9, 11), (10, 5), (10, 11), (11, 7))
# built by mistake on a newer distribution than their neighbours
MISBUILT = {(9, 2, 0), (10, 10, 0), (10, 10, 1), (10, 11, 0)}
MISBUILT_GLIBC = (2, 34)


class ReleaseError(ValueError):
    """A release that cannot be used; the text says why and what to do."""


def parse(version: str) -> tuple[int, int, int]:
    """Return MAJOR.MINOR.PATCH as numbers. Raises ReleaseError for anything else."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version or ""):
        raise ReleaseError(f"{version!r} is not a version of the form MAJOR.MINOR.PATCH.")
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)


def wanted(release: dict, installed: str | None) -> str:
    """Return the version that the host should run.

    release: the settings' branch ``release`` (``version``, ``pinned``).
    installed: version that ``current`` names, None on a fresh host.
    A version that the user named wins; otherwise a deployed host keeps what it has and a fresh one gets the default.
    """
    if release["pinned"] or not installed:
        return release["version"]
    return installed


def note(release: dict, installed: str | None) -> str:
    """Say that the default is newer than what an unpinned host keeps, or nothing."""
    if release["pinned"] or not installed or parse(installed) >= parse(release["version"]):
        return ""
    newer = release["version"]
    return f" {newer} is the default now: set mattermost:release:version to {newer} to upgrade."


def check_hop(installed: str | None, version: str) -> None:
    """Refuse a change of version that Mattermost does not survive. Raises ReleaseError."""
    if not installed or installed == version:
        return
    old, new = parse(installed), parse(version)
    if new < old:
        raise ReleaseError(
            f"Mattermost {version} is older than the installed {installed}: an older server does not fit a newer database. "
            "Set mattermost:release:version to the installed version or a newer one; mattermost.rollback goes back to the one before."
        )
    if old >= (10, 11, 17) and old < (11, 0, 0) and (11, 0, 0) <= new <= (11, 7, 2):
        raise ReleaseError(
            f"The database of Mattermost {installed} cannot go to {version}: the numbers of its migrations clash. Go to 11.7.3 or newer."
        )
    between = [line for line in EXTENDED if old[:2] < line < new[:2]]
    if between:
        step = ".".join(map(str, between[0]))
        raise ReleaseError(
            f"Mattermost {version} does not promise to take over the database of {installed}. Go to the newest {step} first: "
            f"set mattermost:release:version to it and deploy, then to the next."
        )


def check_glibc(version: str, glibc: str) -> None:
    """Refuse a version whose binary needs a newer C library than *glibc*, the host's (e.g. ``2.36``). Raises ReleaseError."""
    numbers = parse(version)
    floor = max((lowest for first, lowest in GLIBC_FLOORS if numbers >= first), default=(0, 0))
    if numbers in MISBUILT:
        floor = max(floor, MISBUILT_GLIBC)
    have = tuple(int(part) for part in glibc.split(".")[:2])
    if have < floor:
        needs = ".".join(map(str, floor))
        raise ReleaseError(
            f"Mattermost {version} needs glibc {needs} and this host has {glibc}. "
            + (
                "Choose another patch release."
                if numbers in MISBUILT
                else "Choose a version before 12.0, or a newer host."
            )
        )


def check_sha256(version: str, sha256: str) -> str:
    """Return *sha256* when it can be a release's checksum. Raises ReleaseError."""
    if not sha256:
        raise ReleaseError(
            f"No checksum is known for Mattermost {version}: set mattermost:release:sha256 to the one that the vendor publishes."
        )
    if sha256 == EMPTY_SHA256:
        raise ReleaseError(f"{sha256} is the checksum of an empty file, not of Mattermost {version}.")
    return sha256


def archive_name(version: str, arch: str) -> str:
    """Return the vendor's file name of the archive."""
    return f"mattermost-team-{version}-linux-{arch}.tar.gz"


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
        raise ReleaseError(f"The archive holds {name!r}, a path that leaves its directory.")
    if parts[0] != ROOT:
        raise ReleaseError(f"The archive holds {name!r}: everything in a Mattermost release is below {ROOT}/.")
    if member.issym():
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        if member.linkname.startswith("/") or target.split("/")[0] != ROOT:
            raise ReleaseError(f"The archive's link {name!r} points outside, to {member.linkname!r}.")
    elif not (member.isreg() or member.isdir()):
        raise ReleaseError(f"The archive's member {name!r} is neither a file nor a directory.")


def check_members(names: set[str], version: str) -> None:
    """Refuse an archive that is not a whole Team Edition release.

    names: every member, directories without a slash at the end. Raises ReleaseError.
    """
    if ENTERPRISE_LICENCE in names:
        raise ReleaseError(
            f"This is the Enterprise edition of {version}: the Team Edition's archive is named mattermost-team-{version}-…. Give that one."
        )
    missing = [
        name
        for name in (*REQUIRED, TEAM_LICENCE)
        if not (any(n.startswith(name) for n in names) if name.endswith("/") else name in names)
    ]
    if missing:
        raise ReleaseError(f"The archive is not a Mattermost release: {', '.join(missing)} missing.")


def check_version_output(text: str, version: str) -> None:
    """Compare what ``bin/mattermost version`` printed with the wanted *version* and edition. Raises ReleaseError."""
    fields = dict(re.findall(r"^(.+?):[ \t]*(.*?)[ \t]*$", text, flags=re.M))
    found = fields.get("Version", "")
    if found != version:
        raise ReleaseError(
            f"The archive's server says that it is version {found or 'unknown'}, not {version}: correct mattermost:release:source."
        )
    if fields.get("Build Enterprise Ready") != "false":
        raise ReleaseError(
            f"The archive's server of {version} is not the Team Edition (Build Enterprise Ready is not false)."
        )
