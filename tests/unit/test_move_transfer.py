"""A wire that breaks in the middle of a move: what is told is the cause, and what comes after it is still done."""

import subprocess
import time
import types

import pytest
from mattermost_controller.moving import transfer


class End:
    """Runs here what would run on a host."""

    own = "/nonexistent"

    def __init__(self, name, *argv):
        self.host = types.SimpleNamespace(id=name, stream=lambda script: (list(argv) or ["sh", "-c", script], b""))

    def script(self, command):
        return command


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(transfer, "HEARTBEAT_SECONDS", 0.1)


GIVE = "for i in $(seq 50); do head -c 3000 /dev/zero || exit 1; done"


def fail_while_the_wire_is_cut():
    with transfer.Heartbeat(End("old", "sh", "-c", "exit 255")):
        time.sleep(0.5)
        raise transfer.TransferError("the cause")


def test_a_heart_whose_wire_was_cut_leaves_the_failure_as_it_is():
    with pytest.raises(transfer.TransferError, match="^the cause$"):
        fail_while_the_wire_is_cut()


def test_what_comes_after_a_heart_whose_wire_was_cut_is_done():
    with transfer.Heartbeat(End("old", "sh", "-c", "exit 255")) as heart:
        time.sleep(0.5)
    assert heart._child.returncode == 255


def test_a_heart_that_does_not_end_is_ended(monkeypatch):
    with transfer.Heartbeat(End("old", "sleep", "60")) as heart:
        wait = heart._child.wait
        monkeypatch.setattr(heart._child, "wait", lambda timeout=None: wait(timeout and 0.1))
    assert heart._child.returncode == -9


def test_a_target_that_breaks_off_is_told_in_its_own_words():
    take = End("new", "sh", "-c", "head -c 10000 >/dev/null; echo 'tar: No space left on device' >&2; exit 1")
    with pytest.raises(transfer.TransferError, match="^new: tar: No space left on device\\.$"):
        transfer.pipe(End("old"), GIVE, take, "receive")


def test_all_that_is_given_arrives(tmp_path):
    transfer.pipe(End("old"), GIVE, End("new"), f"cat >{tmp_path}/got")
    assert subprocess.run(["wc", "-c", tmp_path / "got"], capture_output=True, text=True).stdout.split()[0] == "150000"
