"""The checksum table as text: a row goes in at its place, everything else stays as it is. Pure."""

from __future__ import annotations

import re

_ROW = re.compile(r"^  (\d+\.\d+\.\d+): +'?([0-9a-f]{64})'?\b")
_SECTION = re.compile(r"^([a-z0-9_]+):\s*$")


class TableError(ValueError):
    """A row that must not go in; the text says why."""


def row_of(text: str, arch: str, version: str) -> str:
    """Return the checksum that the table *text* has for a release, "" without one."""
    inside = False
    for line in text.splitlines():
        section, row = _SECTION.match(line), _ROW.match(line)
        if section:
            inside = section.group(1) == arch
        if inside and row and row.group(1) == version:
            return row.group(2)
    return ""


def with_row(text: str, arch: str, version: str, sha256: str, remark: str) -> str:
    """Return the table *text* with a row, newest first within its architecture.

    sha256: 64 hex digits. remark: goes behind it as a comment. Comment lines above a row stay with that row. The same row
    again changes nothing. Raises TableError when the table has another sum for that release.
    """
    there = row_of(text, arch, version)
    if there == sha256:
        return text
    if there:
        raise TableError(
            f"salt/mattermost/releases.yaml has {there} for {version} ({arch}), but this archive has {sha256}: one of these two "
            "checksums is not the vendor's. Nothing was written. Find out which one the vendor publishes before you change the row."
        )
    lines = text.splitlines()
    row = f"  {version}: {sha256}" + (f"  # {remark}" if remark else "")
    begin = next(
        (number for number, line in enumerate(lines) if _SECTION.match(line) and line.startswith(f"{arch}:")), None
    )
    if begin is None:
        return "\n".join([*lines, f"{arch}:", row]) + "\n"
    lines.insert(_place(lines, begin + 1, version), row)
    return "\n".join(lines) + "\n"


def _place(lines: list[str], begin: int, version: str) -> int:
    """Return the line before which the row of *version* goes; its section's rows begin at *begin*."""
    above = begin  # after the last line that belongs to a newer row
    for number in range(begin, len(lines)):
        if _SECTION.match(lines[number]):
            break
        row = _ROW.match(lines[number])
        if row and _numbers(row.group(1)) < _numbers(version):
            return above
        if row:
            above = number + 1
    return above


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
