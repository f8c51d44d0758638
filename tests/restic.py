"""A repository of restic whose password is cheap to try: restic's own tests each password for a second of the processor."""

from __future__ import annotations

import base64
import json
import os
from hashlib import scrypt, sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

# restic's fewest rounds
COST = {"N": 2, "r": 1, "p": 1}
# one of the polynomials by which restic may divide files: irreducible, of degree 53
POLYNOMIAL = "25b468838dcb75"


def repository(place, password) -> Path:
    """Make a new repository at *place*, as `restic init` does. What restic's design document says of it is all that is needed."""
    place = Path(place)
    for folder in ("data", "index", "keys", "locks", "snapshots"):
        (place / folder).mkdir(parents=True)
    master, salt = os.urandom(64), os.urandom(64)
    of_password = scrypt(password.encode(), salt=salt, n=COST["N"], r=COST["r"], p=COST["p"], dklen=64)
    words = {
        "mac": {"k": _text(master[32:48]), "r": _text(master[48:])},
        "encrypt": _text(master[:32]),
    }
    key = {
        "created": "2026-01-01T00:00:00Z",
        "username": "root",
        "hostname": "test",
        "kdf": "scrypt",
        **COST,
        "salt": _text(salt),
        "data": _text(_sealed(of_password, words)),
    }
    written = json.dumps(key).encode()
    (place / "keys" / sha256(written).hexdigest()).write_bytes(written)
    config = {"version": 2, "id": os.urandom(32).hex(), "chunker_polynomial": POLYNOMIAL}
    (place / "config").write_bytes(_sealed(master, config))
    return place


def _sealed(key, words) -> bytes:
    """Encrypt *words* as JSON. key: 32 bytes for AES, 16 each for Poly1305-AES's k and r."""
    start = os.urandom(16)
    hidden = Cipher(algorithms.AES(key[:32]), modes.CTR(start)).encryptor().update(json.dumps(words).encode())
    pad = Cipher(algorithms.AES(key[32:48]), modes.ECB()).encryptor().update(start)  # noqa: S305  as the format says
    return start + hidden + Poly1305.generate_tag(key[48:] + pad, hidden)


def _text(octets) -> str:
    return base64.b64encode(octets).decode()
