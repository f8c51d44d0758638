"""The trial host that ``. .lab/trial.env`` names, for programs that use it from outside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def ssh(script, check=True, timeout=180) -> subprocess.CompletedProcess:
    """Run a shell script on it as root."""
    known = Path(os.environ["SALT_SALTFILE"]).parent / "known_hosts"
    options = ["-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known}", "-i", os.environ["SSH_KEY"]]
    command = ["ssh", *options, f"root@{os.environ['ADDRESS']}", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=check)


def admin_login() -> tuple[str, str]:
    """User name and password of its first administrator."""
    shown = ssh("cat /etc/mattermost/first-admin-login").stdout
    fields = dict(line.split(": ", 1) for line in shown.splitlines() if ": " in line)
    return fields["username"], fields["password"]
