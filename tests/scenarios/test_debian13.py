"""Debian 13: deployed, again without a change, and the finished host as promised."""

import pytest

from tests.probe import Probe, Target
from tests.scenarios import hosttier
from tests.scenarios.deployment import Deployment


@pytest.fixture(scope="module")
def debian13(lab, releases):
    with lab.passing("debian13") as name:
        yield Deployment(lab, lab.host(name, platform="debian13", fresh=True), releases[0])


def test_a_bare_host_is_deployed_and_again_nothing_changes(debian13):
    first = debian13.orchestrate()
    assert first.rc == 0, first
    assert debian13.ssh("psql --version").startswith("psql (PostgreSQL) 17")

    before = debian13.main_pids()
    with Probe(Target(debian13.name, debian13.host.address, ca_file=str(debian13.lab.ca_file))) as probe:
        again = debian13.orchestrate()
    assert again.rc == 0, again
    assert again.changes == {}
    assert debian13.main_pids() == before, "a run that changes nothing restarted something"
    assert probe.report.lost == [], probe.report


def test_the_host_tier_holds(debian13):
    hosttier.holds(debian13)
