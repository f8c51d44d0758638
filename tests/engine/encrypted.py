"""A secret that a pillar holds encrypted, for Salt's gpg renderer."""

from __future__ import annotations

from pathlib import Path

from tests.lab import signer

SECRET = "only-whoever-has-the-key-reads-this"


def secret(key: signer.Signer, folder: Path) -> str:
    """Return `SECRET` as only *key* can read it. folder: for files that go away with it."""
    key.gpg("--passphrase", "", "--quick-add-key", key.fingerprint, "rsa2048", "encr", "never")
    plain, cipher = folder / "plain", folder / "cipher"
    plain.write_text(SECRET)
    key.gpg(
        *("--trust-model", "always", "--armor", "--recipient", key.fingerprint),
        *("--output", str(cipher), "--encrypt", str(plain)),
    )
    plain.unlink()
    return cipher.read_text()
