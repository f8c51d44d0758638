"""The packages that a bare host fetches while Salt is on its way: for whom, by which commands, and that nothing depends on it."""

import fcntl
import types
from pathlib import Path

import pytest
from mattermost_controller.stages import ahead

PLATFORM = {name: {"packages": [name]} for name in ("postgresql", "nginx", "backup", "certbot", "firewall")}
BARE = {
    "first_deploy": True,
    "settings": {"platform": {"packages": ["curl"], "repositories": {"kind": "none"}, **PLATFORM}},
}
STAGES = ["mattermost.deploy.packages", "mattermost.deploy.database"]


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host whose apt notes what it is asked, with its environment; the commands run here."""
    monkeypatch.setattr(ahead, "AHEAD", str(tmp_path / "lock"))
    apt = tmp_path / "apt-get"
    apt.write_text(
        f"#!/bin/sh\necho $DEBIAN_FRONTEND $LC_ALL $* >>{tmp_path}/asked\necho 0 upgraded, 83 newly installed, 0 to remove\n[ ! -e {tmp_path}/fails ]\n"
    )
    apt.chmod(0o755)
    begun = []

    def stream(script):
        begun.append(script)
        return ["sh", "-c", f"read line; [ $line = secret ] || exit 1; PATH={tmp_path}:$PATH; {script}"], b"secret\n"

    return types.SimpleNamespace(id="chat", stream=stream, begun=begun)


def asked(tmp_path):
    path = tmp_path / "asked"
    return path.read_text().splitlines() if path.exists() else []


UPDATE = "noninteractive C -q -o APT::Update::Error-Mode=any update"
FETCH = "noninteractive C -q -y --no-install-recommends --download-only install curl postgresql nginx backup certbot firewall"


def uptime():
    return float(Path("/proc/uptime").read_text().split()[0])


def run(host, monkeypatch):
    """Run to its end what is begun for a bare host."""
    processes, begin = [], ahead._begin
    monkeypatch.setattr(ahead, "_begin", lambda *words: processes.append(begin(*words)) or processes[-1])
    with ahead.fetching([host], {"chat": BARE}, STAGES, False):
        return processes[0].wait(20)


def test_a_bare_host_fetches_the_packages_of_all_components(host, tmp_path, monkeypatch):
    assert run(host, monkeypatch) == 0
    assert asked(tmp_path) == [UPDATE, FETCH]
    then, number = (tmp_path / "lock").read_text().splitlines()
    assert 0 <= uptime() - float(then.split()[0]) < 60
    assert number == "83"


def test_a_mirror_that_does_not_answer_is_the_stages_to_tell(host, tmp_path, monkeypatch):
    (tmp_path / "fails").touch()
    run(host, monkeypatch)
    assert asked(tmp_path) == [UPDATE]
    assert (tmp_path / "lock").read_text() == ""


def test_nothing_is_fetched_once_salt_installs(host, tmp_path, monkeypatch):
    with (tmp_path / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run(host, monkeypatch) == 0
    assert asked(tmp_path) == []


def test_a_host_without_apt_fetches_nothing(host, tmp_path, monkeypatch):
    host.stream = lambda script: (["/bin/sh", "-c", f"PATH=/nonexistent; {script}"], b"")
    assert run(host, monkeypatch) == 0
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize(
    ("known", "stages", "test"),
    [
        ({**BARE, "first_deploy": False}, STAGES, False),
        (
            {**BARE, "settings": {"platform": {**BARE["settings"]["platform"], "repositories": {"kind": "apt"}}}},
            STAGES,
            False,
        ),
        ({}, STAGES, False),
        (BARE, ["mattermost.deploy.database"], False),
        (BARE, STAGES, True),
    ],
    ids=["deployed", "other repositories come first", "no preflight", "no packages", "dry run"],
)
def test_for_whom_nothing_is_fetched(host, known, stages, test):
    with ahead.fetching([host], {"chat": known} if known else {}, stages, test):
        assert host.begun == []
