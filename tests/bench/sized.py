"""The stand-in's archive with as many bytes and files as a real release has: what is done for each file counts in a deploy.

The files that are added lie in a folder of the web app that says what they are. They are not in ``.lab/archives``: no trial
and no test takes this archive.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
from pathlib import Path

BYTES, FILES = 93_000_000, 4300  # of an 11.6.0 with its web app
FOLDER = "mattermost/client/padding"
NOTE = b"Files without meaning, made by tests/bench/sized.py: as many, and as large, as the web app of a real release has.\n"
ICONS, ICON_BYTES = 3300, 5400  # of the files of a real release most are emoji; they do not compress
TIME = 1767225600  # 2026-01-01 00:00 UTC


def padding(files: int, size: int) -> list[int]:
    """Return for each of *files* how many bytes of it do not compress; together *size*."""
    icons = files * ICONS // FILES
    rest = files - icons
    each = max(0, size - icons * ICON_BYTES) // rest
    return [ICON_BYTES] * icons + [each] * rest


def content(number: int, size: int) -> bytes:
    """Return what file *number* holds: *size* bytes that do not compress and, in all but the icons, 1.2 times as many that do."""
    dense = random.Random(number).randbytes(size)
    return dense if size == ICON_BYTES else dense + b"\n" * (size * 6 // 5)


def write(source: Path, target: Path, size: int = BYTES, files: int = FILES) -> None:
    """Write *source* with padding to *target*, of about *size* bytes and with exactly *files* members that are no folders.

    The same input gives the same bytes; a reader never sees half of it.
    """
    partial = target.with_suffix(".partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        tarfile.open(source) as given,
        partial.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as made,
    ):
        there = 0
        for member in given:
            made.addfile(member, given.extractfile(member) if member.isreg() else None)
            there += not member.isdir()
        _add(made, FOLDER, None)
        _add(made, f"{FOLDER}/README.txt", NOTE)
        for number, dense in enumerate(padding(files - there - 1, size - source.stat().st_size)):
            _add(made, f"{FOLDER}/{number:04}", content(number, dense))
    partial.replace(target)


def _add(archive: tarfile.TarFile, name: str, data: bytes | None) -> None:
    info = tarfile.TarInfo(name)
    info.mtime, info.uname, info.gname = TIME, "root", "root"
    if data is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(info)
    else:
        info.size, info.mode = len(data), 0o644
        archive.addfile(info, io.BytesIO(data))


def ensure(source: Path, folder: Path) -> Path:
    """Return the padded archive of *source* in *folder*, made when it is missing or *source* or this file changed."""
    target, stamp = folder / source.name, folder / f"{source.name}.stamp"
    total = hashlib.sha256(Path(__file__).read_bytes() + source.read_bytes()).hexdigest()
    if not target.exists() or not stamp.exists() or stamp.read_text() != total:
        write(source, target)
        stamp.write_text(total)
    return target
