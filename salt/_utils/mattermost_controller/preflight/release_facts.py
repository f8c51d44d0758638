"""What a Mattermost version asks of its host, and which version a run will leave there."""

from __future__ import annotations

from mattermost_controller.hosts.probe import version_tuple

# first server version -> PostgreSQL it needs at least (vendor's requirements page and upgrade notes)
_POSTGRESQL = (((12,), 15), ((11,), 14), ((10, 6), 13), ((8,), 11), ((6,), 10))
# 12.0 and later are built on a newer glibc; these older ones were so by mistake
_GLIBC_BUILT_NEW = {(9, 2, 0), (10, 10, 0), (10, 10, 1), (10, 11, 0)}
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def postgresql_minimum(version: str) -> int:
    """Return the lowest PostgreSQL major version that Mattermost *version* starts on."""
    wanted = version_tuple(version)
    return next((minimum for first, minimum in _POSTGRESQL if wanted >= first), 10)


def glibc_minimum(version: str) -> str:
    """Return the lowest glibc that Mattermost *version*'s programs run on."""
    wanted = version_tuple(version)
    return "2.34" if wanted >= (12,) or wanted in _GLIBC_BUILT_NEW else "2.17"


def chosen(settings: dict, installed: str) -> str:
    """Return the version that a run leaves on the host: the pinned one, else what is installed, else the default.

    installed: "" on a host without one.
    """
    release = settings["release"]
    return release["version"] if release["pinned"] or not installed else installed
