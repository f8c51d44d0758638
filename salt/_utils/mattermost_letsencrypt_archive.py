"""Bring back what a ``letsencrypt.tar.gz`` of an earlier host holds, without touching what this host has.

Such an archive is made by ``tar -C /etc -czf letsencrypt.tar.gz letsencrypt``. Its members are not trusted: only plain
files, folders and the links from live/ to archive/ are taken, and only below certbot's folder.
"""

from __future__ import annotations

import itertools
import os
import posixpath
import tarfile

FOLDERS = ("accounts", "archive", "keys", "csr", "renewal", "live")  # live links to archive
LARGEST = 1 << 20  # bytes of a member: no certificate, key or account has as many


class ArchiveError(ValueError):
    """The archive is not what it should be; the message says why."""


def inside(member: str) -> str | None:
    """Return a member's path below certbot's folder, None for one that is not taken.

    member: ``letsencrypt/live/x`` with any folders before ``letsencrypt``. Raises ArchiveError for a path that climbs.
    """
    parts = [part for part in member.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ArchiveError(f"it contains {member}, a path outside its directory")
    if "letsencrypt" not in parts:
        return None
    below = parts[parts.index("letsencrypt") + 1 :]
    return "/".join(below) if below and below[0] in FOLDERS else None


def link_inside(path: str, target: str) -> str:
    """Return a link's *target* as a relative path. Raises ArchiveError when it points out of certbot's folder.

    path: the link below certbot's folder. Absolute targets of old archives (``/etc/letsencrypt/archive/...``) are taken too.
    """
    if target.startswith("/"):
        below = inside(target)
        if below is None:
            raise ArchiveError(f"its link {path} points out of the folder letsencrypt, to {target}")
        return posixpath.relpath(below, posixpath.dirname(path))
    if posixpath.normpath(posixpath.join(posixpath.dirname(path), target)).startswith(".."):
        raise ArchiveError(f"its link {path} points out of the folder letsencrypt, to {target}")
    return target


def unpack(archive: str, folder: str) -> None:
    """Unpack *archive* (tar, gzip or plain) into *folder*. Raises ArchiveError when it is no such archive."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                path = inside(member.name)
                if path:
                    _extract(tar, member, path, folder)
    except (tarfile.TarError, EOFError, OSError) as err:
        raise ArchiveError(f"it cannot be read ({err})") from None


def _extract(tar, member, path, folder):
    target = os.path.join(folder, path)
    # Real folders of ours, so that no link of the archive is followed while writing.
    os.makedirs(target if member.isdir() else os.path.dirname(target), mode=0o700, exist_ok=True)
    if os.path.commonpath([os.path.realpath(os.path.dirname(target)), os.path.realpath(folder)]) != os.path.realpath(
        folder
    ):
        raise ArchiveError(f"it contains {member.name} below a link")
    if member.issym():
        os.symlink(link_inside(path, member.linkname), target)
    elif member.isfile():
        if member.size > LARGEST:
            raise ArchiveError(
                f"it contains {member.name}, a file of {member.size} bytes, which is too large for a certificate"
            )
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(tar.extractfile(member).read())
            file.flush()
            os.fsync(file.fileno())  # before it has its name: what is there stays, also what a power cut left empty


def lineage(folder: str, name: str) -> dict:
    """Return the paths of *name*'s lineage in an unpacked archive: ``chain, key, renewal``.

    Raises ArchiveError when it has none; the message names those that it has.
    """
    paths = {
        "chain": f"{folder}/live/{name}/fullchain.pem",
        "key": f"{folder}/live/{name}/privkey.pem",
        "renewal": f"{folder}/renewal/{name}.conf",
    }
    missing = [os.path.relpath(path, folder) for path in paths.values() if not os.path.exists(path)]
    if missing:
        live = os.path.join(folder, "live")
        names = sorted(os.listdir(live)) if os.path.isdir(live) else []
        names = [each for each in names if os.path.isdir(os.path.join(live, each))]
        found = f"certificates for {', '.join(names)}" if names else "no certificate"
        raise ArchiveError(f"{missing[0]} is missing in the archive. The archive has {found}")
    return paths


def move_into(folder: str, directory: str) -> list[str]:
    """Move what *directory* (certbot's) does not have yet there from *folder*. Return the moved paths below it."""
    moved = []
    for top, folders, files in itertools.chain.from_iterable(os.walk(os.path.join(folder, part)) for part in FOLDERS):
        below = os.path.relpath(top, folder)
        os.makedirs(os.path.join(directory, below), mode=0o700, exist_ok=True)
        linked = [name for name in folders if os.path.islink(os.path.join(top, name))]
        for name in files + linked:
            target = os.path.join(directory, below, name)
            if not os.path.lexists(target):
                os.rename(os.path.join(top, name), target)
                moved.append(os.path.normpath(os.path.join(below, name)))
    return sorted(moved)
