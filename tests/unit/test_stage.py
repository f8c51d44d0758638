"""Stages: which ones share a host run, which states are whose, and what a stage says of them."""

import re
from pathlib import Path
from types import SimpleNamespace

import mattermost_progress
import pytest
from mattermost_controller.hosts import runtime, ssh_multiplex
from mattermost_controller.hosts.roster import Result
from mattermost_controller.stages import apply as stage_run
from mattermost_controller.stages import stage as core


def chunk(order, name, apply="", state="mattermost_stage", fun="applied"):
    return {"state": state, "fun": fun, "name": name, "order": order, "apply": apply}


LOW = [
    chunk(30, "server", "mattermost.deploy.server"),
    chunk(10, "preflight", state="mattermost_preflight", fun="passed"),
    chunk(20, "database", "mattermost.deploy.database"),
    chunk(40, "verify", state="mattermost_verify", fun="passed"),
    chunk(50, "after", "mattermost.deploy.after"),
]


def test_neighbouring_stages_are_one_run_in_running_order():
    assert [stage["name"] for stage in core.chain(LOW, "database", "ssl")] == ["database", "server"]


def test_a_step_between_ends_the_run():
    assert [stage["name"] for stage in core.chain(LOW, "after", "ssl")] == ["after"]


def test_a_mixed_roster_runs_each_host_its_own_way():
    known = {
        "old": {"runtime": "relenv"},
        "el": {"runtime": "thin", "settings": {"platform": {"transport": "relenv"}}},
    }
    assert runtime.by_runtime(["new", "old", "el"], known) == {"thin": ["new"], "relenv": ["old", "el"]}


@pytest.mark.parametrize(("site", "left"), [("ssl", ["base", "tls"]), ("non-ssl", ["base", "plain"])])
def test_stages_of_the_other_site_are_passed_over(site, left):
    stage = {"state": "mattermost_stage", "fun": "applied", "apply": "x"}
    low = [
        {**stage, "name": "base", "order": 1},
        {**stage, "name": "tls", "order": 2, "only_site": "ssl"},
        {**stage, "name": "plain", "order": 3, "only_site": "non-ssl"},
    ]
    assert [each["name"] for each in core.chain(low, "base", site)] == left


@pytest.mark.parametrize(("in_place", "left"), [(True, ["packages", "aside"]), (False, ["packages", "server"])])
def test_stages_of_the_other_kind_of_import_are_passed_over(in_place, left):
    stage = {"state": "mattermost_stage", "fun": "applied", "apply": "x"}
    low = [
        {**stage, "name": "packages", "order": 1},
        {**stage, "name": "aside", "order": 2, "in_place": True},
        {**stage, "name": "server", "order": 3, "in_place": False},
    ]
    assert [each["name"] for each in core.chain(low, "packages", "ssl", in_place)] == left


STAGES = core.chain(LOW, "database", "ssl")


@pytest.mark.parametrize(
    ("sls", "stage"),
    [
        ("mattermost.deploy.server", "server"),
        ("mattermost.deploy.server.release", "server"),
        ("mattermost.deploy.serverless", "database"),
        ("mattermost.deploy.common", "database"),
    ],
)
def test_a_state_belongs_to_the_stage_of_its_sls(sls, stage):
    assert core.stage_of(sls, STAGES) == stage


@pytest.mark.parametrize(
    ("names", "stage"),
    [
        ("packages letsencrypt backup", "letsencrypt"),
        ("packages server backup releases", "backup"),
        ("packages record", "packages"),
    ],
)
def test_what_some_stages_share_belongs_to_the_first_that_includes_it(names, stage):
    stages = [{"name": name, "sls": f"mattermost.deploy.{name}"} for name in names.split()]
    assert core.stage_of("mattermost.deploy.notify", stages) == stage


def test_those_that_share_are_those_that_include():
    """Every deploy state that includes a shared SLS is known to share it, in the order of the stages."""
    root = Path(__file__).parents[2] / "salt/mattermost"
    stages = re.findall(r"apply: mattermost\.deploy\.(\S+)", (root / "ssl.sls").read_text())
    for shared, includers in core.SHARED.items():
        found = {path.parent.name for path in root.glob("deploy/*/*.sls") if f"  - {shared}\n" in path.read_text()}
        assert list(includers) == [stage for stage in stages if stage in found]


def part(name, result=True, changes=None, comment=""):
    return {"__id__": name, "function": "file.managed", "result": result, "changes": changes or {}, "comment": comment}


def test_a_failed_state_is_named_with_stage_host_and_reason():
    judged = core.stage_result(
        "server", {"chat": [part("it-runs"), part("it-answers", False, comment="503 after 120 s.")]}, False
    )
    assert judged["result"] is False
    assert judged["comment"] == "Stage server failed on chat at it-answers (file.managed): 503 after 120 s."


def test_a_host_without_results_fails_the_stage():
    judged = core.stage_result("server", {"chat": [part("it-runs")], "other": "ssh: connect to host: refused"}, False)
    assert judged["result"] is False
    assert "other: ssh: connect" in judged["comment"]


def test_nothing_to_do_is_no_change():
    judged = core.stage_result("server", {"chat": [part("it-runs")]}, False)
    assert (judged["result"], judged["changes"], judged["comment"]) == (True, {}, "No changes on chat.")


def test_a_stage_that_returned_nothing_for_a_host_failed_there():
    judged = core.stage_result("server", {"chat": [part("it-runs")], "other": []}, False)
    assert judged["result"] is False
    assert (
        judged["comment"]
        == "Stage server failed on other: The host returned no results. Check that the host still answers, then start the same command again."
    )


