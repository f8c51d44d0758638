"""`mattermost` in a top file applies the deploy states of a site in the orchestration's order, each only after the host was looked at."""

import functools

import pytest

from tests.render import compiler

GUARD = "nothing-is-due-that-needs-an-orchestration"
COMMON = "mattermost.deploy.common"
SITES = {"ssl": "Debian-12", "non-ssl": "RedHat-7"}


@pytest.fixture(params=SITES)
def site(request):
    return request.param


def applied(site):
    return [chunk["apply"] for chunk in compiler.orchestration(f"mattermost.{site}") if "apply" in chunk]


@functools.cache
def top(site):
    pillar = {"mattermost": compiler.PILLAR["mattermost"] | {"site": site}}
    return compiler.Host(compiler.GRAINS[SITES[site]], pillar).low(compiler.TOP)


def test_the_states_are_those_of_the_orchestration_in_its_order(site):
    assert applied(site)[-1] == "mattermost.deploy.record"
    found = [chunk["__id__"] for chunk in top(site) if chunk["__id__"] != GUARD]
    assert found == [chunk["__id__"] for chunk in compiler.low(SITES[site], *applied(site))]


def test_every_state_waits_for_the_look_at_the_host(site):
    """But those of the lock, the notes and the tools, which change nothing of a site."""
    at_once = [chunk for chunk in top(site) if {"mattermost_site": GUARD} not in chunk.get("require", [])]
    assert {chunk["__id__"] for chunk in at_once if chunk["__sls__"] != COMMON} == {GUARD}


def test_states_that_only_some_platforms_and_settings_include_wait_too(site):
    (guard,) = [chunk for chunk in top(site) if chunk["__id__"] == GUARD]
    named = {each["sls"] for each in guard["require_in"]}
    components = {*applied(site), "mattermost.deploy.repositories"}
    parts = {name for name in compiler.DEPLOY if name.rpartition(".")[0] in components}
    assert {*applied(site), *parts} - named == set()


def test_the_version_is_noted_after_all_others(site):
    (noted,) = [chunk for chunk in top(site) if chunk["__id__"] == "bundle-version-is-noted"]
    assert {each["sls"] for each in noted["require"] if "sls" in each} >= set(applied(site)[:-1])
