"""EL 8- and 9-shaped hosts: dnf, a module stream that hides PGDG's packages, EPEL's restic, live repositories of its own."""

import json

import pytest

from tests.scenarios import hosttier
from tests.scenarios.census import census, differences
from tests.scenarios.deployment import Deployment
from tests.soak import only_some


@pytest.fixture(scope="module", params=only_some("el", ["el8", "el9"], "el9"))
def host(lab, releases, request):
    with lab.passing(request.param) as name:
        deployment = Deployment(lab, lab.host(name, platform=request.param, fresh=True), releases[0])
        deployment.host.wait_booted()
        deployment.build = "1PGDG." + request.param.replace("el", "rhel")
        deployment.before = census(deployment)
        yield deployment


@pytest.fixture(scope="module")
def deployed(host):
    host.own = host.ssh("sha256sum /etc/yum.repos.d/*.repo")
    first = host.orchestrate()
    assert first.rc == 0, first
    return host


def test_a_bare_host_is_deployed_and_again_nothing_changes(deployed):
    host = deployed
    assert host.ssh("rpm -q --qf '%{release}' postgresql15-server") == host.build
    assert "state=disabled" in host.ssh("cat /etc/dnf/modules.d/postgresql.module").replace(" ", "")
    assert host.ssh("rpm -q --qf '%{name}' restic") == "restic"
    assert host.ssh("ls /usr/local/bin") == ""

    before = host.main_pids()
    again = host.orchestrate()
    assert again.rc == 0, again
    assert again.changes == {}
    assert host.main_pids() == before, "a run that changes nothing restarted something"
    assert host.own in host.ssh("sha256sum /etc/yum.repos.d/*.repo"), (
        "the host's own repositories work: they stay as they are"
    )


@pytest.mark.soak("el")
def test_the_host_tier_holds(deployed):
    hosttier.holds(deployed)


@pytest.mark.soak("el")
def test_a_purge_leaves_the_host_as_it_was_the_module_stream_too(deployed):
    host = deployed
    # what somebody asked for since, though it came first for our sake
    host.ssh("dnf -y mark install postgresql15")
    told = {"remove": {"purge": host.name}}
    run = host.orchestrate("mattermost.remove", f"pillar={json.dumps(told)}")
    assert run.rc == 0, run
    theirs = r"package postgresql15 |/usr/pgsql-15|/usr/libexec/lab/pg|link /usr/bin/(psql|pg_|create)"
    assert "\n".join(differences(host.before, census(host), theirs)) == ""
    assert f"package postgresql15 15.8-{host.build}" in census(host)
    assert "postgresql15-server" not in host.ssh("dnf -q repoquery --available postgresql15-server 2>&1; true")
