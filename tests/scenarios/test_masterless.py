"""A host applies `mattermost` to itself, with this Python's Salt and no master: a bare one, and one that was deployed over ssh."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

import salt
from tests.lab.trial import dump

HOME = "opt/masterless"
UNUSED = ("libcloud*", "pip*", "virtualenv*", "hypothesis*", "ruff*", "shellcheck*")
# not by PYTHONPATH: the host's own programs in Python would inherit it
PROGRAM = f'import sys; sys.path.insert(0, "/{HOME}/python"); from salt.scripts import salt_call; salt_call()'
CALL = f"python3 -I -c '{PROGRAM}' --local -c /{HOME}/etc --out=json "


class Masterless:
    """deployment: whose host and settings these are."""

    def __init__(self, deployment):
        self.deployment, self.home = deployment, deployment.host.root / HOME
        shutil.copytree(Path(salt.__file__).parents[1], self.home / "python", ignore=shutil.ignore_patterns(*UNUSED))
        own = str(deployment.tree / "salt/mattermost")  # whose local/ other tests write to
        shutil.copytree(
            deployment.tree / "salt", self.home / "salt", ignore=lambda folder, _: {"local"} if folder == own else set()
        )
        roots = {
            name: {"base": [f"/{HOME}/{folder}"]}
            for name, folder in (("file_roots", "salt"), ("pillar_roots", "pillar"))
        }
        dump(self.home / "etc/minion", {"id": deployment.name, "root_dir": f"/{HOME}", "file_client": "local", **roots})
        self.take_settings()
        self.call("saltutil.sync_all")

    def take_settings(self):
        settings = yaml.safe_load((self.deployment.directory / "pillar/mattermost.sls").read_text())
        authority = settings["mattermost"]["letsencrypt"]
        authority["ca_file"] = Path(authority["ca_file"]).read_text()  # a path on the controller is none here
        dump(self.home / "pillar/top.sls", {"base": {"*": ["mattermost"]}})
        dump(self.home / "pillar/mattermost.sls", settings)

    def call(self, words):
        said = self.deployment.ssh(CALL + words, timeout=600, check=False)
        assert said.startswith("{"), said
        return json.loads(said)["local"]

    def apply(self):
        """Return the states of ``mattermost`` by ID."""
        found = self.call("state.apply mattermost")
        assert isinstance(found, dict), found
        return {state["__id__"]: state for state in found.values()}


@pytest.fixture
def masterless(deployed_host):
    return Masterless(deployed_host)


def wrong(states):
    return {name: state["comment"] for name, state in states.items() if state["result"] is not True}


def changed(states):
    return {name: state["changes"] for name, state in states.items() if state["changes"]}


@pytest.mark.soak("minion")
def test_it_deploys_a_bare_host(bare):
    masterless = Masterless(bare)
    states = masterless.apply()
    assert wrong(states) == {}
    assert "nginx-serves-the-site-over-https" in changed(states)
    bare.wait_until_healthy()
    before = bare.main_pids()
    states = masterless.apply()
    assert (wrong(states), changed(states)) == ({}, {})
    assert bare.main_pids() == before


def test_it_takes_the_host_over_repairs_it_and_never_upgrades_it(masterless, releases):
    host = masterless.deployment
    before = host.main_pids()
    states = masterless.apply()
    assert (wrong(states), changed(states)) == ({}, {})
    assert host.main_pids() == before

    host.ssh("rm /etc/nginx/conf.d/mattermost-ssl.conf /usr/local/sbin/mattermost-backup && systemctl reload nginx")
    states = masterless.apply()
    assert wrong(states) == {}
    assert {"nginx-serves-the-site-over-https", "backup-program-is-in-place"} <= set(changed(states))
    host.wait_until_healthy()

    host.use(releases[-1])
    masterless.take_settings()
    states = masterless.apply()
    refusal = states["nothing-is-due-that-needs-an-orchestration"]
    assert refusal["result"] is False
    assert f"the settings name {releases[-1].version}" in refusal["comment"]
    assert changed(states) == {}
    assert host.main_pids()["mattermost"] == before["mattermost"]
