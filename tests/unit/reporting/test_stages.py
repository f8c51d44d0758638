"""From what salt-ssh returned for the hosts to the report, through the states that the orchestrations call."""

import io
import sys
from types import SimpleNamespace

import mattermost_progress
import pytest
from mattermost_controller.hosts import checkout_lock, roster
from mattermost_controller.reporting import console, finish
from mattermost_controller.stages import apply as stage_run

from tests import states

HOSTS = [SimpleNamespace(id="chat", address="192.0.2.7"), SimpleNamespace(id="other", address="192.0.2.8")]
LOW = [
    {"state": "mattermost_stage", "fun": "applied", "name": name, "order": order, "apply": f"mattermost.deploy.{name}"}
    for order, name in enumerate(("database", "server"))
]


def tag(name, sls, result=True, changes=None, comment="", number=0):
    state = {"result": result, "changes": changes or {}, "comment": comment, "duration": 1500.0, "name": name}
    return {f"file_|-{name}_|-{name}_|-managed": {**state, "__id__": name, "__sls__": sls, "__run_num__": number}}


@pytest.fixture
def run(monkeypatch):
    """A function that runs both stages and the report on what the hosts returned; returns the steps and what was printed."""

    def go(answers, test=False):
        def apply(opts, hosts, slses, known, is_test, on_event, pillar):
            for host in answers:
                on_event(host, {"id": "it-runs", "sls": slses[0], "ms": 4000})
            assert (slses, is_test) == ([low["apply"] for low in LOW], test)
            return answers

        monkeypatch.setattr(stage_run, "apply", apply)
        monkeypatch.setattr(roster, "targets", lambda *_: HOSTS)
        monkeypatch.setattr(checkout_lock, "acquire", lambda *_: None)
        monkeypatch.setattr(mattermost_progress, "sys", SimpleNamespace(stderr=io.StringIO()))
        context, running, printed = {}, {}, []
        monkeypatch.setattr(finish.salt_patches, "print_at_the_end", printed.append)
        for number, low in enumerate(LOW):
            shell = states.load_state("mattermost_stage", test)
            shell.__context__, shell.__lowstate__, shell.__pillar__ = context, LOW, {}
            shell.__opts__ |= {"root_dir": "/nowhere"}
            shell.__low__ = {"__sls__": "mattermost.ssl"}
            made = shell.applied(low["name"], low["apply"])
            made |= {"__id__": low["name"], "__run_num__": number, "duration": 3000.0 - 3000 * number, "__sls__": "x"}
            running[f"mattermost_stage_|-{low['name']}_|-{low['name']}_|-applied"] = made
        report = states.load_state("mattermost_report", test)
        report.__context__, report.__running__ = context, running
        said = report.shown("report")
        assert said["result"] is True
        out = io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", out)
        monkeypatch.setattr(console.Last, "printed", False)
        printed[0].show({}, lambda: pytest.fail("Salt's results"))
        assert said["comment"].split() == out.getvalue().split()
        return running, out.getvalue(), mattermost_progress.sys.stderr.getvalue()

    return go


DATABASE = tag("database-is-there", "mattermost.deploy.database")
SERVER = tag("unit-is-in-place", "mattermost.deploy.server.service", changes={"diff": "x"}, number=1)


def test_what_hosts_returned_is_told_by_stage(run):
    _, said, progress = run(
        {
            "chat": {"return": {**DATABASE, **SERVER}},
            "other": {"return": {**DATABASE, **tag("unit-is-in-place", "mattermost.deploy.server.service")}},
        }
    )
    assert (
        said
        == """
chat
  server  unit-is-in-place written                                         1.5 s
  database: nothing to change

other
  2 stages: nothing to change

Done in 3.0 s: 1 changed, 1 unchanged, 0 failed.
"""
    )
    assert progress == "chat: database: It runs (4.0 s)\nother: database: It runs (4.0 s)\n"


def test_a_host_that_returned_nothing_for_a_stage_fails_it(run):
    steps, said, _ = run({"chat": {"return": {**DATABASE, **SERVER}}, "other": {"return": DATABASE}})
    assert [step["result"] for step in steps.values()] == [True, False]
    assert "Failed: other: server: The host returned no results." in said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"stderr": "ssh: connect to host other port 22: No route to host"}, "No route to host"),
        ({"return": ["Rendering SLS 'base:x' failed: undefined"]}, "Rendering SLS 'base:x' failed"),
        ({}, "The host returned no results."),
    ],
)
def test_a_host_that_gave_no_results_fails_with_the_reason(run, answer, words):
    steps, said, _ = run({"chat": {"return": {**DATABASE, **SERVER}}, "other": answer})
    assert [step["result"] for step in steps.values()] == [False, False]
    assert words in " ".join(said.split())


@pytest.fixture
def status(monkeypatch):
    """A function that has one host's status told; returns the reports that it left to be printed."""
    settings = {
        "mail": {"password": "hunter22"},
        "release_sources": {"bundle": ""},
        "platform": {"name": "Debian 12", "backup": {"program": {"source": ""}}},
    }
    host = SimpleNamespace(id="chat", address="192.0.2.7", settings=lambda grains: settings)
    facts = {"grains": {}, "current": "", "site": "", "lock": ""}
    look = SimpleNamespace(fault=None, facts=facts)
    monkeypatch.setattr(console.Last, "printed", False)
    shell = states.load_state("mattermost_status")
    shell.__pillar__, shell.__low__ = {"status": {"drift": False}}, {"__sls__": "mattermost.status"}
    shell.__opts__ |= {"file_roots": {"base": ["salt"]}, "cachedir": ""}
    for module, name, answer in (
        (shell.roster, "targets", [host]),
        (shell.collect, "log_in", {}),
        (shell.collect, "early_settings", ({"chat": settings}, {})),
        (shell.status_facts, "script", ""),
        (shell.observe, "hosts_and_sites", ({"chat": look}, {})),
        (shell.runtime, "choose", ""),
        (shell.release_look, "ask", None),
        (shell.report, "host_data", {"well": True, "findings": []}),
        (shell.text, "render", ""),
        (shell.text, "screens", "chat says hunter22."),
    ):
        monkeypatch.setattr(module, name, lambda *_, answer=answer: answer)

    def reported(*others):
        printed = []
        monkeypatch.setattr(finish.salt_patches, "print_at_the_end", printed.append)
        shell.__lowstate__ = [{"state": "mattermost_status"}, *others]
        assert shell.reported("hosts-are-healthy")["result"] is True
        return printed

    return reported


def test_a_status_tells_no_secret_that_a_host_says(status, capsys):
    (last,) = status()
    last.show({}, lambda: pytest.fail("Salt's results"))
    assert "chat says ***." in capsys.readouterr().out


def test_a_status_among_the_steps_of_an_operator_leaves_their_results_to_be_seen(status):
    assert status({"state": "file"}) == []
