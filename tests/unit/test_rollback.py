"""Going back to an older version, seen from the controller; and what a run says of what it pruned."""

import subprocess
from types import SimpleNamespace

import pytest
from mattermost_controller.reporting import build

from tests import states

ASKED = "result=asked\nfrom=11.8.0\nto=11.7.0\nposts=2\nreason=Made since then: 2 messages.\nconfig=config.json was changed.\n"
DONE = "result=done\nfrom=11.8.0\nto=11.7.0\noutage=150\nreason=Mattermost 11.7.0 serves again.\nadvice=a\n"
REFUSED = "result=refused\nreason=Nothing is kept.\nadvice=Nothing was changed.\n"
UNDONE = 'result=undone\nreason=It ended.\nadvice=The newer one serves.\nlog={"level":"error"}\n'


class Host:
    """Answers each command with what was prepared, and notes what was asked."""

    def __init__(self, **answers):
        self.answers, self.commands = answers, []

    def run(self, command, timeout):
        self.commands.append(command)
        rc, out = self.answers[command.split()[-1]]
        return SimpleNamespace(rc=rc, out=out, err="")


def run_state(hosts, wish=None, test=False, pinned=True):
    release = {"pinned": pinned, "version": "11.8.0"}
    shell = states.load_state("mattermost_rollback", test)
    shell.__pillar__ = {"rollback": wish} if wish else {}
    shell.__context__ = {
        "mattermost_preflight": {name: {"host": host, "settings": {"release": release}} for name, host in hosts.items()}
    }
    return shell.rolled_back("older-version-serves")


def test_a_dry_run_says_what_would_be_lost_and_goes_no_further():
    host = Host(back=(0, ASKED))
    ret = run_state({"chat": host}, {"overwrite": True}, test=True)
    assert ret["result"] is None
    assert "chat: Made since then: 2 messages. config.json was changed." in ret["comment"]
    assert host.commands == ["mattermost-switch back"]


KEEPS = "result=asked\nfrom=11.8.0\nto=11.7.0\nway=down\nasks=no\nreason=It keeps the messages.\n"


def test_where_nothing_is_lost_it_goes_back_without_a_word():
    host = Host(back=(0, KEEPS), go=(0, DONE))
    assert run_state({"chat": host}, test=True)["result"] is None
    assert run_state({"chat": host})["result"] is True
    assert host.commands == ["mattermost-switch back", "mattermost-switch back", "mattermost-switch back go"]


def test_one_host_that_loses_something_keeps_every_host_as_it_is():
    keeps, loses = Host(back=(0, KEEPS)), Host(back=(0, ASKED))
    assert run_state({"a": keeps, "b": loses})["result"] is False
    assert keeps.commands == loses.commands == ["mattermost-switch back"]


def test_the_copy_can_be_asked_for():
    host = Host(copy=(0, ASKED))
    ret = run_state({"chat": host}, {"way": "copy"})
    assert ret["result"] is False
    assert """pillar='{"rollback": {"overwrite": true, "way": "copy"}}'""" in ret["comment"]
    assert host.commands == ["mattermost-switch back copy"]
    host.answers["copy"] = (0, ASKED + DONE)
    assert run_state({"chat": host}, {"way": "copy", "overwrite": True})["result"] is True
    assert host.commands[-1] == "mattermost-switch back overwrite copy"


@pytest.mark.parametrize("report", ["", "outage=150\n", DONE.replace("150", "9" * 5000), DONE.replace("150", "\u00b2")])
def test_a_report_that_no_program_of_ours_writes_fails_that_host_and_stops(report):
    """The report says how the hosts before it ended; the ones after it stay as they are."""
    first, odd, after = (
        Host(back=(0, KEEPS), go=(0, DONE)),
        Host(back=(0, KEEPS), go=(0, report)),
        Host(back=(0, KEEPS)),
    )
    ret = run_state({"a": first, "b": odd, "c": after})
    assert ret["result"] is False
    assert ret["comment"].startswith("a: ")
    assert "b: The host's report is not that of this bundle's program." in ret["comment"]
    assert after.commands == ["mattermost-switch back"]


DROPS = "result=asked\nfrom=11.8.0\nto=11.7.0\nway=down\nasks=yes\nagree=overwrite down\nreason=It drops 3 rows.\n"
REPLACES = DROPS.replace("down", "copy").replace("It drops 3 rows.", "It restores the database.")


def test_what_was_agreed_to_is_one_way_and_no_other():
    host = Host(back=(0, DROPS), down=(0, DONE))
    ret = run_state({"chat": host})
    assert """pillar='{"rollback": {"overwrite": true, "way": "down"}}'""" in ret["comment"]
    assert run_state({"chat": host}, {"overwrite": True, "way": "down"})["result"] is True
    assert host.commands[-1] == "mattermost-switch back overwrite down"
    host = Host(back=(0, REPLACES))
    ret = run_state({"chat": host}, {"overwrite": True, "way": "down"})
    assert ret["result"] is False
    assert "cannot be taken back on this host. It restores the database." in ret["comment"]
    assert host.commands == ["mattermost-switch back"], "it went on by the other way"


