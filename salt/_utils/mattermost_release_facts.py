"""The oldest PostgreSQL and C library that each Mattermost release needs, its user limit, and which release runs on a host. Pure.

Sources: the vendor's requirements page and upgrade notes; the vendor's archives, read by ``tools/release``.
"""

from __future__ import annotations

import re

ARCHITECTURES = ("amd64", "arm64")  # of the vendor's archives
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
# first release -> what it needs at least, newest first
_POSTGRESQL = (((12,), 15), ((11,), 14), ((10, 6), 13), ((8,), 11), ((), 10))
_GLIBC = (((12,), "2.34"), ((), "2.17"))
# built by mistake on a newer distribution than their neighbours
_MISBUILT = ((9, 2, 0), (10, 10, 0), (10, 10, 1), (10, 11, 0))
_MISBUILT_GLIBC = "2.34"
EDITIONS = {"team": "Team Edition", "enterprise": "Enterprise Edition"}
# active users that Team Edition takes; beyond it nobody can be added or reactivated (vendor's changelog)
_USER_LIMIT, _USER_LIMIT_SINCE = 250, (11,)


class ReleaseError(ValueError):
    """A release that cannot be used; the text says why and what to do."""


def parse(version: str) -> tuple[int, int, int]:
    """Return MAJOR.MINOR.PATCH as numbers. Raises ReleaseError for anything else."""
    if not is_version(version or ""):
        raise ReleaseError(f"{version!r} is not a version. Write all three numbers, such as 11.7.3.")
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)


def numbers(text: str) -> tuple[int, ...]:
    """Turn any program's version into something that compares: the numbers in it, of which no more than 18 digits count."""
    return tuple(int(part[:18]) for part in re.findall(r"\d+", text))


def is_version(text: str) -> bool:
    """Say whether *text* is a version, MAJOR.MINOR.PATCH."""
    return bool(re.fullmatch(r"\d+\.\d+\.\d+", text))


def is_line(text: str) -> bool:
    """Say whether *text* names a line, MAJOR.MINOR, and no version of it."""
    return bool(re.fullmatch(r"[0-9]+\.[0-9]+", text))


def of_line(version: str, line: str) -> bool:
    """Say whether *version* belongs to *line*."""
    return bool(line) and version.startswith(f"{line}.")


def effective(release: dict, installed: str | None) -> str:
    """Return the version that a run leaves on the host: the named one, else the installed one, else the default.

    With unattended patches a newer patch of the named one's line stays.

    release: the settings' branch ``release``, in which ``version`` is the patch that a named line means. A host that is on that line
    keeps the patch that it has. installed: what ``current`` names; None or "" on a fresh host.
    """
    keeps = installed and (not release["pinned"] or of_line(installed, release.get("line", "")))
    return installed if keeps or is_newer_patch(release, installed) else release["version"]


def is_newer_patch(release: dict, installed: str | None) -> bool:
    """Say whether the host has brought itself to a newer patch than the version that the settings name: that is the least one then."""
    if release.get("unattended") != "patches" or not is_version(installed or ""):
        return False
    return of_line(installed, release["version"].rpartition(".")[0]) and numbers(installed) > numbers(
        release["version"]
    )


def newer_default(release: dict, installed: str | None) -> str:
    """Return the default version when it is newer than the one that an unpinned host keeps, else ""."""
    kept = effective(release, installed)
    return release["version"] if numbers(release["version"]) > numbers(kept) else ""


def postgresql_minimum(version: str) -> int:
    """Return the lowest PostgreSQL major that Mattermost *version* starts on."""
    return next(minimum for first, minimum in _POSTGRESQL if numbers(version) >= first)


def is_misbuilt(version: str) -> bool:
    """Say whether *version* needs a newer C library than the releases before and after it."""
    return numbers(version) in _MISBUILT


def glibc_minimum(version: str) -> str:
    """Return the lowest glibc that Mattermost *version*'s programs run on."""
    if is_misbuilt(version):
        return _MISBUILT_GLIBC
    return next(minimum for first, minimum in _GLIBC if numbers(version) >= first)


def sums(releases: dict, release: dict) -> dict:
    """Return the checksums by version that the table has for the edition and processor. releases: the table. release: the settings' branch."""
    table = releases.get("enterprise", {}) if release["edition"] == "enterprise" else releases
    return table.get(release["arch"], {})


def listed(releases: dict) -> set[str]:
    """Return the versions that the table has for any processor: the vendor lists each, and makes one archive for each processor."""
    return {version for arch in ARCHITECTURES for version in releases.get(arch, {})}


def user_limit(version: str, edition: str = "team") -> int | None:
    """Return how many active users *version* takes, None for one without a limit. That of the Enterprise Edition is its license's."""
    return _USER_LIMIT if edition == "team" and numbers(version) >= _USER_LIMIT_SINCE else None


def new_user_limit(installed: str, wanted: str, installed_edition: str, edition: str) -> int | None:
    """Return the limit that an upgrade from *installed* to *wanted* brings, None where it brings none or one that was there before."""
    return None if user_limit(installed, installed_edition) else user_limit(wanted, edition)
