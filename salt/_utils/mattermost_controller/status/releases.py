"""Which of the newer releases that are known a host could run. Pure."""

from __future__ import annotations

import mattermost_release_core as core
from mattermost_release_facts import numbers, postgresql_minimum


def newer(known, installed: str, glibc: str, postgresql: str) -> dict:
    """Return the newer releases worth knowing: ``line`` (newest of the same MAJOR.MINOR), ``newest`` and ``next``.

    known: versions, of the checksum table and of the release sources. installed: version on the host. glibc: the host's.
    postgresql: version that runs there, "" when it did not tell. None where there is no newer one. ``next`` is the newest
    that one upgrade reaches; it differs from ``newest`` when a version lies between that may not be left out.
    """
    nothing = {"line": None, "newest": None, "next": None}
    try:
        own = core.parse(installed)
    except core.ReleaseError:
        return nothing
    fit = [version for version in known if _newer(version, own) and _runs(version, glibc, postgresql)]
    fit.sort(key=numbers)
    line = [version for version in fit if numbers(version)[:2] == own[:2]]
    reach = [version for version in fit if _reached(installed, version)]
    return {name: found[-1] if found else None for name, found in (("line", line), ("newest", fit), ("next", reach))}


def _newer(version: str, own: tuple) -> bool:
    return numbers(version) > own


def _runs(version: str, glibc: str, postgresql: str) -> bool:
    if postgresql and numbers(postgresql)[0] < postgresql_minimum(version):
        return False
    try:
        core.check_glibc(version, glibc or "0")
    except core.ReleaseError:
        return False
    return True


def _reached(installed: str, version: str) -> bool:
    try:
        core.check_hop(installed, version)
    except core.ReleaseError:
        return False
    return True
