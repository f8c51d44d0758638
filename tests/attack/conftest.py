"""What a compromised account can do: nothing beyond its own. Needs root, to be what the attacker must not become."""

import os
import shutil
import subprocess

import pytest

from tests.lab.disk import KINDS, Disk


def pytest_collection_modifyitems(items):
    if os.geteuid() == 0:
        return
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)):
            item.add_marker(pytest.mark.skip(reason="NOT ROOT: what root would do for an attacker cannot be shown"))


@pytest.fixture
def disk(tmp_path, request):
    """A disk whose power can be cut; a test's parameter for it is its kind."""
    kind = getattr(request, "param", "ext4")
    if not shutil.which(KINDS[kind][0][0]):
        pytest.skip(f"NO {KINDS[kind][0][0].upper()}: no such disk is cut here.")
    try:
        made = Disk(tmp_path / "image", tmp_path / "disk", kind)
    except (OSError, subprocess.SubprocessError) as err:
        pytest.skip(f"NO LOOP DEVICE: no power can be cut here ({err}).")
    yield made
    made.unmount()
