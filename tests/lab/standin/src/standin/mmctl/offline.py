"""``mmctl config subpath``: no server, no login, only files."""

from __future__ import annotations

import json
import os

from .. import subpath as rewriting
from .client import CommandError

SAID = "Config subpath successfully modified"


def subpath(flags: dict) -> int:
    """Rewrite a web client. The path is not checked, as the real one does not."""
    missing = [name for name, short in (("assets-dir", "a"), ("path", "p")) if name not in flags and short not in flags]
    if missing:
        raise CommandError("required flag(s) " + ", ".join(f'"{name}"' for name in missing) + " not set")
    try:
        rewriting.rewrite(
            os.path.abspath(flags.get("assets-dir", flags.get("a"))), flags.get("path", flags.get("p")) or "/"
        )
    except rewriting.SubpathError as error:
        raise CommandError(f"failed to update assets subpath: {error}") from None
    print(json.dumps([SAID]) if flags.get("json") else SAID)
    return 0
