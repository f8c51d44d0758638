"""Hosts in batches: who is begun, who is verified, and what each step and the report say, through the states that the orchestrations call."""

import io
import json
from types import SimpleNamespace

import mattermost_progress
import pytest
from mattermost_controller.hosts import checkout_lock, roster
from mattermost_controller.reporting import build, screen
from mattermost_controller.stages import apply as stage_run
from mattermost_controller.stages import batch, stage

from tests import states

HOSTS = [SimpleNamespace(id=name, address=name) for name in "abcde"]
LOW = [
    {"state": "mattermost_stage", "fun": "applied", "name": name, "order": order, "apply": f"mattermost.deploy.{name}"}
    for order, name in enumerate(("database", "server"))
]
VERIFY = {"state": "mattermost_verify", "fun": "passed", "name": "verify", "order": 2, "site": "ssl"}
NOT_REACHED = {"result": False, "changes": {}, "comment": "One or more requisite failed", "__state_ran__": False}


def ended(failed=""):
    """What a host returns whose states all passed, or whose run ended in the stage *failed*."""
    parts = {}
    for number, name in enumerate(("database", "server")):
        state = {
            "result": name != failed,
            "changes": {},
            "comment": "It broke." if name == failed else "",
            "name": name,
        }
        parts[f"test_|-{name}-runs_|-{name}_|-nop"] = {
            **state,
            "duration": 1000.0,
            "__id__": f"{name}-runs",
            "__sls__": f"mattermost.deploy.{name}",
            "__run_num__": number,
        }
        if name == failed:
            break
    return {"return": parts}


class Run:
    """An orchestration of two stages and a verification, as Salt runs it. wrong: by host, the step that fails there."""

    def __init__(self, monkeypatch, wrong, limits, low, test):
        self.applied, self.verified, self.context = [], [], {"mattermost_preflight": {host.id: {} for host in HOSTS}}
        self._wrong, self._low, self._test = wrong, low, test
        self._pillar = {"mattermost": {"batch": limits}} if limits else {}
        monkeypatch.setattr(stage_run, "apply", self._apply)
        monkeypatch.setattr(roster, "targets", lambda *_: HOSTS)
        monkeypatch.setattr(checkout_lock, "acquire", lambda *_: None)
        monkeypatch.setattr(mattermost_progress, "sys", SimpleNamespace(stderr=io.StringIO()))
        self.steps = self._orchestrate()
        self.said = mattermost_progress.sys.stderr.getvalue().splitlines()

    def _apply(self, opts, hosts, slses, known, test, on_event, pillar):
        self.applied.append("".join(host.id for host in hosts))
        answers = {}
        for host in hosts:
            wrong = self._wrong.get(host.id, "")
            answers[host.id] = {"stderr": "No route to host"} if wrong == "gone" else ended(wrong)
        return answers

    def _verify(self, name, site):
        module = states.load_state("mattermost_verify", self._test)
        module.__context__ = self.context
        if batch.DONE in self.context:
            return module.passed(name, site)
        hosts = list(self.context["mattermost_preflight"])
        self.verified.append("".join(hosts))
        found = {
            host: [
                {
                    "check": "answers",
                    "level": "refusal" if self._wrong.get(host) == name else "ok",
                    "sentence": "",
                    "todo": "",
                }
            ]
            for host in hosts
        }
        result = name not in map(self._wrong.get, hosts)
        return {
            "name": name,
            "result": result,
            "changes": {},
            "comment": f"Verified {hosts}.",
            "findings": found,
            "sites": {},
        }

    def _orchestrate(self):
        steps, going = [], True
        for low in self._low:
            if not going:
                made = NOT_REACHED
            elif low["state"] == "mattermost_verify":
                made = self._verify("verify", "ssl")
            else:
                shell = states.load_state("mattermost_stage", self._test)
                shell.__context__, shell.__lowstate__, shell.__pillar__ = self.context, self._low, self._pillar
                shell.__states__ = {"mattermost_verify.passed": self._verify}
                shell.__low__ = {"__sls__": "mattermost.ssl"}
                made = shell.applied(low["name"], low["apply"])
            going = going and made["result"] is not False
            function = f"{low['state']}.{low['fun']}"
            steps.append({"duration": 0.0, **made, "__id__": low["name"], "name": low["name"], "function": function})
        return {step["__id__"]: step for step in steps}

    def results(self):
        return {name: step["result"] for name, step in self.steps.items()}

    def report(self):
        steps = batch.reached(list(self.steps.values()), self.context.get(batch.DONE) or {})
        out, failed = screen.summary(build.from_steps(steps, False), screen.Style())
        return "\n".join(out + [" ".join(line.strip() for line in failed)])


@pytest.fixture
def run(monkeypatch):
    return lambda wrong=None, low=(*LOW, VERIFY), test=False, **limits: Run(monkeypatch, wrong or {}, limits, low, test)


