"""No host waits for another: each of many is at work before the first one has ended."""

import hashlib
import threading
from types import SimpleNamespace

import pytest
from mattermost_controller.hosts import minion, roster
from mattermost_controller.stages import apply as stage_run

from tests import states

SECONDS = 20


def test_twenty_minions_apply_their_stages_at_once(monkeypatch):
    together = threading.Barrier(20, timeout=SECONDS)
    monkeypatch.setattr(roster, "_override", {})

    class Host(minion.Minion):
        def connect(self):
            return roster.Result(0, "", "")

        def job(self, function, *_, **__):
            if function == "state.sls":
                together.wait()
            return {"done": self.id}

    hosts = [Host(f"m{number}", {}) for number in range(20)]
    found = stage_run.apply({}, hosts, ["mattermost.deploy.server"], {}, test=False)
    assert found == {host.id: {"return": {"done": host.id}} for host in hosts}


def test_eight_hosts_are_logged_in_to_at_once():
    """An idle connection ends, so a batch that comes later logs in again."""
    together = threading.Barrier(8, timeout=SECONDS)

    class Host(roster.Host):
        def connect(self):
            together.wait()
            return roster.Result(255, "", "No route to host")

    hosts = [Host(f"h{number}", {}, {}) for number in range(8)]
    found = stage_run.apply({}, hosts, ["mattermost.deploy.server"], {}, test=False)
    assert found == {host.id: {"stderr": "No route to host"} for host in hosts}


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A function that copies an archive to hosts by what each answers to a copy; returns the step."""
    source = tmp_path / "mattermost.tar.gz"
    source.write_bytes(b"a release")
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()

    def go(sends, test=False, sha256=sha256):
        release = {"version": "11.8.1", "arch": "amd64", "edition": "team", "source": str(source), "sha256": sha256}
        settings = {
            "release": {**release, "pinned": True},
            "paths": {"work": "/var/lib/mattermost-deploy", "install": "/opt/mattermost"},
        }
        shell = states.load_state("mattermost_archive", test)
        for host_id, send in sends.items():
            host = SimpleNamespace(id=host_id, run=lambda *_, **__: roster.Result(0, "", ""), send=send)
            known = {"host": host, "settings": settings, "facts": {"current": ""}}
            shell.__context__.setdefault("mattermost_preflight", {})[host_id] = known
        return shell.available("archive")

    return go


def test_an_archive_is_copied_to_all_hosts_at_once(archive):
    together = threading.Barrier(8, timeout=SECONDS)
    made = archive(
        {f"h{number}": lambda *_: together.wait() and None or roster.Result(0, "", "") for number in range(8)}
    )
    assert (made["result"], list(made["changes"])) == (True, [f"h{number}" for number in range(8)])


def test_each_host_that_gets_no_archive_is_named(archive):
    def full(*_):
        return roster.Result(1, "", "No space left on device")

    made = archive({"a": full, "b": lambda *_: roster.Result(0, "", ""), "c": full})
    assert made["result"] is False
    assert made["comment"].splitlines() == [
        f"The archive could not be copied to {host}: No space left on device." for host in "ac"
    ]


def test_an_archive_with_another_sum_is_copied_nowhere(archive):
    made = archive({"a": lambda *_: pytest.fail("copied")}, sha256="0" * 64)
    assert (made["result"], made["changes"]) == (False, {})
    assert "Nothing was copied" in made["comment"]


def test_a_dry_run_copies_nothing(archive):
    made = archive({"a": lambda *_: pytest.fail("copied")}, test=True)
    assert (made["result"], made["comment"]) == (
        None,
        "a: mattermost-team-11.8.1-linux-amd64.tar.gz would be copied to the host.",
    )
