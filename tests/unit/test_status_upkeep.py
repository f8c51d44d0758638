"""The rest of the host in the status: support of platform and PostgreSQL, a reboot that is due, security packages."""

import datetime

import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from mattermost_controller.status import upkeep

from tests import repository
from tests.unit import test_status as status

DATA = mattermost_settings_data.load([str(repository.ROOT / "salt")])
TODAY = "2027-01-01"


def levels(ends="2030-01-01", postgresql="15.3", majors=None, **told):
    time = datetime.datetime.fromisoformat(f"{TODAY}T12:00:00+00:00").timestamp()
    settings = {"platform": {"name": "Debian 12", "support_ends": ends}}
    facts = {"time": time, "status": {"reboot": False, "security_packages": 0, **told}}
    table = {"postgresql": {"15": "2030-01-01"} if majors is None else majors}
    return {one.check: one.level for one in upkeep.findings(settings, facts, postgresql, table)}


def test_a_host_that_is_current_is_well():
    assert set(levels().values()) == {"ok"}
    assert set(levels()) == {"platform-support", "postgresql-support", "reboot", "security-packages"}


@pytest.mark.parametrize(
    ("ends", "level"),
    [("2026-12-31", "refusal"), (TODAY, "warning"), ("2027-04-01", "warning"), ("2027-04-02", "ok"), ("", "skipped")],
)
def test_an_end_of_support_is_attention_when_it_has_passed(ends, level):
    assert levels(ends=ends)["platform-support"] == level
    assert levels(majors={"15": ends})["postgresql-support"] == level


@pytest.mark.parametrize("postgresql", ["", "99.1"])
def test_what_is_not_known_is_not_called_supported(postgresql):
    assert levels(postgresql=postgresql)["postgresql-support"] == "skipped"


def test_a_reboot_and_waiting_security_packages_are_warnings():
    assert levels(reboot=True)["reboot"] == "warning"
    assert levels(security_packages=3)["security-packages"] == "warning"
    assert levels(security_packages=None)["security-packages"] == "skipped"


def test_the_hosts_answer_is_read():
    told = status.facts(status.ANSWER.replace("s.end\tok", "s.reboot\tyes\ns.security_packages\t4\ns.end\tok"))[
        "status"
    ]
    assert (told["reboot"], told["security_packages"]) == (True, 4)
    told = status.facts()["status"]
    assert (told["reboot"], told["security_packages"]) == (False, None)


def test_every_platform_and_every_postgresql_of_ours_has_its_last_day():
    for key, entry in DATA["platforms"].items():
        facts = core.platform(DATA["platforms"], key)
        assert "support_ends" in entry, key
        assert entry["support_ends"] == "" or datetime.date.fromisoformat(entry["support_ends"]), key
        assert str(facts["postgresql"]["newest"]) in DATA["releases"]["postgresql"], key


def test_what_the_settings_ignore_needs_nobody_and_stays_a_warning():
    old = {"platform": {"support_ends": "0001-01-01"}}
    assert "platform-support" in {one["check"] for one in status.made(pillar=old)["attention"]}
    made = status.made(pillar={**old, "status": {"ignore": ["platform-support"]}})
    assert "platform-support" not in {one["check"] for one in made["attention"]}
    (kept,) = [one for one in made["findings"] if one["check"] == "platform-support"]
    assert kept["level"] == "warning"
    assert "ignored by mattermost:status:ignore" in kept["sentence"]
