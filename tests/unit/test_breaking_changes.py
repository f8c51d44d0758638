"""The gate of breaking changes: it stops the host that one concerns, once, and no other; and the list itself is in order."""

import os
import re
import subprocess

import mattermost_settings_data
import pytest
from mattermost_controller.hosts import probe
from mattermost_controller.preflight import breaking_changes as gate
from mattermost_controller.preflight import concerned_hosts

from tests import repository, states
from tests.unit import test_preflight as preflight

BUNDLE = preflight.DATA["bundle"]
FIELDS = {"number", "id", "version", "title", "what_changes", "what_to_do", "concerns"}
CHANGE = {
    "number": 3,
    "id": "names-redirect",
    "version": "2.0.0",
    "title": "Additional names redirect.",
    "what_changes": "{names} redirect to chat.example.test.",
    "what_to_do": "Tell their users.",
    "concerns": "has_additional_names",
}
CHANGELOG = (repository.ROOT / "CHANGELOG.md").read_text()


def noted(version="1.0.0", number=2):
    return {**preflight.DEPLOYED, "bundle": {"version": version, "breaking_changes": number}}


@pytest.fixture
def judged(monkeypatch):
    """Judge a host with additional names by a bundle that has the one change of this test; returns the gate's findings."""

    def has_additional_names(settings, facts):
        names = settings["additional_names"]
        return {"names": ", ".join(names)} if names else None

    monkeypatch.setattr(concerned_hosts, "has_additional_names", has_additional_names, raising=False)

    def judge(facts, pillar=None, changes=(CHANGE,), **outside):
        bundle = {"version": "2.0.0", "breaking_changes": list(changes)}
        given = {"additional_names": ["www.example.test"]} | (pillar or {})
        settings = preflight.settings(given)
        facts = {**preflight.GOOD, **facts}
        found = preflight.checks.run(settings, facts, {**preflight.OUTSIDE, "bundle": bundle, **outside}, "ssl")
        return [one for one in found if one.check == gate.CHECK]

    return judge


def test_a_concerned_host_is_stopped_and_its_operator_reads_what_changes_and_what_to_do(judged):
    (found,) = judged(noted())
    assert found.level == "refusal"
    assert found.sentence == (
        "names-redirect: Additional names redirect. On this host: www.example.test redirect to chat.example.test. "
        "The change came with version 2.0.0, and the host was deployed with version 1.0.0 of this bundle."
    )
    assert found.fix == (
        "Tell their users. Then set mattermost:acknowledged: [names-redirect], or add "
        'pillar=\'{"acknowledged": ["names-redirect"]}\' to the salt-run command.'
    )


@pytest.mark.parametrize(
    ("facts", "pillar"),
    [
        (preflight.GOOD, {}),
        ({"files": ["/etc/mattermost/secrets", "/var/lib/mattermost-deploy"]}, {}),
        (noted("2.0.0", 3), {}),
        (noted("2.1.0", 7), {}),
        (noted(), {"additional_names": []}),
    ],
    ids=["bare", "first-deploy-cut-short", "passed", "by-a-newer-bundle", "not-concerned"],
)
def test_no_other_host_is_stopped(judged, facts, pillar):
    assert [one.level for one in judged(facts, pillar)] == ["ok"]


def test_a_host_without_a_note_was_deployed_before_there_were_versions(judged):
    (found,) = judged(preflight.DEPLOYED)
    assert found.level == "refusal"
    assert found.sentence.endswith("the host was deployed with a version before 1.0.0 of this bundle.")


@pytest.mark.parametrize(
    ("pillar", "outside"),
    [({"acknowledged": ["names-redirect"]}, {}), ({}, {"acknowledged": ["names-redirect"]})],
    ids=["pillar", "command"],
)
def test_the_run_goes_on_when_it_is_acknowledged(judged, pillar, outside):
    (found,) = judged(noted(), pillar, **outside)
    assert found.level == "note"
    assert found.sentence.endswith("You have acknowledged this change.")


def test_acknowledging_one_change_acknowledges_no_other(judged):
    other = {**CHANGE, "number": 4, "id": "another"}
    found = judged(noted(), {"acknowledged": ["names-redirect"]}, changes=(CHANGE, other))
    assert [one.level for one in found] == ["note", "refusal"]
    assert found[1].sentence.startswith("another: ")


def test_a_dry_run_warns_and_goes_on(judged):
    assert [one.level for one in judged(noted(), dry_run=True)] == ["warning"]


def test_a_change_cannot_be_ignored():
    found = preflight.findings_of({"preflight": {"ignore": ["breaking-changes"]}}, preflight.DEPLOYED)
    assert (
        found["settings"].sentence
        == "mattermost:preflight:ignore names breaking-changes, a check that cannot be ignored."
    )
    assert found["settings"].level == "refusal"


