"""What a license file of the vendor says of itself, as far as its form can tell: only the server can check its signature. Pure.

Form (the server's code, which reads it from MM_LICENSE): base64 of a JSON text, with a signature of 256 bytes at its end.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import mattermost_json

SIGNATURE_BYTES = 256


class License(NamedTuple):
    """``starts``, ``expires``: seconds since 1970. ``product``: the vendor's name of what was bought, "" where it has none."""

    starts: int
    expires: int
    product: str


def read(text: str) -> License:
    """Return what *text*, the content of a license file, says. Raises ValueError, one sentence without any of it."""
    try:
        content = base64.b64decode(text.strip(), validate=True).rstrip(b"\0")
        found = mattermost_json.parse(content[:-SIGNATURE_BYTES])
        moments = [found[name] for name in ("starts_at", "expires_at")]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise ValueError("it is not the content of a license file") from None
    if not all(type(moment) is int and 0 < moment < 10**15 for moment in moments):
        raise ValueError("it does not say until when it is valid")
    return License(*(moment // 1000 for moment in moments), str(found.get("sku_name") or ""))
