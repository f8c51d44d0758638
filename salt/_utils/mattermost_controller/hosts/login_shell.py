"""A POSIX sh script as one line that each login shell reads alike. Pure."""

from __future__ import annotations

import base64
import re
import shlex


def in_sh(script: str, remark: str = "") -> str:
    """Return the words that have ``/bin/sh`` run *script*, with the standard input that they get.

    remark: stands behind the script, for who looks through commands; no quotes.
    csh takes no line break between quotes and expands ``!`` there, fish takes ``\\`` for its own and has no here-documents.
    """
    if re.fullmatch(r"[^\n\\!]*", script) and not remark:
        return f"/bin/sh -c {shlex.quote(script)}"
    packed = base64.b64encode(script.encode()).decode()
    return f"/bin/sh -c 'eval \"$(echo {packed} | base64 -d)\"{remark and ' # '}{remark}'"
