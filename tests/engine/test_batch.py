"""Several hosts of a real master: `mattermost:batch`, and whose settings come to whom."""

import os

import pytest

from tests import secrets
from tests.engine import daemons, many

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a minion that deploys is root's")


@pytest.fixture(scope="module")
def site():
    several = many.Many(daemons.new_folder(), 3)
    several.give({})
    with several:
        several.run("saltutil.sync_all")
        yield several


def order(site):
    """Return the hosts in the order of their stages, as ``m1 first``."""
    return [f"{host.removesuffix('.example')} {what}" for _, host, what in site.work() if what != "end"]


def test_each_host_passes_its_stages_before_the_next_begins(site):
    site.give({}, batch={"size": 1})
    steps = site.roll()
    assert [step["result"] for step in steps.values()] == [True, True, True], steps["first"]["comment"]
    assert order(site) == ["minion first", "minion second", "m1 first", "m1 second", "m2 first", "m2 second"]


def test_a_failed_host_stops_its_own_stages_and_ends_the_run_after_its_batch(site):
    site.give({"broken": {"second": ["minion.example"]}}, batch={"size": 2})
    steps = site.roll()
    assert sorted(order(site)) == ["m1 first", "m1 second", "minion first"]
    assert [steps[name]["result"] for name in ("first", "second")] == [True, False]
    assert steps["first"]["not_begun"] == ["m2.example"]
    said = " ".join(steps["report"]["comment"].split())
    assert "Failed: minion.example: second:" in said
    assert "1 changed, 0 unchanged, 1 failed (minion.example), 1 not begun." in said
    assert "Not begun: m2.example." in said


def test_without_the_setting_all_hosts_work_at_once(site):
    site.give({"seconds": 2})
    assert site.roll()["second"]["result"] is True
    noted = site.work()
    assert {host for _, host, _ in noted[:3]} == set(site.minions)
    assert [what for _, _, what in noted[:3]] == ["first"] * 3, noted


def test_a_faulty_batch_is_refused_before_anything_is_asked(site):
    site.give({}, batch={"size": "all"})
    step = site.orchestrate("mattermost.preflight")["hosts-are-fit"]
    assert step["result"] is False
    assert "mattermost:batch:size is 'all'. It must be a whole number of at least 0." in step["comment"]


SECRETS = {daemons.MINION: "the-password-of-the-first", "m1.example": "the-password-of-the-second"}


def keeping(site, secret, *places):
    """Return the files below *places* of the site's folder that hold *secret*."""
    return secrets.below(site.folder, {"x": secret}, places)


def test_no_host_gets_what_another_ones_settings_keep_secret(site):
    mail = {"server": "smtp.example.test", "username": "chat"}
    own = {host: {"name": f"chat.{host}", "mail": {**mail, "password": secret}} for host, secret in SECRETS.items()}
    site.give({}, own, hosts=list(own))
    step = site.orchestrate("mattermost.preflight")["hosts-are-fit"]
    assert set(step["findings"]) == set(own), step["comment"]
    assert not any(secret in repr(step) for secret in SECRETS.values())
    assert site.roll()["second"]["result"] is True, "each host had its pillar"
    first, second = SECRETS.values()
    places = ("master", "minion", "m1.example")
    cached = "master/var/cache/salt/master/pillar"
    assert keeping(site, first, *places) == {f"{cached}/{daemons.MINION}.p"}
    assert keeping(site, second, *places) == {f"{cached}/m1.example.p"}