def test_agreed_to_without_a_way_each_host_goes_by_the_one_that_it_named_in_this_run():
    first, second = Host(back=(0, DROPS), down=(0, DONE)), Host(back=(0, REPLACES), copy=(0, DONE))
    assert '{"rollback": {"overwrite": true}}' in run_state({"a": first, "b": second})["comment"]
    assert run_state({"a": first, "b": second}, {"overwrite": True})["result"] is True
    assert first.commands[-1] == "mattermost-switch back overwrite down"
    assert second.commands[-1] == "mattermost-switch back overwrite copy"


def test_without_the_word_it_says_so_and_how_to_go_on():
    host = Host(back=(0, ASKED))
    ret = run_state({"chat": host})
    assert ret["result"] is False
    assert """pillar='{"rollback": {"overwrite": true}}'""" in ret["comment"]
    assert host.commands == ["mattermost-switch back"]


def test_told_so_it_goes_back_and_warns_of_the_next_run():
    host = Host(back=(0, ASKED), overwrite=(0, DONE))
    ret = run_state({"chat": host}, {"overwrite": True})
    assert ret["result"] is True
    assert ret["changes"] == {"chat": {"old": "11.8.0", "new": "11.7.0"}}
    assert "down for 1.5 s" in ret["comment"]
    assert "the next deploy would upgrade again. To stay with 11.7.0, set that version to 11.7.0" in ret["comment"]
    ret = run_state({"chat": Host(back=(0, ASKED), overwrite=(0, DONE))}, {"overwrite": True}, pinned=False)
    assert "stays with 11.7.0" in ret["comment"]


def test_one_host_without_a_way_back_keeps_every_host_as_it_is():
    able, unable = Host(back=(0, ASKED), overwrite=(0, DONE)), Host(back=(2, REFUSED))
    ret = run_state({"a": able, "b": unable}, {"overwrite": True})
    assert ret["result"] is False
    assert "b: Nothing is kept. Nothing was changed." in ret["comment"]
    assert able.commands == ["mattermost-switch back"]


def test_an_undone_one_is_told_with_the_first_errors_and_ends_the_run():
    first, second = (Host(back=(0, ASKED), overwrite=(3, UNDONE)) for _ in range(2))
    ret = run_state({"a": first, "b": second}, {"overwrite": True})
    assert ret["result"] is False
    assert 'first errors:\n  {"level":"error"}' in ret["comment"]
    assert second.commands == ["mattermost-switch back"]


@pytest.mark.parametrize("told", [{"overwrite": "yes"}, {"lose": 3}, {"overwrite": 2}, {"way": "up"}])
def test_what_it_cannot_mean_is_refused_before_a_host_is_asked(told):
    host = Host()
    assert run_state({"chat": host}, told)["result"] is False
    assert host.commands == []


def pruned(monkeypatch, tmp_path, says, rc=0, test=False):
    state = states.load_state("mattermost_retention", test)
    done = subprocess.CompletedProcess([], rc, says, "wrong" if rc else "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    return state.pruned(str(tmp_path))


def test_the_run_says_what_was_removed_and_what_stays(monkeypatch, tmp_path):
    says = "removed=before_1\nremoved=11.5.0\nstays=newer_2 holds 3 messages that are nowhere else\n"
    ret = pruned(monkeypatch, tmp_path, says)
    assert (ret["result"], ret["changes"]) == (True, {"removed": ["before_1", "11.5.0"]})
    assert "newer_2 holds 3 messages that are nowhere else. To remove newer_2 nevertheless" in ret["comment"]
    ret = pruned(monkeypatch, tmp_path, "stays=newer_2 holds 3 messages that are nowhere else\n")
    assert (ret["result"], ret["changes"]) == (True, {})
    assert pruned(monkeypatch, tmp_path, "", rc=4)["result"] is False
    assert pruned(monkeypatch, tmp_path / "none", "removed=x\n")["changes"] == {}


@pytest.mark.parametrize(("program", "removed"), [("prune() {", ["x"]), ("older", None), ("", None)])
def test_a_dry_run_asks_no_program_that_cannot_prune(monkeypatch, tmp_path, program, removed):
    """A dry run leaves the program of an older bundle, or none, in its place."""
    if program:
        (tmp_path / "program").write_text(program)
    state = states.load_state("mattermost_retention", test=True)
    monkeypatch.setattr(state, "PROGRAM", str(tmp_path / "program"))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "would=x\n", ""))
    assert state.pruned(str(tmp_path))["changes"].get("removed") == removed


def failures(ret):
    step = {**ret, "__id__": "older-version-serves", "function": "mattermost_rollback.rolled_back"}
    report = build.from_steps([step], False)
    return {failure.host: failure for failure in report.failures}, report


def test_a_host_that_went_back_is_not_among_the_failed_ones():
    able, unable = Host(back=(0, KEEPS), go=(0, DONE)), Host(back=(0, KEEPS), go=(3, UNDONE))
    failed, report = failures(run_state({"a": able, "b": unable}))
    assert list(failed) == ["b"]
    assert failed["b"].what.startswith("It ended. The newer one serves.")
    assert report.changed == ["a"]
    assert "Mattermost 11.7.0 serves again." in report.rows[0].said[0]


def test_only_the_host_that_loses_something_is_said_to_need_a_word():
    failed, _ = failures(run_state({"a": Host(back=(0, KEEPS)), "b": Host(back=(0, ASKED))}))
    assert list(failed) == ["b"]
    assert failed["b"].fix.startswith("To roll back nevertheless, add to the command: pillar=")
