"""Another program is run, and what it prints is read."""

from __future__ import annotations

import subprocess


def run(command: list[str] | tuple[str, ...], **options) -> subprocess.CompletedProcess:
    """Run *command* to its end; return its exit status and its output as text, read as UTF-8 whatever bytes it is.

    options: of subprocess.run. Without ``input`` or ``stdin``, the command has nothing to read.
    Raises OSError when it cannot be started, subprocess.TimeoutExpired when it ran for longer than ``timeout``.
    """
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False, **options)