def test_a_dry_run_that_would_change_is_neither_true_nor_false():
    judged = core.stage_result("server", {"chat": [part("it-runs", None, comment="Would start.")]}, True)
    assert judged["result"] is None
    assert judged["changes"] == {"chat": {"it-runs": "Would start."}}


TAG = "file_|-b_|-/b_|-managed"
GOOD = {"__run_num__": 1, "__sls__": "x", "result": True, "changes": {}, "comment": ""}


def test_results_come_in_running_order():
    returned = {
        TAG: GOOD | {"__run_num__": 1, "__id__": "b"},
        "pkg_|-a_|-a_|-installed": GOOD | {"__run_num__": 0, "__id__": "a"},
    }
    assert [(each["__id__"], each["function"]) for each in core.state_results(returned)] == [
        ("a", "pkg.installed"),
        ("b", "file.managed"),
    ]


@pytest.mark.parametrize("tag", ["file", "file_|-b", 7, None])
def test_a_state_that_is_not_named_as_salt_names_it_is_no_answer(tag):
    assert core.state_results({TAG: GOOD, tag: GOOD}) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"__run_num__": "1"},
        {"__run_num__": None},
        {"__sls__": None},
        {"__id__": 7},
        {"changes": "x"},
        {"duration": "soon"},
        {"warnings": 7},
    ],
)
def test_a_state_with_values_that_salt_does_not_send_is_no_answer(odd):
    assert core.state_results({TAG: GOOD, f"{TAG}2": GOOD | odd}) is None


@pytest.mark.parametrize("missing", GOOD)
def test_a_state_that_lacks_what_each_has_is_no_answer(missing):
    assert core.state_results({TAG: {key: value for key, value in GOOD.items() if key != missing}}) is None


@pytest.mark.parametrize("answer", ["ssh: no route", ["Rendering SLS failed"], {}, {"_error": "x"}, None])
def test_what_is_no_state_result_is_not_taken_for_one(answer):
    assert core.state_results(answer) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"return": ["Rendering SLS 'base:x' failed: undefined"]}, "do not compile: Rendering SLS"),
        ({"stderr": "ssh: connect to host chat port 22: Connection refused\n", "stdout": ""}, "Connection refused"),
        (
            {"return": ['The function "state.highstate" is running as PID 7 and was started at 12:00 with jid 1']},
            "Another job of Salt is running on the host: The function",
        ),
        ({}, "The host returned no results."),
        ("Permission denied", "Permission denied"),
    ],
)
def test_trouble_is_told_in_the_tools_own_words(answer, words):
    assert words in core.no_results_reason(answer)


def test_progress_arrives_while_the_command_runs_and_is_not_part_of_its_errors():
    events = []
    line = mattermost_progress.encode({"id": "it-runs", "ms": 10})
    script = f"echo out; echo '{line}' >&2; echo trouble >&2; exit 3"
    assert ssh_multiplex.stream(["/bin/sh", "-c", script], events.append) == ("out\n", "trouble\n", 3)
    assert events == [{"id": "it-runs", "ms": 10}]


def test_a_broken_progress_line_is_just_a_line():
    assert mattermost_progress.decode(mattermost_progress.MARK + "{") is None


class Done(list):
    """``keys``: the key that Salt's client is to use where a host has none, None for one that it makes."""


@pytest.fixture
def done(monkeypatch):
    """What is done in a run of stages, in order: logins, the bringing of relenv, Salt's commands."""
    done, keys = Done(), []
    done.keys = keys

    class Client:
        def __init__(self, c_path):
            self.opts = {}

        def cmd(self, members, *_, **__):
            done.append(("salt", *members))
            keys.append(self.opts.get("ssh_priv"))
            return {host_id: {"return": "states"} for host_id in members}

    monkeypatch.setattr("salt.client.ssh.client.SSHClient", Client)
    monkeypatch.setattr(stage_run, "_ensure_relenv", lambda *_: done.append("relenv"))
    return done


def run_of_two(done, *logins, **entry):
    """Run a stage on a host with a Python and on one without. logins: what those of the latter give. entry: of the latter in the roster."""
    from salt.client.ssh.shell import Shell

    answers, types = iter(logins), Shell._run_cmd

    def host(name):
        def connect():
            assert Shell._run_cmd is types, "a password is typed by Salt's own shell alone"
            done.append(name)
            return next(answers) if name == "el" else Result(0, "", "")

        return SimpleNamespace(id=name, address=name, connect=connect, entry=entry if name == "el" else {})

    known = {"el": {"runtime": "relenv"}}
    return stage_run.apply({"conf_file": ""}, [host("new"), host("el")], ["mattermost.deploy.x"], known, False)


def test_hosts_are_logged_in_to_again_right_before_salt_goes_there(done):
    run_of_two(done, Result(0, "", ""), Result(0, "", ""))
    assert done == ["new", "el", "relenv", "new", ("salt", "new"), "el", ("salt", "el")]


def test_salt_makes_no_key_where_each_host_has_its_own(done):
    run_of_two(done, Result(0, "", ""), Result(0, "", ""), priv="/keys/chat")
    assert done.keys == [None, "agent-forwarding"]


def test_a_login_that_fails_later_is_that_hosts_answer(done):
    outcome = run_of_two(done, Result(0, "", ""), Result(255, "", "Permission denied"))
    assert outcome == {"new": {"return": "states"}, "el": {"stderr": "Permission denied"}}
    assert ("salt", "el") not in done
