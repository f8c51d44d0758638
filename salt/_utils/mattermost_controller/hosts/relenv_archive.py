"""Salt for hosts without a usable Python: the archive that brings its own, at hand where salt-ssh looks for it.

Salt itself would fetch the newest one on its own, unpinned and unchecked. Here the archive comes from ``relenv.source``,
is checked, and lies in Salt's cache before a run starts.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import lzma
import os
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import mattermost_progress

NAME = "salt-relenv.tar.xz"
PART = ".salt-relenv-"
TIMEOUT = 60  # seconds without a byte
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
_OTHER_NAMES = {"x86_64": "x86_64", "aarch64": "arm64"}  # what `uname -m` says


class RelenvError(Exception):
    """The archive cannot be used; the text is one sentence or two, with what to do."""


def ensure(settings: dict, cachedir: str, arch: str, say=lambda text, part: None) -> tuple[str, str]:
    """Have the archive where salt-ssh takes it from, checked, and return its path and SHA-256.

    settings: ``{source, sha256}``, the branch ``relenv``; ``{arch}`` in the source is filled in. cachedir: Salt's.
    arch: amd64 or arm64. say: of `mattermost_progress.waiting`, called before a long step.
    Raises RelenvError without a ``sha256`` (what it holds runs as root on each such host), when there is no such file, no
    answer, or another content.
    """
    pinned = settings["sha256"]
    if not pinned:
        raise RelenvError(" To do: ".join(unknown_sum(settings)))
    arch = ARCHITECTURES[arch]
    source = settings["source"].replace("{arch}", arch)
    target = os.path.join(cachedir, "relenv", "linux", arch, NAME)
    if os.path.exists(target) and _sha256(target) == pinned:
        _note(target, source, pinned)
        return target, pinned
    folder = os.path.dirname(target)
    os.makedirs(folder, exist_ok=True)
    for left in Path(folder).glob(f"{PART}*"):  # by a run that was killed: only one is in progress
        left.unlink()
    descriptor, part = tempfile.mkstemp(dir=folder, prefix=PART)
    os.close(descriptor)
    try:
        _fetch(source, part, say)
        found = _sha256(part)
        if found != pinned:
            raise RelenvError(
                f"The Salt archive {source} has SHA-256 {found}, not {pinned} (mattermost:relenv:sha256). The archive was not used. "
                "Change the setting if this archive is the right one."
            )
        if not _is_whole(part):
            raise RelenvError(
                f"The Salt archive {source} has the expected SHA-256, but is damaged or contains no salt-call. Set "
                "mattermost:relenv:source and mattermost:relenv:sha256 to Salt's own archive (docs/platforms.md), then "
                "start again."
            )
        os.replace(part, target)
        _note(target, source, found)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
    return target, found


def unknown_sum(settings: dict) -> tuple[str, str]:
    """Return what is wrong, and what to do, where no sum of the archive is set. settings: the branch ``relenv``."""
    return (
        "mattermost:relenv:sha256 is not set, so Salt's archive cannot be checked before it runs as root on the host.",
        "set mattermost:relenv:sha256 to the SHA-256 that Salt publishes for "
        f"{settings['source']} (docs/platforms.md, Hosts without a usable Python).",
    )


def only_pinned(cachedir, kernel, os_arch, overwrite=False):
    """Stand in for Salt's ``gen_relenv``, which fetches the newest archive there is: return the path of the checked one.

    Arguments: as Salt's. Raises SystemExit, with what to do, when no run brought one yet.
    """
    arch = os_arch.lower()
    target = os.path.join(
        cachedir, "relenv", kernel.lower(), ARCHITECTURES.get(arch, _OTHER_NAMES.get(arch, arch)), NAME
    )
    if os.path.exists(target) and os.path.exists(f"{target}.json"):
        return target
    raise SystemExit(  # in salt-ssh's process for one host: any other exception would come with a page of trace
        f"This host has no usable Python, and the controller does not have Salt's archive for {os_arch} machines "
        "yet. To download this archive without a deploy, run: salt-run state.orchestrate mattermost.ssl test=True"
    )


def _is_whole(path: str) -> bool:
    """Say whether *path* can be unpacked to its end and has what Salt looks for. Takes seconds: for new archives only."""
    try:
        with lzma.open(path) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                names = [member.name for member in tar]
            while stream.read(1 << 20):  # the checksum stands at the end
                pass
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError):
        return False
    return any(name.removeprefix("./").split("/")[1:] == ["salt-call"] for name in names)


def _fetch(source: str, part: str, say) -> None:
    local = source.removeprefix("file://")
    if "://" not in local:
        try:
            shutil.copyfile(local, part)
        except OSError as err:
            raise RelenvError(
                f"The Salt archive {local} cannot be read on the controller ({err.strerror}). Hosts without a usable "
                "Python need this archive. Correct mattermost:relenv:source."
            ) from None
        return
    size = None

    def arrived():
        return mattermost_progress.share(os.path.getsize(part), size) if os.path.exists(part) else ""

    say(f"downloading {source}, once for all hosts without a usable Python", arrived)
    try:
        with urllib.request.urlopen(source, timeout=TIMEOUT) as answer, open(part, "wb") as file:  # noqa: S310 - the user's own setting
            size = int(answer.headers.get("Content-Length") or 0)
            shutil.copyfileobj(answer, file, 1 << 20)
    except (OSError, ValueError, http.client.HTTPException) as err:
        reason = err.reason if isinstance(err, urllib.error.URLError) else err
        raise RelenvError(
            f"The Salt archive {source} could not be downloaded ({reason}). Hosts without a usable Python need this archive. "
            "Copy the file to the controller and set mattermost:relenv:source to its path."
        ) from None
    if size and size != os.path.getsize(part):
        raise RelenvError(
            f"The download of the Salt archive {source} is incomplete ({os.path.getsize(part)} of {size} bytes). Start the same command again."
        )


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(target: str, source: str, sha256: str) -> None:
    """Leave the mark by which `only_pinned` knows that the archive was checked."""
    with open(f"{target}.json", "w", encoding="utf-8") as file:
        json.dump({"source": source, "sha256": sha256}, file)
