"""`vagrant up`, `provision` and `destroy` for real, with a lab host in place of the box (tests/lab/vagrant)."""

import os
import shutil
import subprocess

import pytest
import yaml

from tests.scenarios.deployment import ROOT

NAME = "mattermost.test"


class Machine:
    """What `vagrant` does in a folder of its own. host, archive: the lab's; settings: file for them."""

    def __init__(self, lab, host, archive):
        self.lab, self.host = lab, host
        self.dotfiles = lab.directory / "vagrant" / "machine"
        self.folder = self.dotfiles / "salt"
        release = {"version": archive.version, "sha256": archive.sha256, "source": archive.url}
        self.settings = lab.directory / "vagrant" / "settings.sls"
        self.settings.parent.mkdir(parents=True, exist_ok=True)
        self.settings.write_text(yaml.safe_dump({"mattermost": {"release": release}}))

    def vagrant(self, *arguments):
        """Run vagrant and return the finished process."""
        own = {
            "VAGRANT_CWD": str(ROOT / "tests/lab/vagrant"),
            "VAGRANT_HOME": str(self.lab.directory / "vagrant" / "home"),
            "VAGRANT_DOTFILE_PATH": str(self.dotfiles),
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "LAB_HOST": self.host.address,
            "LAB_KEY": str(self.lab.ssh_key),
            "ADDRESS": self.host.address,
            "SETTINGS": str(self.settings),
        }
        return subprocess.run(
            ["vagrant", *arguments], env={**os.environ, **own}, capture_output=True, text=True, timeout=600, check=False
        )

    def ping(self):
        """What the site says to a client that trusts the machine's authority alone."""
        return subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", "15",
             "--cacert", self.folder / "files/machine/authority.pem", "--resolve", f"{NAME}:443:{self.host.address}",
             f"https://{NAME}/api/v4/system/ping"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    def starts(self):
        """When each service that serves users was started."""
        units = "mattermost nginx postgresql@15-main"
        return self.host.ssh(f"systemctl show --property=Id,MainPID,ExecMainStartTimestampMonotonic {units}").stdout


@pytest.fixture
def machine(lab, releases):
    """A machine on a bare host, not up yet; skips, saying so, without vagrant."""
    if not shutil.which("vagrant"):
        pytest.skip("NO VAGRANT: apt-get install --no-install-recommends vagrant")
    with lab.passing("vagrant") as name:
        yield Machine(lab, lab.host(name), releases[0])
    shutil.rmtree(lab.directory / "vagrant", ignore_errors=True)


def test_up_deploys_provision_changes_nothing_destroy_leaves_nothing(machine):
    own = [path for path in (ROOT / "known_hosts", ROOT / "roster") if path.exists()]
    up = machine.vagrant("up", "--provider=lab")
    assert up.returncode == 0, up.stdout + up.stderr
    assert f"https://{NAME}/ is up, on {machine.host.address}" in up.stdout
    assert '"status":"OK"' in machine.ping().stdout.replace(" ", ""), machine.ping()

    before, authority = machine.starts(), (machine.folder / "files/machine/authority.pem").read_bytes()
    again = machine.vagrant("provision")
    assert again.returncode == 0, again.stdout + again.stderr
    assert machine.starts() == before
    assert (machine.folder / "files/machine/authority.pem").read_bytes() == authority

    # the checkout's own, which are for other hosts
    assert [path for path in (ROOT / "known_hosts", ROOT / "roster") if path.exists()] == own

    gone = machine.vagrant("destroy", "--force")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not machine.folder.exists()


@pytest.mark.soak("elsewhere")
def test_a_deployment_that_fails_fails_vagrant_and_says_why(machine):
    machine.settings.write_text("mattermost: {no_setting: 1}\n")
    up = machine.vagrant("up", "--provider=lab")
    assert up.returncode != 0
    assert "no_setting" in up.stdout + up.stderr
    assert "When the cause is corrected: vagrant provision" in up.stdout + up.stderr
