"""The trial's own Salt configuration."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tests.lab import trial
from tests.lab.archives import Archive
from tests.lab.errors import LabError
from tests.lab.plan import Instance

CHECKOUT = Path(__file__).resolve().parents[3]
LAB = Path("/checkout/.lab")


@pytest.fixture
def master():
    real = yaml.safe_load((CHECKOUT / "etc/salt/master").read_text())
    return trial.master_config(real, Path("/checkout"), LAB, Path("/run/mmlab/0.s"))


def test_the_trial_reads_the_checkouts_states(master):
    assert master["file_roots"] == {"base": ["/checkout/salt"]}
    assert master["ssh_minion_opts"]["wrapper_dirs"] == ["/checkout/salt/_wrapper"]


def test_the_trial_keeps_off_the_users_files(master):
    assert master["root_dir"] == "/checkout/.lab/salt"
    assert master["roster_file"] == "/checkout/.lab/roster"
    assert master["pillar_roots"] == {"base": ["/checkout/.lab/pillar"]}
    users = ("/checkout/roster", "/checkout/pillar", "/checkout/known_hosts", ".salt")
    assert not [word for word in users if word in yaml.safe_dump(master)]


def test_the_trial_pins_its_own_host_keys(master):
    assert "UserKnownHostsFile=/checkout/.lab/known_hosts" in master["ssh_options"]
    assert "StrictHostKeyChecking=yes" in master["ssh_options"]
    assert len([option for option in master["ssh_options"] if option.startswith("UserKnownHostsFile=")]) == 1


def test_other_options_stay_as_they_are(master):
    assert master["ssh_minion_opts"]["failhard"] is True


def test_the_roster_has_one_host_by_its_public_name():
    assert trial.roster(Instance(2), "10.203.2.11", "/key") == {
        "chat.example.test": {"host": "10.203.2.11", "user": "root", "priv": "/key"}
    }


@pytest.mark.parametrize("address", ["192.0.2.9", "10.203.3.11", "10.203.2.1", "chat.example.org"])
def test_an_address_outside_the_lab_is_refused(address):
    with pytest.raises(LabError, match="not a host of this lab"):
        trial.roster(Instance(2), address, "/key")


def settings(archive=None):
    return trial.settings("10.203.2.11", archive, "https://acme/dir", "/root.pem", "/ca.pem")["mattermost"]


def test_an_archive_is_set_as_the_release():
    archive = Archive("1.2.3", "0" * 64, "https://mirror/1.2.3/name.tar.gz", Path("name.tar.gz"))
    assert settings(archive)["release"] == {
        "version": "1.2.3",
        "sha256": "0" * 64,
        "source": "https://mirror/1.2.3/name.tar.gz",
    }


def test_without_an_archive_no_release_is_set():
    assert "release" not in settings()


def test_the_environment_file_exports_what_it_says(tmp_path):
    file = tmp_path / "trial.env"
    file.write_text(trial.environment({"URL": "https://x", "ODD": "a b'c", "PATH": "/venv/bin"}))
    shown = subprocess.run(
        ["/bin/sh", "-c", '. "$0" && /usr/bin/env', str(file)],
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert {"URL=https://x", "ODD=a b'c", "PATH=/venv/bin:/usr/bin"} <= set(shown)


def test_a_trial_names_the_url_the_orchestration_serves():
    made = SimpleNamespace(address="10.203.2.11")
    for orchestration, url, port in [
        ("ssl", "https://chat.example.test/", 443),
        ("non-ssl", "http://chat.example.test/", 80),
    ]:
        words = trial.farewell(made, f"mattermost.{orchestration}", "/ca.pem")
        assert f"{url} is up" in words
        assert f"--resolve chat.example.test:{port}:10.203.2.11 {url}" in words


def test_the_run_of_a_trial_has_what_the_environment_file_sets(monkeypatch):
    seen = []
    variables = {"CURL_CA_BUNDLE": Path("/lab/authority.pem"), "PATH": Path("/lab/bin")}
    monkeypatch.setattr(trial, "choose_archive", lambda *_: SimpleNamespace(version="11.7.10", path="/a"))
    monkeypatch.setattr(trial, "host", lambda *_: (SimpleNamespace(address="10.203.0.9"), variables))
    ran = SimpleNamespace(returncode=0)
    monkeypatch.setattr(trial.subprocess, "run", lambda *_, **options: seen.append(options["env"]) or ran)
    assert trial.run(SimpleNamespace(root="/", ca_file="/ca"), "debian12", None, "mattermost.ssl") == 0
    assert seen[0]["CURL_CA_BUNDLE"] == "/lab/authority.pem"
    assert seen[0]["PATH"] == os.environ["PATH"]


def test_a_mistyped_platform_is_refused_before_anything_is_built(monkeypatch):
    monkeypatch.setattr(trial, "choose_archive", lambda *_: pytest.fail("it was built"))
    with pytest.raises(LabError, match="Did you mean debian12"):
        trial.run(None, "debain12", None, "mattermost.ssl")
