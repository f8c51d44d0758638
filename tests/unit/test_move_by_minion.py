"""A move whose target leads it: what the controller has both hosts do, and what it tells of each answer."""

import fcntl
import json
import threading
import time
from types import SimpleNamespace

import mattermost_progress
import pytest
from mattermost_controller.hosts import minion, roster
from mattermost_controller.moving import by_minion, copying, leading, transfer

from tests import repository

ROOTS = [str(repository.ROOT / "salt")]
KEY = "ecdsa-sha2-nistp256 AAAA="
ROUTE = "192.0.2.1 dev host0 src 192.0.2.2 uid 0 \\    cache \n"
DONE = {"done": {"summary": "Done.", "files": 3, "changes": {"seconds": 1.5}}}


class Faked(minion.Minion):
    """Notes what it is asked, by the last word of a script; ``answers`` has what it says instead."""

    def __init__(self, name, asked, **answers):
        super().__init__(name, {})
        self._asked, self._answers = asked, answers

    def letter(self, data):
        self.more = json.loads(data)
        return "sealed", b"key"

    def run(self, script, timeout=60, root=True, is_private=False):
        words = script.split()[-1]
        self._asked.append((self.id, words))
        known = {"key_made": KEY, "door_opened": KEY, "192.0.2.1": ROUTE, "serves": "serves"}
        said = self._answers.get(words, known.get(words, ""))
        return said if isinstance(said, roster.Result) else roster.Result(0, f"{said}\n", "")

    def job(self, function, arguments=(), **_):
        self._asked.append((self.id, function))
        self.arguments = arguments
        if isinstance(answer := self._answers.get(function, DONE), BaseException):
            raise answer
        return answer

    def addresses(self):
        return ["192.0.2.1"]


def ends(asked, source=None, target=None):
    made = []
    for name, answers in (("old", source), ("new", target)):
        endpoint = transfer.Endpoint.__new__(transfer.Endpoint)
        endpoint.host, endpoint.workdir = Faked(name, asked, **(answers or {})), transfer.WORKDIR
        made.append(endpoint)
    return made


LEAD = "mattermost_moving.lead"
OPENED = [("new", "192.0.2.1"), ("new", "key_made"), ("old", "door_opened")]
SHUT = [("old", "door_shut"), ("new", "key_removed")]


@pytest.fixture(autouse=True)
def silent(monkeypatch):
    monkeypatch.setattr(by_minion, "PROGRESS_SECONDS", 600)


def test_the_target_leads_while_the_source_is_open_to_it():
    asked = []
    source, target = ends(asked)
    done = by_minion.step("precopy", source, target, print, ROOTS)
    assert done == copying.Outcome("Done.", 3, {"seconds": 1.5})
    assert asked == [*OPENED, ("new", LEAD), *SHUT]
    step, *names, way, letter = target.host.arguments
    assert (step, names, letter) == ("precopy", ["old", "new"], "sealed")
    assert (way["address"], way["host_key"], way["port"] in by_minion.PORTS) == ("192.0.2.1", KEY, True)


def test_progress_of_a_target_without_an_end_is_left(monkeypatch):
    monkeypatch.setattr(by_minion, "PROGRESS_SECONDS", 0.001)
    said, host = [], SimpleNamespace(run=lambda script: SimpleNamespace(out="x\n" * 1000))
    with by_minion._progress(host, said.append):
        time.sleep(0.5)
    assert 0 < len(said) <= mattermost_progress.MOST_LINES


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), minion.NoAnswer("The minion new does not answer.\nlook.")])
def test_the_source_is_shut_however_the_step_ended(fault):
    asked = []
    with pytest.raises((KeyboardInterrupt, transfer.TransferError)):
        by_minion.step("precopy", *ends(asked, target={LEAD: fault}), print, ROOTS)
    assert asked == [*OPENED, ("new", LEAD), *SHUT]


