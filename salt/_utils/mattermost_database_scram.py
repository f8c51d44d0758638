"""SCRAM-SHA-256 verifiers as PostgreSQL stores them, so that a password itself never reaches the server or its log.

Sources: RFC 5802 and 7677 (SCRAM), RFC 4013 (SASLprep), PostgreSQL's description of pg_authid.rolpassword.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata

ITERATIONS = 4096  # PostgreSQL's own number; a verifier with another one is honoured
VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")

PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def saslprep(text: str) -> str:
    """Return the normal form of a password; a text that has none stays as it is, as PostgreSQL does it."""
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    normal = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not normal or any(forbids(c) for c in normal for forbids in PROHIBITED):
        return text
    if any(map(stringprep.in_table_d1, normal)):  # right-to-left text: all of it, and at both ends
        ends = stringprep.in_table_d1(normal[0]) and stringprep.in_table_d1(normal[-1])
        if not ends or any(map(stringprep.in_table_d2, normal)):
            return text
    return normal


def verifier(password: str, salt: bytes = b"", iterations: int = ITERATIONS) -> str:
    """Return what PostgreSQL stores for *password*. salt: 16 random bytes are taken when empty."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", saslprep(password).encode(), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    stored = hashlib.sha256(client).digest()
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def matches(stored: str | None, password: str) -> bool:
    """Say whether the *stored* verifier belongs to *password*; False for none, and for one that is no SCRAM-SHA-256."""
    parts = VERIFIER.fullmatch(stored or "")
    if not parts:
        return False
    again = verifier(password, base64.b64decode(parts[2]), int(parts[1]))
    return hmac.compare_digest(again, stored)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
