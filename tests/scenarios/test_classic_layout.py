"""The classic places: the page's own commands, then the run from another folder."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests import classic
from tests.scenarios.deployment import BIN


@pytest.fixture
def elsewhere():
    """A folder with a short name: ssh's control socket below it may have 108 characters."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_run_from_the_classic_places_changes_nothing(deployed_host, elsewhere):
    folder = classic.lay_out(elsewhere)
    given = deployed_host.directory
    (folder / "roster").write_text((given / "roster").read_text())
    (folder / "known_hosts").write_text((given / "known_hosts").read_text())
    pillar = elsewhere / "srv" / "pillar"
    pillar.unlink()  # the link to the checkout's own, which is the user's
    pillar.symlink_to(given / "pillar")
    command = [BIN / "salt-run", "-c", folder, "state.orchestrate", "mattermost.ssl", "--out=json"]
    environment = {name: value for name, value in os.environ.items() if name != "SALT_SALTFILE"}
    done = subprocess.run(
        command, cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (stages,) = json.loads(done.stdout)["data"].values()
    assert {stage["__id__"]: stage["changes"] for stage in stages.values() if stage["changes"]} == {}
