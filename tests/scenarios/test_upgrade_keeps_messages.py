"""Every message that the server took is there after an upgrade and after an undo, seen through the whole site."""

import re

import pytest

from tests.browser import chromium
from tests.browser.visit import Site, visit
from tests.clients import installed, talking
from tests.scenarios.chat import admin_login
from tests.scenarios.small_disk import CLUSTER, POSTGRESQL, empty, fill, small_disk
from tests.scenarios.upgrading import cloned
from tests.soak import only_some


@pytest.fixture(scope="module")
def deployed(lab, releases, deployed_snapshot):
    with cloned(lab, releases, deployed_snapshot, "messages") as made:
        yield made


@pytest.fixture
def site(deployed, releases):
    deployed.deployment.use(releases[0])
    deployed.reset()
    deployed.deployment.wait_until_healthy()
    yield deployed
    deployed.mend_new()


@pytest.fixture
def writer(site):
    return site.writer()


@pytest.mark.soak("records")
def test_an_upgrade_loses_no_message(site, writer):
    with writer:
        writer.posted()
        done = site.switch()
        writer.posted()
    assert done.returncode == 0, done.stdout
    site.assert_new()
    assert writer.lost() == set()
    print(f"outage of an upgrade: {writer.pause:.2f} s")


def test_the_one_command_upgrades_under_a_user_who_posts(site, writer, releases):
    site.run(f"rm -rf /opt/mattermost/{site.new.version}")
    site.deployment.use(releases[1])
    with writer:
        run = site.deployment.orchestrate()
    assert run.rc == 0, run
    site.assert_new()
    assert writer.lost() == set()
    print(f"outage of an upgrade by the orchestration: {writer.pause:.2f} s")
    again = site.deployment.orchestrate()
    assert (again.rc, again.changes) == (0, {}), again


@pytest.fixture(scope="module")
def talked(deployed, lab, releases):
    """Clients that others wrote, after they used the site while it was upgraded and rolled back: by kind, what came of each."""
    deployment = deployed.deployment
    deployment.use(releases[0])
    deployed.reset()
    deployment.wait_until_healthy()
    login, password = admin_login(deployment)
    site = {"name": deployment.name, "address": deployment.host.address, "login": login, "password": password}
    changes = {
        "after an upgrade": lambda: deployed.switch(check=True),
        "after a rollback": lambda: deployed.run("mattermost-switch back go", timeout=180),
    }
    return talking.talk(lab.cache, site, lab.ca_file, changes)


@pytest.mark.parametrize("client", installed.KINDS)
def test_a_client_that_others_wrote_comes_back_after_an_upgrade_and_a_rollback(talked, client):
    talker = talked[client]
    if isinstance(talker, str):
        pytest.skip(talker)
    assert talker.missing == "", talker.told()


def test_a_person_uses_the_site_in_a_browser(site, tmp_path):
    try:
        chromium.program()
    except chromium.BrowserError as missing:
        pytest.skip(str(missing))
    deployment = site.deployment
    seen = Site(deployment.name, deployment.host.address, deployment.lab.ca_file)
    browser = visit(seen, *admin_login(deployment), tmp_path)
    assert browser.problems == []


FAULTS = {
    "FAIL_START=1": "ended",
    "UNHEALTHY=1": "is not healthy",
    "WRONG_VERSION=9.9.9": "says that it is version 9.9.9",
    "FAIL_MIGRATION=1": "ended",
}


@pytest.mark.parametrize("fault", only_some("records", FAULTS, "UNHEALTHY=1"))
def test_an_undo_loses_no_message(site, writer, fault):
    site.break_new(fault)
    with writer:
        writer.posted()
        done = site.switch()
        writer.posted()
    assert done.returncode == 3, done.stdout
    assert FAULTS[fault] in done.stdout
    site.assert_old()
    assert writer.lost() == set()
    print(f"outage of a failed upgrade ({fault}): {writer.pause:.2f} s")


OWN = "/var/lib/mattermost-deploy/switch"
FULL = {  # folder, MiB free on it, the services that must not run meanwhile
    "of the journal": (OWN, 1, "mattermost-switch"),
    "of PostgreSQL": (CLUSTER, 150, f"mattermost {POSTGRESQL}"),
}


@pytest.mark.parametrize("disk", only_some("records", FULL, "of PostgreSQL"))
def test_a_disk_that_fills_in_the_middle_loses_no_message(site, disk):
    folder, more, units = FULL[disk]
    with small_disk(site, folder, more, units):
        site.pause_after("stopped")
        with site.writer() as writer:
            writer.posted()
            site.ask_and_leave()
            site.reached()
            fill(site, folder)
            site.go_on()
            # undone although it is full, or the undo waits for PostgreSQL, which cannot start without room either
            site.until(
                f"test ! -e {OWN}/journal || grep -q '^result=waiting' {OWN}/report", "the end of the upgrade", 180
            )
            empty(site, folder)
            look = site.settled()
        site.assert_old(look)
        site.deployment.wait_until_healthy()
        assert writer.lost() == set()


@pytest.mark.soak("records")
def test_what_is_posted_to_a_version_that_crashes_later_is_counted_and_kept_aside(site, writer):
    site.break_new("CRASH_AFTER_SECONDS=2")
    with writer:
        writer.posted()
        done = site.switch()
        writer.posted()
    assert done.returncode == 3, done.stdout
    site.assert_old()
    lost = writer.lost()
    assert lost, "the crash came before anything was posted: the test shows nothing"
    said = int(re.search(r"(\d+) messages were posted to", done.stdout)[1])
    assert said >= len(lost)
    kept = re.search(r"now only in the database (\w+)", done.stdout)[1]
    count = f"SELECT count(*) FROM posts WHERE message IN ({','.join(repr(f'message {number}') for number in lost)})"
    assert site.run(f'cd /; runuser -u postgres -- psql -XAtq -d {kept} -c "{count}"').strip() == str(len(lost))
