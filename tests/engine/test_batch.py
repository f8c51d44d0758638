"""`mattermost:batch` with a real master and real minions: who waits for whom, who is not begun, and what the run says."""

import os
import shutil

import pytest

from tests.engine import many

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a minion that deploys is root's")


@pytest.fixture(scope="module")
def site():
    started = many.Many(many.folder(), 3)
    started.give({}, started.minions)
    try:
        started.start()
        started.run("saltutil.sync_all")
        yield started
    finally:
        started.stop()
        shutil.rmtree(started.folder)


def order(site):
    """Return the hosts in the order of their stages, as ``0first 0second 1first``."""
    return [host[1] + what for _, host, what in site.work() if what != "end"]


def test_each_host_passes_its_stages_before_the_next_begins(site):
    site.give({}, site.minions, batch={"size": 1})
    steps = site.roll()
    assert [step["result"] for step in steps.values()] == [True, True, True], steps["first"]["comment"]
    assert order(site) == ["0first", "0second", "1first", "1second", "2first", "2second"]


def test_a_failed_host_stops_its_own_stages_and_ends_the_run_after_its_batch(site):
    site.give({"broken": {"second": ["m0.example"]}}, site.minions, batch={"size": 2})
    steps = site.roll()
    assert sorted(order(site)) == ["0first", "1first", "1second"]
    assert [steps[name]["result"] for name in ("first", "second")] == [True, False]
    assert steps["first"]["not_begun"] == ["m2.example"]
    said = steps["report"]["comment"]
    assert "Failed: m0.example: second:" in said
    assert "1 changed, 0 unchanged, 1 failed (m0.example), 1 not begun." in said
    assert "Not begun: m2.example." in said


def test_the_others_continue_while_few_enough_failed(site):
    site.give({"broken": {"first": ["m0.example"]}}, site.minions, batch={"size": 1, "failures": 2})
    steps = site.roll()
    assert order(site) == ["1first", "1second", "2first", "2second"]
    assert "2 changed, 0 unchanged, 1 failed (m0.example)." in steps["report"]["comment"]


def test_without_the_setting_all_hosts_work_at_once(site):
    site.give({"seconds": 2}, site.minions)
    assert site.roll()["second"]["result"] is True
    noted = site.work()
    assert {host for _, host, _ in noted[:3]} == set(site.minions)
    assert [what for _, _, what in noted[:3]] == ["first"] * 3, noted


def test_a_faulty_batch_is_refused_before_anything_is_asked(site):
    site.give({}, site.minions, batch={"size": "all"})
    step = site.orchestrate("mattermost.preflight")["hosts-are-fit"]
    assert step["result"] is False
    assert "mattermost:batch:size is 'all'. It must be a whole number of at least 0." in step["comment"]
