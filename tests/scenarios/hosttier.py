"""The host tier, run against a host that was deployed just now, as a person would run it after `make trial`."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.scenarios.deployment import ROOT


def holds(deployment) -> None:
    """Run tests/host against *deployment*; AssertionError with what pytest says when it is not all green."""
    environment = {
        **os.environ,
        "HOST_ID": deployment.name,
        "ADDRESS": deployment.host.address,
        "SSH_KEY": str(deployment.lab.ssh_key),
        "CA_FILE": str(deployment.lab.ca_file),
        "URL": f"https://{deployment.name}",
        "SALT_SALTFILE": str(deployment.directory / "Saltfile"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/host"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NO DEPLOYED HOST" not in done.stdout
