"""Bring a release archive onto the host whole: resumed after a broken transfer, fetched again when it is bad.

No Salt. The checksum is known before anything of the archive is opened.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import Future

import mattermost_progress
from mattermost_identity import held
from mattermost_release_facts import EMPTY_SHA256, ReleaseError

CHUNK = 1 << 20
ATTEMPTS = 6
PAUSES = (1, 2, 4, 8, 16)
SLOW_SECONDS, SLOW_BYTES = 120, 1 << 20  # a transfer that brings less in that time is broken off: it would take hours
# what a server says for "not now"; anything else it says stays true on the next try
PASSING = {408, 425, 429, 500, 502, 503, 504}


def sha256(path: str) -> str:
    """Return a file's SHA-256 in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def archive(source: str, name: str, checksum: str, folder: str, ca_file: str | None = None, pause=time.sleep) -> str:
    """Return the path of an archive whose SHA-256 is *checksum*.

    source: https:// URL (http:// for a mirror of one's own), file:///PATH on this host, or a path on the controller, whose copy then lies
    in *folder* already. name: file name in *folder*. ca_file: PEM to trust for https; None or a missing file means the default.
    Raises ReleaseError when there is no good archive to be had.
    """
    if source.startswith("file://"):
        return _checked(source[len("file://") :], checksum, "Correct mattermost:release:source.")
    ready = os.path.join(folder, name)
    if not source.startswith(("https://", "http://")):
        copied = os.path.join(folder, os.path.basename(source))
        todo = (
            f"Copy {source} from the controller to that path, or set mattermost:release:source to an https:// address."
        )
        return _checked(copied if os.path.exists(copied) else ready, checksum, todo)
    with held:
        if os.path.exists(ready):
            if sha256(ready) == checksum:
                return ready
            os.unlink(ready)
    download(source, f"{ready}.part", checksum, ca_file, pause)
    with held:
        os.rename(f"{ready}.part", ready)
    return ready


def begin(*arguments, then=lambda archive: archive) -> Future:
    """Begin `archive`, and *then* with it, beside what this process does next, and return the result to come.

    It ends with the process: a part of the file stays, and the next run goes on there.
    """
    future = Future()

    def run():
        try:
            future.set_result(then(archive(*arguments)))
        except BaseException as err:  # noqa: BLE001 - who waits for it gets whatever it was
            future.set_exception(err)

    threading.Thread(target=run, daemon=True).start()
    return future


def _checked(path: str, checksum: str, todo: str) -> str:
    if not os.path.isfile(path):
        raise ReleaseError(f"The archive {path} does not exist on this host. {todo}")
    found = sha256(path)
    if found != checksum:
        raise ReleaseError(_mismatch(path, found, checksum))
    return path


def _mismatch(what: str, found: str, checksum: str) -> str:
    empty = " (an empty file)" if found == EMPTY_SHA256 else ""
    return (
        f"The SHA-256 of {what} is {found}{empty}. Expected: {checksum}. The file was not opened. Check "
        "mattermost:release:source and mattermost:release:sha256."
    )


def download(url: str, part: str, checksum: str, ca_file: str | None, pause) -> None:
    """Fetch *url* into the file *part* and compare its checksum; raises ReleaseError.

    A part that is complete and wrong is fetched once more from its beginning, for it may be the rest of another transfer.
    """
    todo = "Check mattermost:release:source and the host's network."
    with held:
        is_new = not os.path.exists(part)
    for began_fresh in (is_new, True):
        fresh = complete(url, part, ca_file, pause, todo) or began_fresh
        with held:
            found = sha256(part)
            if found == checksum:
                return
            os.unlink(part)
        if fresh:
            raise ReleaseError(_mismatch(url, found, checksum))


def complete(url: str, part: str, ca_file: str | None, pause=time.sleep, todo: str = "") -> bool:
    """Fetch *url* into the file *part*, going on where a broken transfer ended; raises ReleaseError.

    todo: ends the message. Returns whether a part that was there before was thrown away.
    """
    reason, anew = "", False
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(PAUSES[attempt - 1])
        try:
            if transfer(url, part, ca_file):
                return anew
            reason = "the transfer ended early"
        except urllib.error.HTTPError as err:
            if err.code == 416:  # the part is longer than the file
                with held:
                    os.unlink(part)
                anew = True
                continue
            reason = f"the download server answers {err.code} {err.reason}"
            if err.code not in PASSING:
                break
        except ReleaseError:
            raise
        except (OSError, ValueError, http.client.HTTPException) as err:
            reason = str(getattr(err, "reason", err)) or type(err).__name__
            if isinstance(getattr(err, "reason", err), ssl.SSLCertVerificationError):
                break
    raise ReleaseError(f"{url} could not be downloaded: {reason}. {todo}".rstrip())


def transfer(url: str, part: str, ca_file: str | None) -> bool:
    """Append what is missing to *part*; returns whether the whole file is there now."""
    with held:
        have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"User-Agent": "mattermost-deploy", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    context = ssl.create_default_context(cafile=ca_file if ca_file and os.path.exists(ca_file) else None)
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - https and http only, checked above
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:  # noqa: S310
        resumed = answer.status == 206
        length = answer.headers.get("Content-Length")
        total = None if length is None else int(length) + (have if resumed else 0)
        with held:
            _room(os.path.dirname(part), int(length or 0))
            opened = open(part, "ab" if resumed else "wb")  # noqa: SIM115
        with opened as file:
            _copy(answer, file, total)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
    return total is None or size >= total


def _copy(answer, file, total: int | None) -> None:
    """Write what *answer* sends, and tell how far it is. Raises TimeoutError when it comes too slowly."""
    began, had = time.monotonic(), file.tell()
    try:
        while chunk := answer.read1(CHUNK):
            file.write(chunk)
            mattermost_progress.tell_part("the archive", mattermost_progress.share(file.tell(), total))
            seconds, sent = time.monotonic() - began, file.tell() - had
            if seconds >= SLOW_SECONDS:
                if sent < SLOW_BYTES:
                    raise TimeoutError(f"the download server sends too slowly, {sent >> 10} KiB in {seconds:.0f} s")
                began, had = time.monotonic(), file.tell()
    finally:
        mattermost_progress.tell_part("the archive")


def _room(folder: str, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise ReleaseError(
            f"{folder} has {free >> 20} MiB free, but the download needs {size >> 20} MiB. Free some space on that disk."
        )
