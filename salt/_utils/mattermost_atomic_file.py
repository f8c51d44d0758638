"""Put a file in place of another: whole or not at all, and on disk, with its name, when `write` returns."""

from __future__ import annotations

import os
import tempfile


def write(path: str, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Have *content* as the file *path*, in a directory that is there; readers see the old or the new one, never a part.

    owner: uid and gid; without it the file belongs to whose rights are used. It is never readable by others in between.
    """
    folder, name = os.path.split(path)
    # the dot keeps what includes * (nginx, systemd) from taking the draft
    descriptor, draft = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
    sync_directory(folder)


def rename(source: str, target: str) -> None:
    """Give *source*, whose contents are on disk, the name *target*."""
    os.replace(source, target)
    sync_directory(os.path.dirname(target))


def sync_directory(path: str) -> None:
    """Have the names in a directory on disk: until then a power cut takes a rename or a link back."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