@pytest.mark.parametrize(("said", "names"), [(None, []), ("one", ["one"]), (["one", "two"], ["one", "two"])])
def test_a_command_names_one_or_several(said, names):
    assert states.load_state("mattermost_preflight")._names(said) == names


# -- the list --


def test_the_version_is_that_of_the_changelog():
    assert re.fullmatch(r"\d+\.\d+\.\d+", BUNDLE["version"])
    assert re.findall(r"^## (\S+)", CHANGELOG, re.MULTILINE)[0] == BUNDLE["version"]


def number_of(version):
    return tuple(map(int, version.split(".")))


def faults(bundle, changelog):
    """Return what is wrong with the list of breaking changes, one sentence each."""
    found, changes = [], bundle["breaking_changes"]
    numbers = [change.get("number", 0) for change in changes]
    if numbers != sorted(set(numbers)) or any(number < 1 for number in numbers):
        found.append(f"The numbers do not rise: {numbers}")
    if len({change.get("id") for change in changes}) != len(changes):
        found.append("An id is there twice.")
    for change in changes:
        name = change.get("id")
        if set(change) != FIELDS or not all(change.values()):
            found.append(f"{name} has not the fields {sorted(FIELDS)}.")
            continue
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            found.append(f"{name} is not kebab-case.")
        if number_of(change["version"]) > number_of(bundle["version"]):
            found.append(f"{name} comes with {change['version']}, which is newer than this bundle.")
        if not callable(getattr(concerned_hosts, change["concerns"], None)):
            found.append(f"{name} concerns {change['concerns']}, which is no function.")
        if f"`{name}`" not in changelog:
            found.append(f"{name} is not in CHANGELOG.md.")
    return found


def test_every_breaking_change_is_whole_and_in_the_changelog():
    assert faults(BUNDLE, CHANGELOG) == []


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"number": 0}, "do not rise"),
        ({"what_to_do": ""}, "has not the fields"),
        ({"id": "Names Redirect"}, "is not kebab-case"),
        ({"version": "9.0.0"}, "is newer than this bundle"),
        ({"concerns": "nobody"}, "is no function"),
        ({"id": "unheard-of"}, "is not in CHANGELOG.md"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_entry_would_be_found(broken, says):
    good = {**CHANGE, "version": BUNDLE["version"], "concerns": "every_host"}
    text = "`names-redirect`, `Names Redirect`"
    assert faults({**BUNDLE, "breaking_changes": [good]}, text) == []
    assert says in " ".join(faults({**BUNDLE, "breaking_changes": [{**good, **broken}]}, text))


# -- what a host notes --


@pytest.fixture
def note(tmp_path):
    """Return ``(state module, work folder)``; the note's content is what the probe would say."""
    return states.load_state("mattermost_bundle"), tmp_path / "work"


def test_the_highest_number_is_what_a_host_notes():
    data = {"bundle": {"version": "2.0.0", "breaking_changes": [CHANGE, {**CHANGE, "number": 4}]}}
    assert mattermost_settings_data.bundle(data) == {"version": "2.0.0", "breaking_changes": 4}
    data["bundle"]["breaking_changes"] = []
    assert mattermost_settings_data.bundle(data) == {"version": "2.0.0", "breaking_changes": 0}


def test_a_note_is_written_once_and_read_back_by_the_probe(note, monkeypatch):
    module, work = note
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    bundle = {"version": "2.0.0", "breaking_changes": 3}
    module.__opts__["test"] = True
    assert module.recorded(str(work), bundle)["result"] is None
    assert not work.exists()
    module.__opts__["test"] = False
    done = module.recorded(str(work), bundle)
    assert done["changes"]["version"] == {"old": "", "new": "2.0.0"}
    assert (work / "bundle").stat().st_mode & 0o777 == 0o600
    assert module.recorded(str(work), bundle)["changes"] == {}
    given = preflight.settings()
    given["paths"]["work"] = str(work)  # no setting may name such a place
    script = probe.script(["salt"], given)
    told = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=False).stdout
    assert probe.parse(told)["bundle"] == bundle
    assert module.recorded(str(work), {**bundle, "version": "2.1.0"})["changes"] == {
        "version": {"old": "2.0.0", "new": "2.1.0"}
    }


@pytest.mark.parametrize("lines", [[], ["version="], ["version=1.0.0"], ["version=1.0.0", "breaking_changes=x"]])
def test_a_note_that_is_none_counts_as_none(lines):
    assert probe.bundle(lines) is None


def test_additional_names_that_redirect_concern_the_hosts_that_have_some():
    found = concerned_hosts.has_additional_names(preflight.settings({"additional_names": ["www.example.test"]}), {})
    assert found["names"] == "www.example.test"
    assert concerned_hosts.has_additional_names(preflight.settings({}), {}) is None
