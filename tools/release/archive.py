"""What an archive holds, read without unpacking it and without running anything of it."""

from __future__ import annotations

import re
import tarfile
import zlib
from typing import NamedTuple

import mattermost_release_core as core
from mattermost_release_facts import glibc_minimum

PROGRAMS = "mattermost/bin/"
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")
_CHUNK = 1 << 20
_OVERLAP = 64  # bytes; longer than any name that is looked for


class Contents(NamedTuple):
    """members: how many. glibc: the newest C library that a program asks for, "" when none is named."""

    members: int
    glibc: str


def inspect(path: str, version: str) -> Contents:
    """Look at the archive *path*, which should be Team Edition *version*. Raises ReleaseError with what is wrong.

    Refused: a broken archive, members that leave its directory, the Enterprise Edition, a release that is not whole, programs
    that do not hold the version's number, programs that need a newer C library than this tree believes that version to need.
    """
    names, needs, named = set(), (0, 0), False
    number = version.encode()  # compilers store texts without anything between them: what stands beside it says nothing
    try:
        with tarfile.open(path, "r|gz") as tar:
            for member in core.members(tar):
                names.add(member.name)
                if member.isreg() and member.name.startswith(PROGRAMS):
                    newest, found = _scan(tar.extractfile(member), number)
                    needs, named = max(needs, newest), named or found
    except (tarfile.TarError, EOFError, zlib.error, OSError) as err:
        raise core.ReleaseError(
            f"The archive of {version} is damaged or incomplete: {err}. Run the same make command again. If SOURCE= names a file, replace this file first."
        ) from None
    core.check_members(names, version)
    if not named:
        raise core.ReleaseError(
            f"No program in the archive contains the version number {version}, so this archive is of a different version. Check VERSION and SOURCE."
        )
    believed = tuple(int(part) for part in glibc_minimum(version).split("."))
    if needs > believed:
        raise core.ReleaseError(
            f"The programs in this archive need glibc {needs[0]}.{needs[1]}, but salt/_utils/mattermost_release_facts.py says that {glibc_minimum(version)} is "
            "enough. In that file, correct _GLIBC or _MISBUILT. Then run the same make command again."
        )
    return Contents(len(names), f"{needs[0]}.{needs[1]}" if any(needs) else "")


def _scan(file, number: bytes) -> tuple[tuple[int, int], bool]:
    """Return the newest GLIBC_x.y that is named in *file*, and whether *number* is."""
    newest, named, before = (0, 0), False, b""
    while chunk := file.read(_CHUNK):
        text = before + chunk
        for found in _GLIBC.finditer(text):
            newest = max(newest, (int(found.group(1)), int(found.group(2))))
        named = named or number in text
        before = text[-_OVERLAP:]
    return newest, named
