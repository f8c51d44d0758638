"""The Vagrantfile, read by Vagrant itself."""

import os
import shutil
import subprocess

import pytest

from tests import repository
from tests.soak import in_check


@pytest.fixture
def vagrant(tmp_path):
    """A function that runs vagrant with folders of its own; skips, saying so, where it is missing."""
    if not shutil.which("vagrant"):
        pytest.skip("NO VAGRANT: apt-get install --no-install-recommends vagrant")

    def run(*arguments, **variables):
        own = {
            "VAGRANT_HOME": str(tmp_path / "home"),
            "VAGRANT_DOTFILE_PATH": str(tmp_path / "machine"),
            "VAGRANT_CHECKPOINT_DISABLE": "1",
        }
        return subprocess.run(
            ["vagrant", *arguments],
            cwd=variables.pop("cwd", repository.ROOT), env={**os.environ, **own, **variables}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


OTHER = {"BOX": "bento/debian-13", "ADDRESS": "192.168.56.20"}


@pytest.mark.parametrize("variables", in_check([{}, OTHER], {}), ids=["default", "other"])
def test_vagrant_accepts_the_file(vagrant, variables):
    done = vagrant("validate", "--ignore-provider", **variables)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.exhaustive
def test_vagrant_refuses_what_it_does_not_know(vagrant, tmp_path):
    """The check above can fail."""
    text = (repository.ROOT / "Vagrantfile").read_text()
    (tmp_path / "Vagrantfile").write_text(text.replace("config.vm.hostname =", "config.vm.host_name_of_it ="))
    done = vagrant("validate", "--ignore-provider", cwd=tmp_path)
    assert done.returncode != 0


def test_a_box_that_is_not_deployed_to_is_not_named():
    platforms = (repository.ROOT / "salt/mattermost/platforms.yaml").read_text().lower()
    named = [
        word
        for line in (repository.ROOT / "Vagrantfile").read_text().splitlines()
        if line.startswith("# ")
        for word in line.split()
        if word.startswith(("bento/", "generic/"))
    ]
    assert len(named) >= 4
    for box in named:
        system = box.split("/")[1].replace("centos7", "centos-7").replace("-", " ").lower()
        assert f"name: {system}" in platforms, box