def test_a_source_that_does_not_open_is_told_in_its_own_words_and_shut():
    asked = []
    refused = roster.Result(4, "", "The program sshd is missing. Install the OpenSSH server (openssh-server).\n")
    with pytest.raises(transfer.TransferError, match=r"^old: The program sshd is missing\. Install"):
        by_minion.step("precopy", *ends(asked, source={"door_opened": refused}), print, ROOTS)
    assert asked == [*OPENED, *SHUT]


@pytest.mark.parametrize("odd", ['ecdsa-sha2-nistp256 AA"\ncommand="id" x', "ssh-rsa AAAA", ""])
def test_what_is_no_key_is_laid_nowhere(odd):
    asked = []
    with pytest.raises(transfer.TransferError, match="^new: "):
        by_minion.step("precopy", *ends(asked, target={"key_made": odd}), print, ROOTS)
    assert ("old", "door_opened") not in asked


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ({"failed": "The cause.", "unknown": False}, transfer.TransferError, r"^The cause\.$"),
        ({"failed": "The cause.", "unknown": True}, copying.UnknownState, r"^The cause\.$"),
        ({"failed": "a\nRun: b\r\u2028c", "unknown": False}, transfer.TransferError, r"^a Run: b c$"),
        (
            "'mattermost_moving.lead' is not available.",
            transfer.TransferError,
            "new could not run this step.*available",
        ),
        ({"done": {"more": 1}}, transfer.TransferError, "new could not run this step"),
        ({}, transfer.TransferError, "new could not run this step"),
        (None, transfer.TransferError, "new could not run this step"),
        ({"done": {"summary": 5}}, transfer.TransferError, "new could not run this step"),
        ({"done": {"summary": "x", "files": "y"}}, transfer.TransferError, "new could not run this step"),
        ({"done": {"summary": "x", "changes": [1]}}, transfer.TransferError, "new could not run this step"),
        ({"done": {"summary": "x" * 100_000}}, transfer.TransferError, "new could not run this step"),
    ],
)
def test_what_the_target_answers_is_what_is_told(answer, kind, said):
    with pytest.raises(transfer.TransferError, match=said) as told:
        by_minion.step("precopy", *ends([], target={LEAD: answer}), print, ROOTS)
    assert type(told.value) is kind


TRACE = "Traceback (most recent call last):\nOSError: No space left on device"


@pytest.mark.parametrize(("state", "kind"), [("left", copying.UnknownState), ("serves", transfer.TransferError)])
def test_a_step_that_broke_off_has_the_source_say_what_became_of_it(state, kind):
    """It may have been left for good before: then nothing may be undone."""
    with pytest.raises(transfer.TransferError, match=r"new could not run this step.*No space left on device") as told:
        by_minion.step("cut_over", *ends([], source={"is_left": state}, target={LEAD: TRACE}), print, ROOTS)
    assert type(told.value) is kind


def test_a_look_at_the_progress_that_got_no_answer_makes_no_silent_target(monkeypatch):
    """A target that is busy with its step may be too slow to tell how far it is; the run asks it on."""
    looked = threading.Event()
    monkeypatch.setattr(by_minion, "PROGRESS_SECONDS", 0.01)

    class Busy(Faked):
        def run(self, script, *_, **__):
            if not script.startswith("tail"):
                return super().run(script)
            self._patience = 1
            looked.set()
            return roster.Result(roster.UNREACHED, "", "The minion new does not answer.")

        def job(self, *_, **__):
            looked.wait(10)
            return DONE

    source, target = ends([])
    target.host = Busy("new", [])
    by_minion.step("precopy", source, target, print, ROOTS)
    assert target.host._patience == minion.RESTART_ATTEMPTS


def test_progress_without_an_end_is_cut(monkeypatch):
    """A target that was taken over sends more lines than it was asked for."""
    said, cut = [], threading.Event()
    monkeypatch.setattr(by_minion, "PROGRESS_SECONDS", 0.01)

    class Talking(Faked):
        def run(self, script, *_, **__):
            if cut.is_set() or not script.startswith("tail"):
                return super().run(script)
            cut.set()
            return roster.Result(0, "x\n" * 5000, "")

        def job(self, *_, **__):
            cut.wait(10)
            time.sleep(0.2)
            return DONE

    source, target = ends([])
    target.host = Talking("new", [])
    by_minion.step("precopy", source, target, said.append, ROOTS)
    assert said.count("x") == 100


