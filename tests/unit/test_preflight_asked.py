"""For which site preflight judges: the one that is meant, else the one that the host serves."""

import types

import pytest
from mattermost_controller.releases.look import Look

from tests import states

SETTINGS = {
    "doubts": [],
    "name": "chat.example.test",
    "names": ["chat.example.test"],
    "renamed": [],
    "release": {"version": "11.7.10", "pinned": False, "line": "11.7"},
    "release_sources": {},
}


@pytest.fixture
def shell(monkeypatch):
    """The state module with one host, of which everything is known; ``judged`` has the sites that were judged for."""
    module = states.load_state("mattermost_preflight")
    facts = {"grains": {}, "site": "", "current": ""}
    host = types.SimpleNamespace(
        id="chat", address="192.0.2.7", user="root", greeting="", entry={}, settings=lambda grains: SETTINGS
    )
    module.__opts__ = {"root_dir": ".", "file_roots": {"base": ["salt"]}, "cachedir": ".", "test": False}
    module.__low__, module.__context__, module.__pillar__ = {"__sls__": "preflight"}, {}, {}
    module.facts, module.judged = facts, []

    def judge(settings, facts, outside, site):
        module.judged.append(site)
        return []

    replaced = {
        (module.checkout_lock, "acquire"): None,
        (module.roster, "targets"): [host],
        (module.collect, "log_in"): {},
        (module.collect, "early_settings"): ({"chat": SETTINGS}, {}),
        (module.collect, "from_hosts"): {"chat": types.SimpleNamespace(fault=None, skew=0.0, facts=facts)},
        (module.collect, "resolve"): [],
        (module.probe, "script"): "",
        (module.questions, "script"): "",
        (module.files, "inspect"): {},
        (module.private_files, "inspect"): {},
        (module.release, "is_ours"): False,
        (module.release_look, "ask"): Look([], {}, {}, {}),
        (module.runtime, "choose"): "thin",
    }
    for (place, name), answer in replaced.items():
        monkeypatch.setattr(place, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(module.checks, "run", judge)
    return module


@pytest.mark.parametrize(
    ("told", "serves", "judged"),
    [
        ({}, "", "ssl"),
        ({}, "ssl", "ssl"),
        ({}, "non-ssl", "non-ssl"),
        ({"site": "non-ssl"}, "", "non-ssl"),
        ({"site": "ssl"}, "non-ssl", "ssl"),
    ],
)
def test_alone_it_judges_for_https_unless_told_or_served_otherwise(shell, told, serves, judged):
    shell.__pillar__["preflight"] = told
    shell.facts["site"] = serves
    assert shell.requested("x")["result"] is True
    assert shell.judged == [judged]


@pytest.mark.parametrize("serves", ["", "ssl", "non-ssl"])
def test_an_operation_that_brings_no_site_judges_for_what_is_there(shell, serves):
    shell.facts["site"] = serves
    assert shell.passed("x", site="")["result"] is True
    assert shell.judged == [serves]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"site": "http"}, "preflight:site must be ssl or non-ssl, not 'http'."),
        ({"sites": "ssl"}, "preflight:sites is not a known key. Only preflight:site is allowed."),
    ],
)
def test_what_the_pillar_cannot_mean_is_refused(shell, told, words):
    shell.__pillar__["preflight"] = told
    ret = shell.requested("x")
    assert (ret["result"], ret["comment"]) == (False, words)
    assert shell.judged == []
