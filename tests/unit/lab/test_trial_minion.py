"""A trial by Salt's own engine: what its master is told, and whose keys it takes."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from salt.utils.crypt import pem_finger

from tests.lab import trial, trial_minion
from tests.lab.errors import LabError
from tests.lab.plan import Instance

LAB = SimpleNamespace(directory=Path("/checkout/.lab"), short=Path("/run/lab/0.s"), root=Path("/checkout"))
LAB.instance = Instance(2)


def test_the_master_takes_no_key_by_itself_and_is_the_trials_own():
    options = trial_minion.master_options(LAB)
    assert not {"auto_accept", "open_mode", "autosign_file"} & set(options)
    assert options["interface"] == LAB.instance.gateway
    assert options["root_dir"].startswith("/checkout/.lab/")


def test_each_host_gets_its_own_settings_and_the_master_only_who_they_are(tmp_path):
    root = tmp_path / "root.pem"
    root.write_text("authority")
    given = {name: {"mattermost": {"email": name, "letsencrypt": {"ca_file": str(root)}}} for name in ("a", "b")}
    found = trial_minion.pillars(given)
    assert found["top"]["base"] == {"a": ["host-0"], "b": ["host-1"], "*_master": ["engine"]}
    assert found["host-1"]["mattermost"] == {"email": "b", "letsencrypt": {"ca_file": "authority"}}
    assert found["engine"] == {"mattermost": {"engine": "minion", "hosts": ["a", "b"]}}


PEM = "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize(("there", "accepted"), [("MIIB", True), ("MIIC", False)])
def test_a_key_is_accepted_when_it_is_the_one_of_the_host(monkeypatch, tmp_path, there, accepted):
    told = []

    def asked(etc, name, *words):
        told.append(words)
        return {"chat": True}

    monkeypatch.setattr(trial_minion, "asked", asked)
    (tmp_path / "minions_pre").mkdir()
    (tmp_path / "minions_pre/chat").write_text(PEM.format("MIIB").rstrip())  # as a master keeps it
    (tmp_path / "minion.pub").write_text(PEM.format(there))
    said = json.dumps({"local": pem_finger(str(tmp_path / "minion.pub"))})
    host = SimpleNamespace(ssh=lambda command: SimpleNamespace(stdout=said))
    if accepted:
        trial_minion.accept("/etc", tmp_path, host, "chat")
    else:
        with pytest.raises(LabError, match="another key of chat"):
            trial_minion.accept("/etc", tmp_path, host, "chat")
    assert (("-y", "-a", "chat") in told) is accepted


@pytest.mark.parametrize(
    ("platform", "python"), [("debian12", "/usr/bin/python3"), ("el7", "/opt/minion/salt/bin/python3")]
)
def test_a_host_with_another_python_gets_one_with_its_salt(monkeypatch, tmp_path, capsys, platform, python):
    (tmp_path / "python").mkdir()
    monkeypatch.setattr(trial_minion.relenv, "build", lambda cache: "archive")
    unpacked = []
    monkeypatch.setattr(trial_minion, "run", lambda command, timeout: unpacked.append(command))
    lab = SimpleNamespace(cache=tmp_path)
    assert trial_minion.bring_salt(lab, SimpleNamespace(platform=platform), tmp_path)[0] == python
    assert [command[2] for command in unpacked] == (["archive"] if platform == "el7" else [])
    assert ("an archive that the lab makes" in capsys.readouterr().out) == (platform == "el7")


def test_several_hosts_are_for_minions():
    with pytest.raises(LabError, match="ENGINE=minion"):
        trial.run(LAB, "debian12", None, "mattermost.ssl", "ssh", 2)
