"""A site below a path of its name: deployed, used, upgraded there, and back at the name itself."""

import pytest

from tests.scenarios.deployment import Deployment
from tests.scenarios.findings import findings_of, red
from tests.scenarios.test_certificates_change import get


@pytest.fixture(scope="module")
def site(lab, releases, deployed_snapshot):
    """A deployed host of this module's own."""
    with lab.passing("subpath") as name:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, name), releases[0])
        deployment.wait_until_healthy()
        yield deployment


def answers(site, *paths):
    """Return the status and the address of a redirect for each path."""
    return {path: get(site, site.name, path).rpartition("\n")[2].strip() for path in paths}


def deploy(site):
    run = site.orchestrate()
    assert run.rc == 0, run
    return run


def test_a_site_moves_below_a_path_is_upgraded_there_and_moves_back(site, releases):
    site.set(server={"path": "/chat"}, verify={"round_trip": True})
    deploy(site)
    assert deploy(site).changes == {}
    found = findings_of(site, "mattermost.verify")
    assert red(found) == set()
    assert found["round-trip"]["level"] == "ok", "a message goes below the path"
    address = f"https://{site.name}"
    expected = {"/": f"302 {address}/chat", "/chat": f"302 {address}/chat/", "/chat/": "200"}
    expected |= {"/chat/api/v4/system/ping": "200", "/chat/static/manifest.json": "200"}
    assert answers(site, *expected) == expected
    page = get(site, site.name, "/chat/")
    assert "window.publicPath='/chat/static/'" in page
    assert "'sha256-" in page
    since = site.ssh("date '+%Y-%m-%d %H:%M:%S'").strip()
    site.use(releases[1])
    deploy(site)
    assert "'/chat/static/'" in get(site, site.name, "/chat/")
    assert "Failed to update assets" not in site.ssh(f"journalctl -u mattermost --since '{since}' -o cat")
    site.set(server={"path": ""})
    deploy(site)
    assert answers(site, "/", "/login") == {"/": "200", "/login": "200"}
    assert "window.publicPath" not in get(site, site.name, "/")
