"""Another program that installs packages is waited for and named: real locks, held by a real process."""

import subprocess
import sys
import time
from pathlib import Path

import mattermost_packages
import mattermost_progress
import pytest
import salt.utils.pkg

from tests.states import load_state

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def state(tmp_path, monkeypatch):
    state = load_state("mattermost_package_lock")
    monkeypatch.setattr(state, "LOCKS", (str(tmp_path / "lists"), str(tmp_path / "lock-frontend")))
    monkeypatch.setattr(state, "YUM", str(tmp_path / "yum.pid"))
    monkeypatch.setattr(state, "AHEAD", str(tmp_path / "ahead"))
    monkeypatch.setattr(state, "PAUSE", 0.05)
    monkeypatch.setattr(state.Packages, "names", lambda self: ["curl"])
    (tmp_path / "lock-frontend").write_text("")
    return state


@pytest.fixture
def held(tmp_path):
    """A function that has a program called unattended-upgrade hold the lock for some seconds."""
    program, holders = tmp_path / "unattended-upgrade", []
    program.write_text(HOLD)

    def hold(seconds):
        command = [sys.executable, str(program), str(tmp_path / "lock-frontend"), str(seconds)]
        holders.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        holders[-1].stdout.readline()
        return holders[-1].pid

    yield hold
    for holder in holders:
        holder.kill()
        holder.communicate()


def test_nobody_is_waited_for_where_nobody_installs(state):
    assert state.free("x", ["curl", "nginx"]) == {
        "name": "x",
        "result": True,
        "changes": {},
        "comment": "No other program keeps this run from installing its packages.",
    }


def test_who_installs_is_waited_for_and_named(state, held, monkeypatch):
    told = []
    monkeypatch.setattr(mattermost_progress, "tell_part", lambda *words: told.append(words))
    number, began = held(1), time.monotonic()
    done = state.free("x", ["curl", "nginx"])
    assert done["result"] is True
    assert time.monotonic() - began > 0.5
    who = f"unattended-upgrade (process {number})"
    assert who in done["comment"]
    assert (told[0], told[-1]) == (("installing packages:", who), ("installing packages:",))


def test_one_that_does_not_end_is_the_cause(state, held, monkeypatch):
    monkeypatch.setattr(state, "LONGEST", 0.2)
    number = held(60)
    done = state.free("x", ["nginx"])
    assert done["result"] is False
    assert done["comment"].startswith(f"This run waited 0.0 minutes for unattended-upgrade (process {number}), because")
    assert "start this run again" in done["comment"]


@pytest.mark.parametrize(
    ("pkgs", "test"),
    [(["curl"], False), ([{"curl": "7.1"}], False), (["nginx"], True)],
    ids=["nothing missing", "nothing missing of a version", "dry run"],
)
def test_who_installs_nothing_waits_for_nobody(state, held, pkgs, test):
    held(60)
    state.__opts__["test"] = test
    began = time.monotonic()
    assert state.free("x", pkgs)["result"] is True
    assert time.monotonic() - began < 5


def test_a_yum_that_died_holds_nothing(state, tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / "yum.pid").write_text(f"{dead.pid}\n")
    assert state.free("x", ["nginx"])["comment"] == "No other program keeps this run from installing its packages."


def test_what_this_run_began_to_fetch_is_waited_for_and_then_nothing_is_begun_any_more(state, tmp_path):
    take = ["flock", "-n", str(tmp_path / "ahead")]
    subprocess.Popen(["flock", str(tmp_path / "ahead"), "sleep", "2"])  # waits where the question below was first
    deadline = time.monotonic() + 20
    while subprocess.run([*take, "true"]).returncode == 0:
        assert time.monotonic() < deadline
    assert "the package download that this run began" in state.free("x", ["nginx"])["comment"]
    assert subprocess.run([*take, "true"]).returncode == 1
    assert state.free("x", ["nginx"])["comment"] == "No other program keeps this run from installing its packages."


@pytest.mark.parametrize(
    ("then", "again"),
    [(lambda now: f"{now - 5} 1.0\n", False), (lambda now: f"{now - 3600} 1.0\n", True), (lambda now: "", True)],
)
def test_lists_that_this_run_fetched_a_moment_ago_are_not_fetched_again(state, tmp_path, then, again):
    state.__opts__["cachedir"] = str(tmp_path)
    salt.utils.pkg.write_rtag(state.__opts__)
    (tmp_path / "ahead").write_text(then(float(Path("/proc/uptime").read_text().split()[0])))
    state.free("x", ["nginx"])
    assert salt.utils.pkg.check_refresh(state.__opts__) is again


def test_how_far_the_packages_are_is_told_while_they_are_installed(state, tmp_path, monkeypatch):
    log = tmp_path / "dpkg.log"
    log.write_text("2026-11-27 10:00:00 status installed curl:amd64 7.88\n")
    monkeypatch.setattr(mattermost_packages, "DPKG_LOG", str(log))
    state.__opts__["cachedir"] = str(tmp_path)
    (tmp_path / "ahead").write_text(f"{Path('/proc/uptime').read_text()}2\n")
    state.free("x", ["nginx"])
    said = [mattermost_progress.parts()]
    for line in (
        *("startup archives unpack", "status unpacked nginx:amd64 1.22", "status triggers-pending libc-bin:amd64 2.36"),
        *(
            "status unpacked restic:amd64 0.14",
            "status installed nginx:amd64 1.22",
            "status installed libc-bin:amd64 2.36",
        ),
        "status installed restic:amd64 0.14",
    ):
        with log.open("a") as file:
            file.write(f"2026-11-27 17:00:00 {line}\n")
        said.append(mattermost_progress.parts())
    shares = ["packages 25 % of 2", "packages 50 % of 2", "packages 75 % of 2"]
    assert said == ["", "", shares[0], shares[0], shares[1], shares[2], shares[2], ""]
