"""One compressed program: fetched, compared with its checksum before it is opened, and put in place whole. No Salt."""

from __future__ import annotations

import bz2
import hashlib
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request

import mattermost_atomic_file as atomic

TIMEOUT = 60  # seconds without a byte
ATTEMPTS = 4
LARGEST = 100 * 1024 * 1024  # bytes, compressed


class ProgramError(Exception):
    """The program cannot be had; the text is one sentence."""


def note_of(path: str) -> str:
    """Return where it is noted which file the program *path* came from."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.from")


def status(path: str, sha256: str) -> str:
    """Return what stands at *path*: ``wanted`` (from the file with that sum), ``older``, ``foreign`` or ``nothing``.

    A program without our note, or changed since, is foreign.
    """
    if not os.path.exists(path):
        return "nothing"
    try:
        with open(note_of(path), encoding="ascii") as file:
            archive, program = file.read().split()
    except (OSError, ValueError):
        return "foreign"
    with open(path, "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != program:
            return "foreign"
    return "wanted" if archive == sha256 else "older"


def fetch(url: str, ca_file: str | None = None, pause=time.sleep) -> bytes:
    """Return what *url* has. Raises ProgramError after a few attempts, and at once for an answer that will not change.

    ca_file: PEM to trust for https; None or a missing file means the default.
    """
    context = ssl.create_default_context(cafile=ca_file if ca_file and os.path.exists(ca_file) else None)
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(attempt)
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT, context=context) as answer:  # noqa: S310 - from the platform's data
                data, size = answer.read(LARGEST), int(answer.headers.get("Content-Length") or 0)
        except urllib.error.HTTPError as err:
            reason = f"HTTP {err.code}"
            if err.code < 500 and err.code not in (408, 429):
                break
        except (OSError, ValueError, http.client.HTTPException) as err:
            reason = str(getattr(err, "reason", err))
        else:
            if not size or size == len(data):
                return data
            reason = f"the download is incomplete ({len(data)} of {size} bytes)"
    raise ProgramError(f"{url} could not be downloaded: {reason}.")


def install(path: str, data: bytes, sha256: str, origin: str) -> None:
    """Unpack *data* (.bz2) to the program *path*, mode 0755, and note where it came from.

    Raises ProgramError, nothing changed, when its SHA-256 is not *sha256*. origin: for the message.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ProgramError(
            f"The SHA-256 of {origin} is {found}. Expected: {sha256 or 'not set'}. The file was not opened."
        )
    try:
        program = bz2.decompress(data)
    except (OSError, ValueError) as err:
        raise ProgramError(f"{origin} is not a .bz2 file: {err}.") from None
    note = f"{found} {hashlib.sha256(program).hexdigest()}\n".encode()
    # the note first: a program without one counts as somebody else's
    _write(note_of(path), note, 0o644)
    _write(path, program, 0o755)


def _write(path: str, data: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    atomic.write(path, data, mode)
