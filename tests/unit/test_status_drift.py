"""Drift: which stages are asked and what their dry run means; and which newer release fits a host."""

import pytest
from mattermost_controller.status import drift, releases

from tests.unit.test_status import SAME, facts, settings

TABLE = dict.fromkeys(["12.0.1", "11.10.1", "11.8.0", "11.7.10", "11.7.9", "10.11.20", "10.11.3", "10.5.9"], "sum")


@pytest.mark.parametrize(
    ("installed", "glibc", "postgresql", "expected"),
    [
        ("11.7.9", "2.36", "15.2", ("11.7.10", "12.0.1", "12.0.1")),
        ("11.7.9", "2.28", "15.2", ("11.7.10", "11.10.1", "11.10.1")),
        ("11.7.9", "2.36", "14.2", ("11.7.10", "11.10.1", "11.10.1")),
        ("11.7.10", "2.36", "", (None, "12.0.1", "12.0.1")),
        ("10.5.1", "2.36", "15.2", ("10.5.9", "12.0.1", "10.11.20")),
        ("12.0.1", "2.36", "15.2", (None, None, None)),
        ("", "2.36", "15.2", (None, None, None)),
    ],
)
def test_newer_releases_are_those_that_the_host_could_run(installed, glibc, postgresql, expected):
    found = releases.newer(TABLE, installed, glibc, postgresql)
    assert (found["line"], found["newest"], found["next"]) == expected


def part(name, number, result=True, changes=None, comment="", sls="mattermost.deploy.nginx-base"):
    return {f"file_|-{name}_|-{name}_|-managed": {
        "__id__": name, "__run_num__": number, "__sls__": sls, "result": result, "changes": changes or {}, "comment": comment}}  # fmt: skip


ASKED = drift.stages_of(["salt"], "ssl")


def test_the_deploy_stages_are_those_of_the_orchestration():
    names = [stage["name"] for stage in ASKED]
    assert {"database", "server", "nginx-base", "letsencrypt", "nginx-ssl", "backup"} <= set(names)
    assert "preflight" not in names
    assert "nginx-non-ssl" in [stage["name"] for stage in drift.stages_of(["salt"], "non-ssl")]


def test_a_dry_run_without_a_change_is_no_drift():
    assert drift.from_dry_run({"return": part("a", 0)}, ASKED) == SAME


def test_what_would_change_is_drift_by_name_alone():
    answer = {"return": {**part("a", 0), **part("b", 1, None, {"diff": "password=secret"}, "Would."), **part("c", 2)}}
    found = drift.from_dry_run(answer, ASKED)
    assert found["states"] == [{"state": "b", "stage": "nginx-base", "fails": False}]
    assert found["drifted"]
    assert "secret" not in str(found)


def test_what_would_fail_is_drift_and_says_why():
    answer = {"return": {**part("a", 0, False, comment="No such user"), **part("b", 1, False, comment="One or more requisite failed: a")}}  # fmt: skip
    found = drift.from_dry_run(answer, ASKED)
    assert [one["state"] for one in found["states"]] == ["a"]
    assert "a would fail: No such user." in found["reason"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"stderr": "ssh: no route"}, "ssh: no route."),
        (
            {"return": part("no-other-run-is-in-progress", 0, False, comment="Another run.")},
            "another run is in progress",
        ),
        ({"return": ["Rendering SLS failed"]}, "do not compile"),
    ],
)
def test_a_host_that_could_not_be_asked_is_unknown(answer, words):
    found = drift.from_dry_run(answer, ASKED)
    assert not found["looked"]
    assert found["drifted"] is None
    assert words in found["reason"]


@pytest.mark.parametrize(
    ("unit", "name"),
    [("postgresql@15-main", "PostgreSQL"), ("mattermost", "the server"), ("nginx", "nginx"), ("firewalld", "")],
)
def test_while_a_service_is_down_a_dry_run_would_tell_something_else(unit, name):
    found = facts()
    found["units"][f"{unit}.service"]["ActiveState"] = "failed"
    assert drift.service_down(settings(), found) == name
