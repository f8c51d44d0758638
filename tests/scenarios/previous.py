"""The previous release of this bundle, taken from the history of the checkout."""

from __future__ import annotations

import re
import subprocess
import warnings

import pytest
import salt.version

from tests.scenarios.deployment import ROOT

# the tag of the newest release, once there is one
COMMIT = "1223a27e960314a34a1baded884ab11ff6e781f9"
HANDLERS = ("etc/salt/log_handlers", "salt/_log_handlers")


def tree(folder):
    """Unpack its states and its Salt configuration into *folder* and return it; skips, loudly, where the history does not have it."""
    archive = subprocess.run(["git", "archive", COMMIT, "salt", "etc"], cwd=ROOT, capture_output=True)
    if archive.returncode:
        said = archive.stderr.decode().strip()
        text = (
            f"NO PREVIOUS RELEASE: this clone's history lacks {COMMIT[:7]} ({said}); git fetch --unshallow brings it."
        )
        warnings.warn(text, stacklevel=2)
        pytest.skip(text)
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    for handlers in HANDLERS:  # it takes the Salt of its own time alone
        for path in (folder / handlers).glob("*.py"):
            path.write_text(
                re.sub(r"(?m)^SALT_VERSION = .*", f'SALT_VERSION = "{salt.version.__version__}"', path.read_text())
            )
    return folder