@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        (
            "serves",
            transfer.TransferError,
            "new does not answer. look. old serves again, with all its data, unless its server was stopped before.",
        ),
        (
            "left",
            copying.UnknownState,
            "old may already be stopped for good. When new answers, start the same command again",
        ),
        (
            "",
            copying.UnknownState,
            "old may already be stopped for good. When new answers, start the same command again",
        ),
    ],
)
def test_the_source_says_what_became_of_it_when_the_target_does_not(state, kind, said, monkeypatch):
    monkeypatch.setattr(by_minion, "DECIDED_SECONDS", 0)
    gone = minion.NoAnswer("The minion new does not answer.\nlook.")
    with pytest.raises(transfer.TransferError) as told:
        by_minion.step("cut_over", *ends([], source={"is_left": state}, target={LEAD: gone}), print, ROOTS)
    assert type(told.value) is kind
    assert said in str(told.value)


def test_the_address_of_a_common_network_comes_first():
    said = (
        "local 172.17.0.1 dev lo src 172.17.0.1 uid 0\n"
        "198.51.100.7 via 10.0.0.1 dev eth0 src 10.0.0.3 uid 0\n"
        "10.0.0.2 dev eth1 src 10.0.0.3 uid 0\n"
        "2001:db8::2 from :: via fe80::1 dev eth0 proto ra src 2001:db8::3 metric 100\n"
        "RTNETLINK answers: Network is unreachable\n"
    )
    assert by_minion.routes(said) == [
        ("10.0.0.2", "10.0.0.3"),
        ("198.51.100.7", "10.0.0.3"),
        ("2001:db8::2", "2001:db8::3"),
    ]


# ---- on the target -----------------------------------------------------------------------------------------------------

WAY = {"address": "192.0.2.1", "port": 20001, "host_key": KEY}
SSH = """#!/bin/sh
for words; do :; done
echo "$words" >>"$asked"
case $words in
    stay)
        [ ! -e "$asked.away" ] || exit 255
        : >"${asked%/*}/door/connection"
        exec cat
        ;;
    knock) [ ! -e "$asked.away" ] || { echo 'ssh: connect to host 192.0.2.1 port 20001: Connection timed out' >&2; exit 255; } ;;
    is_left) echo serves ;;
esac
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The file of the words that the source gets."""
    (tmp_path / "door").mkdir()
    (tmp_path / "door/key").touch()
    monkeypatch.setattr(leading, "DOOR", str(tmp_path / "door"))
    monkeypatch.setattr(leading, "PROGRESS", str(tmp_path / "progress"))
    monkeypatch.setattr(leading.Away.__init__, "__defaults__", (str(tmp_path / "door"),))
    (tmp_path / "ssh").write_text(SSH)
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("asked", str(tmp_path / "asked"))
    return tmp_path / "asked"


def led(step, monkeypatch, way=None, more=None, salt=None):
    monkeypatch.setitem(leading.STEPS, "step", step)
    return leading.lead("step", "old", "new", WAY if way is None else way, more or {}, salt or {})


def test_a_step_is_led_while_the_source_hears_of_it_and_left_then(asked, monkeypatch):
    def step(source, target, say):
        assert not (asked.parent / "door/key").exists(), "nobody needs it any more"
        say("half of it\nis copied")
        return copying.Outcome(source.run("is_left").strip() + target.host.run("echo here", 5).out)

    assert led(step, monkeypatch) == {"done": {"summary": "serveshere\n", "files": 0, "changes": ""}}
    said = asked.read_text().split()
    assert sorted(said) == ["is_left", "knock", "leave", "stay"]
    assert said.index("knock") < said.index("is_left") < said.index("leave")
    assert (asked.parent / "progress").read_text() == "half of it is copied\n"


