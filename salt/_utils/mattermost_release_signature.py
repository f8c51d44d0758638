"""Bring a release archive whose checksum nobody knows: by the vendor's signature, checked before anything of the archive is opened.

The key is fetched for each check, so no expired copy is used, and only the pinned fingerprint is trusted, whatever else comes with it.
Needs gpgv on the host. No Salt.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import tempfile
import time

import mattermost_release_fetch as fetch
import mattermost_subprocess
from mattermost_lines import lines_of
from mattermost_release_facts import ReleaseError

WAY_OUT = "Set mattermost:release:sha256 to the archive's checksum from a source that you trust, or set another mattermost:release:version."
SMALL = 1 << 20  # bytes; a key or a signature is no larger
_PRIMARY = re.compile(r"^\[GNUPG:\] VALIDSIG [0-9A-F]+ .*?([0-9A-F]{40})\s*$", re.MULTILINE)


def archive(release: dict, name: str, folder: str, ca_file: str | None = None, pause=time.sleep) -> str:
    """Return the path of an archive that the pinned key has signed.

    release: the settings' branch: ``source`` (https, http or file), ``signature``, ``key``, ``key_fingerprint``. name: file name in *folder*.
    Raises ReleaseError when there is no such archive, signature or key, or when the signature is not good.
    """
    source, place = release["source"], os.path.join(folder, name)
    if "://" not in source:
        raise ReleaseError(
            f"No checksum is known for the archive {source} on the controller. Set mattermost:release:sha256 to what `sha256sum {source}` prints there."
        )
    signature = _brought(release["signature"], f"{place}.sig", "signature", ca_file, pause)
    key = _brought(release["key"], f"{place}.key", "key (mattermost:release:key)", ca_file, pause)
    if source.startswith("file://"):
        place = source[len("file://") :]
        check(place, signature, key, release["key_fingerprint"])
        return place
    if not os.path.exists(place):
        began_fresh = not os.path.exists(f"{place}.part")
        fresh = fetch.complete(source, f"{place}.part", ca_file, pause) or began_fresh
        os.rename(f"{place}.part", place)
    else:
        fresh = False
    try:
        check(place, signature, key, release["key_fingerprint"])
    except ReleaseError:
        os.unlink(place)
        if fresh:
            raise
        return archive(release, name, folder, ca_file, pause)  # it may be the rest of another transfer
    return place


def _brought(source: str, place: str, what: str, ca_file, pause) -> str:
    if source.startswith("file://"):
        place = source[len("file://") :]
        if not os.path.isfile(place):
            raise ReleaseError(f"The {what} {place} does not exist on this host. {WAY_OUT}")
    else:
        if os.path.exists(place):
            os.unlink(place)
        fetch.complete(source, place, ca_file, pause, f"This file holds the vendor's {what}. {WAY_OUT}")
    if os.path.getsize(place) > SMALL:
        raise ReleaseError(
            f"{source} is not a {what}: the file is too large ({os.path.getsize(place)} bytes). {WAY_OUT}"
        )
    return place


def check(archive: str, signature: str, key: str, fingerprint: str) -> None:
    """Refuse an *archive* that *fingerprint*, the pinned key's, has not signed. Raises ReleaseError.

    signature, key: files; the key armoured or binary, others may stand beside it. An expired or revoked key is refused.
    """
    pinned = fingerprint.replace(" ", "").upper()
    with tempfile.TemporaryDirectory(prefix="mattermost-key-") as home:
        keyring = os.path.join(home, "keyring.gpg")
        with open(keyring, "wb") as file:
            file.write(_binary(key))
        command = ["gpgv", "--homedir", home, "--status-fd", "1", "--keyring", keyring, signature, archive]
        try:
            seen = mattermost_subprocess.run(command)
        except FileNotFoundError:
            raise ReleaseError(
                "This host has no gpgv to check the archive's signature. Install package gpgv or gnupg2 on the host, or set mattermost:release:sha256 to a checksum from a source that you trust."
            ) from None
    words = set(re.findall(r"^\[GNUPG:\] ([A-Z_]+)", seen.stdout, re.MULTILINE))
    valid = _PRIMARY.search(seen.stdout)
    reason = ""
    if "BADSIG" in words:
        reason = "the signature belongs to another file"
    elif "NO_PUBKEY" in words:
        reason = "another key signed the archive, or the key file does not contain the pinned key"
    elif "EXPKEYSIG" in words:
        reason = f"the signing key has expired, also in the copy that was just downloaded. The vendor must extend the key {pinned} and publish it again"
    elif words & {"REVKEYSIG", "EXPSIG"}:
        reason = "the signing key is revoked, or the signature has expired"
    elif seen.returncode or not valid or "GOODSIG" not in words:
        reason = (lines_of(seen.stderr.strip()) or ["gpgv gave no reason"])[-1]
    elif valid.group(1) != pinned:
        reason = f"the key {valid.group(1)} signed the archive, not the pinned key {pinned}"
    if reason:
        raise ReleaseError(f"The vendor's signature of {os.path.basename(archive)} is not valid: {reason}. {WAY_OUT}")


def _binary(path: str) -> bytes:
    """Return the keys of a file as gpgv wants them, the armour taken off."""
    with open(path, "rb") as file:
        content = file.read()
    blocks = re.findall(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)-----END PGP", content, re.DOTALL)
    try:
        bodies = [re.split(rb"\r?\n\r?\n", block, maxsplit=1)[1] for block in blocks]
        return b"".join(base64.b64decode(re.sub(rb"\n=[\w+/]{4}\s*$", b"", body.strip())) for body in bodies) or content
    except (IndexError, binascii.Error):
        return content
