"""Identifiers, times and passwords."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import re
import time

ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"
ID = re.compile(r"[a-z0-9]{26}")
ROUNDS = 20000  # far fewer than a product needs: the lab logs in often
_random = random.SystemRandom()


def new() -> str:
    """A new 26-character identifier."""
    return "".join(_random.choices(ALPHABET, k=26))


def now() -> int:
    """Milliseconds since 1970, as the database stores times."""
    return int(time.time() * 1000)


def hash_password(password: str, modern: bool) -> str:
    """Hash *password*; *modern* servers (11.0 and later) mark it in a way that older ones cannot check."""
    salt = _random.randbytes(16)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    fields = [f"$pbkdf2$f=SHA256,w={ROUNDS},l=32" if modern else f"$2a$stand-in,w={ROUNDS}"]
    return "$".join(fields + [base64.b64encode(part).decode().rstrip("=") for part in (salt, digest)])


def check_password(password: str, stored: str, modern: bool) -> bool:
    """True when *password* is the one behind *stored*. Servers before 11.0 know only their own kind."""
    if stored.startswith("$pbkdf2$") and not modern:
        return False
    try:
        head, salt, digest = stored.rsplit("$", 2)
        rounds = int(re.search(r"w=(\d+)", head).group(1))
        wanted, salt = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in (digest, salt))
    except (ValueError, AttributeError):
        return False
    return hmac.compare_digest(wanted, hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds))
