"""The record of what a host was like: taken of any files, and what a removal does by it."""

import glob
import os

import mattermost_baseline_record as records
import mattermost_firewall_firewalld as firewalld
import pytest

from tests.states import load_state

GRAINS = {"os": "CentOS"}
DEAD = ["mirrorlist.example.test"]
REPO = b"# B\xe4rbel's\n[base]\nmirrorlist=http://mirrorlist.example.test/?repo=os\nenabled=1\n"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Have what matches a pattern below tmp_path, and return the platform of a host that is looked at there."""
    found = glob.glob
    monkeypatch.setattr(glob, "glob", lambda pattern: found(f"{tmp_path}{pattern}"))
    monkeypatch.setattr(records, "unit", lambda name: {"enabled": False, "active": False})
    monkeypatch.setattr(records.packages.Packages, "names", lambda self: ["base"])
    monkeypatch.setattr(records.packages.Packages, "keys", lambda self: {})
    monkeypatch.setattr(records.firewall, "running", lambda: False)
    monkeypatch.setattr(firewalld, "CONF", str(tmp_path / "firewalld.conf"))
    monkeypatch.setattr(firewalld, "OWN", str(tmp_path / "zones"))
    nginx = {"service": "nginx", "snippet_dir": "/etc/nginx/mattermost", "unit_dropin": "/etc/systemd/system/x/y"}
    nginx |= {"site_dir": "/etc/nginx/conf.d", "default_sites": [], "packages": []}
    postgresql = {"service": "p", "enable": "p", "data_dir": str(tmp_path / "data"), "config_dir": str(tmp_path)}
    certbot = {"timer": "certbot.timer", "directory": str(tmp_path / "letsencrypt"), "service": "certbot"}
    return {
        "nginx": nginx,
        "postgresql": postgresql,
        "certbot": certbot,
        "firewall": {"service": "firewalld"},
        "repositories": {"modules_off": [], "dead_hosts": DEAD, "keys": {}},
        "selinux": {"booleans": []},
    }


@pytest.fixture
def paths(tmp_path):
    return {name: str(tmp_path / name) for name in ("work", "install", "settings")}


def noted(host, paths, monkeypatch):
    """Take the record as a deploy does; return the state's answer."""
    monkeypatch.setattr(records, "is_deployed", lambda paths: False)
    bundle = {"version": "1.0.0", "breaking_changes": 1}
    return load_state("mattermost_baseline").recorded("x", host, paths, bundle)


def put(folder, name, data):
    path = os.path.join(os.fsencode(folder), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return os.fsdecode(path)


def switched_off(path, monkeypatch):
    """Have the repository of a dead host off in *path*, as a deploy does."""
    managing = load_state("mattermost_repositories")
    managing.__grains__ = GRAINS
    monkeypatch.setattr(managing, "_unusable", lambda *_: "")
    monkeypatch.setattr(managing, "FOLDER", "/etc/yum.repos.d")
    monkeypatch.setattr(managing.config, "differing", lambda wanted: {path: wanted[path]})
    assert managing.managed("system", {}, {}, DEAD)["changes"] == {path: "switched off: base"}


def test_a_repository_file_with_a_password_stays_roots_alone(host, paths, tmp_path, monkeypatch):
    path = put(tmp_path, b"etc/yum.repos.d/base.repo", REPO + b"password=secret\n")
    os.chmod(path, 0o600)
    noted(host, paths, monkeypatch)
    switched_off(path, monkeypatch)
    assert os.stat(path).st_mode & 0o777 == 0o600
    load_state("mattermost_baseline_restore").system("x", host, paths)
    assert os.stat(path).st_mode & 0o777 == 0o600