@pytest.mark.parametrize("kind", [transfer.TransferError, copying.UnknownState])
def test_a_step_that_failed_is_told_and_the_source_left(asked, monkeypatch, kind):
    def step(source, target, say):
        raise kind("The cause.")

    assert led(step, monkeypatch) == {"failed": "The cause.", "unknown": kind is copying.UnknownState}
    assert asked.read_text().split()[-1] == "leave"


def test_a_source_out_of_reach_is_told_with_the_way_to_it(asked, monkeypatch):
    (asked.parent / "asked.away").touch()
    said = led(None, monkeypatch)["failed"]
    assert "new cannot connect to old (192.0.2.1, port 20001): ssh: connect to host" in said
    assert "reach TCP ports 20000 to 31999 of that address (firewall)." in said


def test_no_other_account_of_the_target_can_hold_the_lock(asked, monkeypatch):
    led(lambda source, target, say: copying.Outcome("Done."), monkeypatch)
    assert (asked.parent / "door.lock").stat().st_mode & 0o777 == 0o600


def test_two_runs_do_not_lead_a_move_at_once(asked, monkeypatch):
    (asked.parent / "progress").write_text("half of it is copied\n")
    with open(f"{leading.DOOR}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = led(None, monkeypatch)["failed"]
    assert (asked.parent / "progress").read_text() == "half of it is copied\n", "it is of the other run"
    assert (
        said
        == "An earlier move or import is still in progress on new. Start the same command again when that run has ended."
    )


def test_what_a_step_needs_beside_goes_sealed_and_an_import_in_place_opens_nothing():
    asked = []
    source, target = ends(asked)
    source.host = target.host
    by_minion.step("bring", source, target, print, ROOTS, settings={"secret": "of the pillar"})
    assert asked == [("new", LEAD)]
    assert target.host.more == {"settings": {"secret": "of the pillar"}}
    assert target.host.arguments == ["bring", "new", "new", {}, "sealed"]


def state(result):
    return {
        "a_|-s_|-s_|-f": {"result": result, "comment": "Why.", "changes": {}, "__run_num__": 0, "__sls__": "x.server"}
    }


@pytest.mark.parametrize(("result", "told"), [(True, "done"), (False, "failed")])
def test_the_states_of_an_import_in_place_are_applied_by_its_own_minion(asked, monkeypatch, result, told):
    applied = []

    def step(source, target, say, apply):
        assert source.host is target.host
        apply()
        return copying.Outcome("Done.")

    functions = {
        "cp.cache_file": lambda path, saltenv: f"{path} of {saltenv}",
        "state.sls": lambda names, **named: (applied.append((names, named)), state(result))[1],
    }
    more = {"states": {"slses": ["x.database", "x.server"], "arguments": {"test": False}}}
    assert told in led(step, monkeypatch, {}, more, functions)
    failhard = "salt://mattermost/scripts/failhard.conf of base"
    assert applied == [("x.database,x.server", {"test": False, "saltenv": "base", "localconfig": failhard})]
    assert not asked.exists()


def test_no_state_begins_without_what_ends_it_at_the_first_failure():
    applied = []
    functions = {"cp.cache_file": lambda *_: False, "state.sls": lambda *_, **__: applied.append(1)}
    with pytest.raises(transfer.TransferError, match="has no salt://mattermost/scripts/failhard.conf"):
        leading._applied(functions, "new", ["x.server"], {})
    assert applied == []


def test_the_source_listens_on_its_own_addresses_alone():
    """The target says which of them it reaches best."""
    everywhere = "0.0.0.0 dev host0 src 192.0.2.2 uid 0\n"
    source, target = ends([], target={"192.0.2.1": f"{everywhere}{ROUTE}"})
    assert by_minion.route(source.host, target.host) == ("192.0.2.1", "192.0.2.2")


def test_the_source_is_known_by_its_key_alone(asked):
    away = leading.Away("old", WAY)
    assert (asked.parent / "door/known_hosts").read_text() == f"mattermost-move {KEY}\n"
    argv, first = away.stream("is_left")
    assert {"StrictHostKeyChecking=yes", "HostKeyAlias=mattermost-move", "GlobalKnownHostsFile=/dev/null"} <= set(argv)
    assert (argv[-1], first) == ("is_left", b"")
