"""Release archives that the lab's mirror serves, from ``.lab/archives/``."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.lab.errors import LabError
from tests.lab.plan import RELEASES_NAME

_NAME = re.compile(r"mattermost-team-(\d+\.\d+\.\d+)-linux-amd64\.tar\.gz")


@dataclass(frozen=True)
class Archive:
    """One release archive as hosts find it."""

    version: str
    sha256: str
    url: str
    path: Path


def version_of(name):
    """The version in an archive's file name, or None when it isn't a Team archive's."""
    found = _NAME.fullmatch(name)
    return found.group(1) if found else None


def url(version, name):
    """Where the lab's mirror offers the archive file *name*."""
    return f"https://{RELEASES_NAME}/{version}/{name}"


def describe(path):
    """The `Archive` for the file *path*; ValueError when its name isn't an archive's."""
    version = version_of(path.name)
    if version is None:
        raise ValueError(
            f"{path.name} is not named like a Team Edition archive (mattermost-team-X.Y.Z-linux-amd64.tar.gz)."
        )
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return Archive(version, digest, url(version, path.name), path)


def available(directory):
    """All archives in *directory*, oldest version first."""
    paths = [path for path in directory.glob("*.tar.gz") if version_of(path.name)]
    return sorted(paths, key=lambda path: tuple(map(int, version_of(path.name).split("."))))


def admit(path, directory):
    """Put the archive file *path* among those that the mirror serves; returns its `Archive`.

    Raises LabError when it isn't there or isn't named like a Team Edition archive.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise LabError(f"ARCHIVE {path} does not exist.")
    if version_of(path.name) is None:
        raise LabError(
            f"ARCHIVE {path.name} is not named like a Team Edition archive "
            "(mattermost-team-X.Y.Z-linux-amd64.tar.gz): its version is read from there."
        )
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / path.name
    if path != target.resolve():
        new = target.with_name(f".{target.name}.new")
        new.unlink(missing_ok=True)
        try:
            os.link(path, new)
        except OSError:  # another file system
            shutil.copyfile(path, new)
        new.replace(target)
    return describe(target)


def official(root, directory, timeout=5):
    """Fetch the official archive of the newest known patch of the default line; its `Archive`, or None when it
    cannot be downloaded from here.

    root: the checkout, whose schema has the default and ``releases.yaml`` the checksum.
    timeout: seconds to wait for the server's first answer. Raises LabError when what came
    has another checksum.
    """
    release = yaml.safe_load((root / "salt/mattermost/schema.yaml").read_text())["properties"]["release"]["properties"]
    table = yaml.safe_load((root / "salt/mattermost/releases.yaml").read_text())["amd64"]
    wanted = release["version"]["default"]
    known = [each for each in table if f"{each}.".startswith(f"{wanted}.")]
    version = max(known, key=lambda each: int(each.rpartition(".")[2]))
    source = release["source"]["default"].format(version=version, arch="amd64")
    wanted = table[version]
    target = directory / source.rsplit("/", 1)[1]
    if target.exists() and (found := describe(target)).sha256 == wanted:
        return found
    part = target.with_name(f".{target.name}.part")
    try:
        with urllib.request.urlopen(source, timeout=timeout) as answer, part.open("wb") as copy:  # noqa: S310
            print(f"lab: downloading {source}")
            shutil.copyfileobj(answer, copy)
    except OSError:
        part.unlink(missing_ok=True)
        return None
    with part.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if digest != wanted:
        part.unlink()
        raise LabError(f"{source} has the checksum {digest}, but releases.yaml says {wanted}.")
    part.replace(target)
    return describe(target)