def test_each_batch_is_verified_before_the_next_begins(run, monkeypatch):
    order = []
    apply, verify = Run._apply, Run._verify
    monkeypatch.setattr(Run, "_apply", lambda self, *a: order.append("apply") or apply(self, *a))
    monkeypatch.setattr(
        Run, "_verify", lambda self, *a: batch.DONE not in self.context and order.append("verify") or verify(self, *a)
    )
    made = run(size=2)
    assert order == ["apply", "verify"] * 3
    assert (made.applied, made.verified) == (["ab", "cd", "e"], ["ab", "cd", "e"])
    assert made.results() == {"database": True, "server": True, "verify": True}
    assert made.said == ["batch: 1 of 3: a, b", "batch: 2 of 3: c, d", "batch: 3 of 3: e"]
    assert set(made.steps["verify"]["findings"]) == set("abcde")
    assert set(made.context["mattermost_preflight"]) == set("abcde"), "for the report"


@pytest.mark.parametrize("limits", [{}, {"size": 0}, {"size": 0, "failures": 3}])
def test_without_a_size_all_hosts_run_side_by_side(run, limits):
    made = run(**limits)
    assert (made.applied, made.verified, made.said) == (["abcde"], ["abcde"], [])


def test_a_dry_run_asks_all_hosts_side_by_side(run):
    assert run(size=1, test=True).applied == ["abcde"]


@pytest.mark.parametrize(("wrong", "where"), [("database", "database"), ("server", "server"), ("gone", "database")])
def test_a_failed_host_ends_the_run_after_its_batch(run, wrong, where):
    made = run({"a": wrong}, size=2)
    assert (made.applied, made.verified) == (["ab"], ["b"]), "the other one of its batch goes on"
    assert made.results() == {"database": where != "database", "server": False, "verify": False}
    said = made.report()
    assert f"a  failed at {where}" in said
    assert "b  nothing to change" in said
    assert [f"{name}  not begun" in said for name in "abcde"] == [False, False, True, True, True]
    assert "0 changed, 1 unchanged, 1 failed (a), 3 not begun." in said
    assert "Not begun: c, d, e. Repair the failed hosts, then run the same command again." in said
    assert made.steps["database"]["not_begun"] == ["c", "d", "e"]


def test_a_host_that_does_not_pass_the_verification_counts_as_failed(run):
    made = run({"b": "verify"}, size=2)
    assert (made.applied, made.verified) == (["ab"], ["ab"])
    assert made.results() == {"database": True, "server": True, "verify": False}
    said = made.report()
    assert "b  failed at answers" in said
    assert "Not begun: c, d, e." in said


def test_so_many_failures_are_borne(run):
    made = run({"a": "server", "c": "gone", "d": "server"}, size=1, failures=2)
    assert made.applied == ["a", "b", "c"]
    assert made.verified == ["b"]
    said = made.report()
    assert [line.split("  ")[-1] for line in said.splitlines() if line[:2] == "  " and line[2] in "abcde"] == [
        "failed at server",
        "nothing to change",
        "failed at database",
        "not begun",
        "not begun",
    ]


def test_a_failure_that_is_borne_still_fails_the_run(run):
    made = run({"a": "server"}, size=2, failures=2)
    assert made.applied == ["ab", "cd", "e"]
    assert made.results()["server"] is False
    assert "0 changed, 4 unchanged, 1 failed (a)." in made.report()


def test_stages_with_no_verification_after_them_run_in_batches_too(run):
    made = run({"b": "server"}, low=LOW, size=1)
    assert (made.applied, made.verified) == (["a", "b"], [])
    assert made.results() == {"database": True, "server": False}


def test_an_archive_of_salt_that_cannot_be_had_fails_the_batch(run, monkeypatch):
    from mattermost_controller.hosts import relenv_archive

    def apply(self, opts, hosts, *_):
        self.applied.append(hosts[0].id)
        if hosts[0].id == "b":
            raise relenv_archive.RelenvError("The archive is damaged.")
        return {host.id: ended() for host in hosts}

    monkeypatch.setattr(Run, "_apply", apply)
    made = run(size=1)
    assert made.applied == ["a", "b"]
    assert "Stage database failed on b: The archive is damaged." in made.steps["database"]["comment"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            [2],
            "mattermost:batch must be a map that has only the keys size and failures. Correct it (docs/settings.md).",
        ),
        (
            {"szie": 2},
            "mattermost:batch must be a map that has only the keys size and failures. Correct it (docs/settings.md).",
        ),
        ({"size": "2"}, "mattermost:batch:size is '2'. It must be a whole number of at least 0."),
        ({"size": True}, "mattermost:batch:size is True. It must be a whole number of at least 0."),
        ({"size": 2, "failures": 0}, "mattermost:batch:failures is 0. It must be a whole number of at least 1."),
    ],
)
def test_a_master_is_told_what_is_wrong_with_its_batch(given, said):
    with pytest.raises(roster.TargetError) as err:
        batch.of({"mattermost": {"batch": given}})
    assert str(err.value) == said


def test_what_the_steps_return_is_data(run):
    made = run({"a": "database"}, size=2)
    assert json.loads(json.dumps(made.steps))
    assert stage.state_results(ended()["return"]) is not None
