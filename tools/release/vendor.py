"""What the vendor says of an archive: the checksum on its page of versions, and its detached signature."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import mattermost_settings_core
import yaml
from mattermost_release_core import ReleaseError

_SCHEMA = Path(__file__).resolve().parents[2] / "salt/mattermost/schema.yaml"
SOURCE = mattermost_settings_core.defaults(yaml.safe_load(_SCHEMA.read_text(encoding="utf-8")))["release"]["source"]
PAGE = "https://docs.mattermost.com/product-overview/version-archive.html"
_SUM = re.compile(r"\b[0-9a-f]{64}\b")
_OTHER = re.compile(r"mattermost-[\w.-]+?\.tar\.gz")


def published(page: str, name: str) -> set[str]:
    """Return the SHA-256 sums that the text or HTML *page* gives for the archive file *name*: usually one or none.

    A sum belongs to the archive that was named last before it.
    """
    found = set()
    for place in re.finditer(re.escape(name), page):
        rest = page[place.end() : place.end() + 4000]
        other = next((each for each in _OTHER.finditer(rest) if each.group() != name), None)
        listed = _SUM.search(rest, 0, other.start() if other else len(rest))
        if listed:
            found.add(listed.group())
    return found


def signer(archive: str, signature: str, key: str) -> str:
    """Return the fingerprint of the key that made the detached *signature* of *archive*, which must be one in the file *key*.

    Raises ReleaseError: no gpg here, no key in that file, a signature that is not good or by another key.
    """
    if not shutil.which("gpg"):
        raise ReleaseError(
            "KEY= is given, but this machine has no gpg to check the signature. Install the package gnupg or gnupg2."
        )
    with tempfile.TemporaryDirectory(prefix="release-key-") as home:
        base = ["gpg", "--homedir", home, "--batch", "--no-tty", "--status-fd", "1", "--no-autostart"]
        taken = subprocess.run([*base, "--import", key], capture_output=True, text=True, check=False)
        if "IMPORT_OK" not in taken.stdout:
            raise ReleaseError(
                f"gpg cannot read a public key from {key}. Give the path of a file with the vendor's public key (KEY=…)."
            )
        seen = subprocess.run([*base, "--verify", signature, archive], capture_output=True, text=True, check=False)
    good = re.search(r"^\[GNUPG:\] VALIDSIG ([0-9A-F]+)(?:.* ([0-9A-F]{40}))?\s*$", seen.stdout, re.MULTILINE)
    if seen.returncode or not good:
        said = next(
            (line for line in seen.stderr.splitlines() if "BAD" in line or "public key" in line),
            "gpg does not accept the signature",
        )
        raise ReleaseError(
            f"The archive has no valid signature by the key in {key}: {said.removeprefix('gpg: ')}. "
            "Check that this is the vendor's key, then get the archive and its .sig file again."
        )
    return good.group(2) or good.group(1)
