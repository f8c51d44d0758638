"""An EL 9-shaped host: dnf, a module stream that hides PGDG's packages, EPEL's restic, live repositories of its own."""

import json

import pytest

from tests.scenarios import hosttier
from tests.scenarios.census import census, differences
from tests.scenarios.deployment import Deployment


@pytest.fixture(scope="module")
def el9(lab, releases):
    with lab.passing("el9") as name:
        deployment = Deployment(lab, lab.host(name, platform="el9", fresh=True), releases[0])
        deployment.host.wait_booted()
        deployment.before = census(deployment)
        yield deployment


def test_a_bare_host_is_deployed_and_again_nothing_changes(el9):
    own = el9.ssh("sha256sum /etc/yum.repos.d/*.repo")
    first = el9.orchestrate()
    assert first.rc == 0, first
    assert el9.ssh("rpm -q --qf '%{release}' postgresql15-server") == "1PGDG.rhel9"
    assert "state=disabled" in el9.ssh("cat /etc/dnf/modules.d/postgresql.module").replace(" ", "")
    assert el9.ssh("rpm -q --qf '%{name}' restic") == "restic"
    assert el9.ssh("ls /usr/local/bin") == ""

    before = el9.main_pids()
    again = el9.orchestrate()
    assert again.rc == 0, again
    assert again.changes == {}
    assert el9.main_pids() == before, "a run that changes nothing restarted something"
    assert own in el9.ssh("sha256sum /etc/yum.repos.d/*.repo"), (
        "the host's own repositories work: they stay as they are"
    )


def test_the_host_tier_holds(el9):
    hosttier.holds(el9)


def test_a_purge_leaves_the_host_as_it_was_the_module_stream_too(el9):
    # what somebody asked for since, though it came first for our sake
    el9.ssh("dnf -y mark install postgresql15")
    told = {"remove": {"purge": el9.name}}
    run = el9.orchestrate("mattermost.remove", f"pillar={json.dumps(told)}")
    assert run.rc == 0, run
    theirs = r"package postgresql15 |/usr/pgsql-15|/usr/libexec/lab/pg|link /usr/bin/(psql|pg_|create)"
    assert "\n".join(differences(el9.before, census(el9), theirs)) == ""
    assert "package postgresql15 15.8-1PGDG.rhel9" in census(el9)
    assert "postgresql15-server" not in el9.ssh("dnf -q repoquery --available postgresql15-server 2>&1; true")
