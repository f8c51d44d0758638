"""Put a release archive of the stand-in together. Same input, same bytes: sorted members, fixed times and owners."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "src"))

from standin import build_file, config_model, gojson  # noqa: E402
from standin.versions import Build  # noqa: E402

ROOT = "mattermost"
TIME = 1767225600  # 2026-01-01 00:00 UTC, the modification time of every member


def file_name(version: str) -> str:
    """Name of the archive, as the real release mirror calls it."""
    return f"mattermost-team-{version}-linux-amd64.tar.gz"


def config_json(version: str) -> bytes:
    """The complete config.json of a fresh install."""
    return gojson.dumps(config_model.fresh(Build(version)), indent=4).encode()


def _tree(directory: Path, prefix: str) -> dict[str, tuple[bytes | str, int]]:
    """Return member name -> (bytes, or the target of a symbolic link; mode) of everything in *directory*."""
    members: dict[str, tuple[bytes | str, int]] = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = Path(folder, name)
            member = f"{prefix}/{path.relative_to(directory)}"
            if path.is_symlink():
                members[member] = (os.readlink(path), 0o777)
            else:
                members[member] = (path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644)
    return members


def members(version: str, frozen: Path) -> dict[str, tuple[bytes | str, int]]:
    """Everything in the archive but the directories. frozen: what PyInstaller made."""
    found = _tree(HERE / "archive", ROOT) | _tree(frozen, f"{ROOT}/bin")
    found[f"{ROOT}/config/config.json"] = (config_json(version), 0o600)
    build = json.dumps({"version": version}).encode() + b"\n"
    found[f"{ROOT}/bin/_internal/{build_file.NAME}"] = (build, 0o644)
    return found


def _add(archive: tarfile.TarFile, name: str, content: bytes | str | None, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.mtime, info.mode, info.uname, info.gname = TIME, mode, "root", "root"
    if content is None:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    elif isinstance(content, str):
        info.type, info.linkname = tarfile.SYMTYPE, content
        archive.addfile(info)
    else:
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))


def write(version: str, frozen: Path, target: Path) -> None:
    """Write the archive of *version* to *target*; a reader never sees half of it."""
    found = members(version, frozen)
    directories = {str(parent) for name in found for parent in Path(name).parents if str(parent) != "."}
    entries = {name: (None, 0o755) for name in directories | {f"{ROOT}/logs"}} | found
    partial = target.with_suffix(".partial")
    with partial.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for name in sorted(entries):
                _add(archive, name, *entries[name])
    partial.replace(target)
