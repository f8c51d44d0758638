"""An upgrade ends whole-new or whole-old, whatever fails on the way and whoever is still there to see it."""

import pytest

from tests.scenarios.upgrading import cloned
from tests.soak import only_some

# in the order in which they are written
FORWARD = ["begin", "stopped", "copying", "copied", "switched", "started"]
# The unit tests kill the program at every record too, and a lab's power cut is a kill of everything, then a boot.
ENDS = [pytest.param("killed", marks=pytest.mark.soak("kills")), "power-cut"]
UNDO = ["undo", "database-back", "config-back", "version-back"]
FAULTS = {
    "does-not-start": (["STANDIN_FAULT_FAIL_START=1"], "ended"),
    "stays-unhealthy": (["STANDIN_FAULT_UNHEALTHY=1"], "is not healthy"),
    "says-another-version": (["STANDIN_FAULT_WRONG_VERSION=9.9.9"], "version 9.9.9"),
    "migration-fails": (["STANDIN_FAULT_FAIL_MIGRATION=1"], "ended"),
    "crashes-again-and-again": (["STANDIN_FAULT_CRASH_AFTER_SECONDS=1"], "during the health check"),
}


@pytest.fixture(scope="module")
def deployed(lab, releases, deployed_snapshot):
    with cloned(lab, releases, deployed_snapshot, "upgrade") as made:
        yield made


@pytest.fixture
def upgrading(deployed):
    deployed.reset()
    return deployed


@pytest.mark.soak("records")
def test_the_new_version_serves_with_all_that_was_there(upgrading):
    done = upgrading.switch()
    assert done.returncode == 0, done.stdout
    look = upgrading.look()
    upgrading.assert_new(look)
    assert "mattermost_before_" in look["databases"], "the safety copy is gone"


@pytest.mark.parametrize("fault", only_some("records", FAULTS))
def test_a_failed_upgrade_undoes_itself(upgrading, fault):
    lines, says = FAULTS[fault]
    upgrading.fault(*lines)
    # half a minute as it is set is waited for where messages are counted
    upgrading.run("echo unhealthy_timeout=5 >>/etc/mattermost/switch.conf")
    done = upgrading.switch()
    upgrading.run("sed -i '$d' /etc/mattermost/switch.conf")
    assert done.returncode == 3, done.stdout
    upgrading.assert_old()
    assert says in done.stdout
    assert upgrading.run(f"ls /opt/mattermost/{upgrading.new.version}/bin"), "the failed tree is gone"


# as a person's; this host has no site to post it by
MESSAGE = (
    'runuser -u postgres -- psql -Xq -d mattermost -c "SET ROLE mattermost; INSERT INTO posts (id, createat, updateat, deleteat, userid,'
    f" channelid, rootid, message, type) VALUES ('{26 * 'p'}', 17, 17, 0, '{26 * 'u'}', '{26 * 'c'}', '', 'Hello <all> & \\\\ Grüße', '')\""
)


@pytest.mark.parametrize("shown", only_some("records", ["error", "nothing", "other"], "other"))
def test_a_healthy_server_that_does_not_show_the_newest_message_is_rolled_back(upgrading, shown):
    upgrading.run(MESSAGE)
    assert upgrading.run("mattermost-switch check"), "the old one does not show it either"
    upgrading.fault(f"STANDIN_FAULT_POST={shown}")
    upgrading.run("echo unhealthy_timeout=5 >>/etc/mattermost/switch.conf")
    done = upgrading.switch()
    upgrading.run("sed -i '$d' /etc/mattermost/switch.conf")
    assert done.returncode == 3, done.stdout
    assert f"does not return the newest message ({26 * 'p'}" in done.stdout
    assert "Hello" not in done.stdout + upgrading.run("journalctl -u mattermost-switch -o cat")
    upgrading.assert_old()


@pytest.mark.soak("records")
def test_no_secret_is_in_the_report(upgrading):
    secret = "p%40ss-w0rd-of-the-database"
    upgrading.fault(
        "MM_EMAILSETTINGS_SMTPPASSWORD=" + secret,
        f"MM_SQLSETTINGS_DATASOURCE=postgres://mattermost:{secret}@127.0.0.1:1/none",
    )
    upgrading.run("printf 'start_timeout=10\\n' >>/etc/mattermost/switch.conf")
    done = upgrading.switch()
    upgrading.run("sed -i '$d' /etc/mattermost/switch.conf")
    assert done.returncode == 3, done.stdout
    assert "Failed to ping DB" in done.stdout
    assert "p%40ss" not in done.stdout
    upgrading.assert_old()


def test_a_long_migration_is_watched_and_not_cut(upgrading):
    """Three of them take longer together than a start may; a busy machine needs some of that for the start itself."""
    upgrading.run("printf 'start_timeout=10\\n' >>/etc/mattermost/switch.conf")
    upgrading.fault("STANDIN_FAULT_SLOW_MIGRATION_SECONDS=4")
    done = upgrading.switch()
    upgrading.run("sed -i '$d' /etc/mattermost/switch.conf")
    assert done.returncode == 0, done.stdout
    upgrading.assert_new()


def interrupted(upgrading, record, end) -> dict:
    """Interrupt an upgrade after *record* while somebody posts; no message is lost. Returns the look of the host afterwards."""
    upgrading.pause_after(record)
    with upgrading.writer() as writer:
        writer.posted()
        upgrading.ask_and_leave()
        upgrading.reached()
        upgrading.interrupt(end)
        look = upgrading.settled()
    upgrading.assert_none_lost(writer)
    return look


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("record", only_some("records", FORWARD, "switched"))
def test_an_interrupted_upgrade_is_undone(upgrading, record, end):
    look = interrupted(upgrading, record, end)
    upgrading.assert_old(look)
    assert look["report"] == "undone"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("record", only_some("records", ["serving", "healthy"], "serving"))
def test_an_upgrade_interrupted_once_people_post_to_it_stays(upgrading, record, end):
    look = interrupted(upgrading, record, end)
    upgrading.assert_new(look)
    assert look["report"] == "done"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("record", only_some("records", UNDO, "database-back"))
def test_an_interrupted_undo_is_ended(upgrading, record, end):
    upgrading.break_new("FAIL_START=1")
    try:
        upgrading.assert_old(interrupted(upgrading, record, end))
    finally:
        upgrading.mend_new()


@pytest.mark.parametrize("record", only_some("records", ["copying", "started"]))
def test_postgresql_killed_in_the_middle_is_survived(upgrading, record):
    upgrading.pause_after(record)
    with upgrading.writer() as writer:
        writer.posted()
        upgrading.ask_and_leave()
        upgrading.reached()
        upgrading.run("systemctl kill --signal=KILL postgresql@15-main; systemctl stop postgresql")
        if record == "copying":
            upgrading.go_on()
        else:
            upgrading.interrupt("killed")
        upgrading.until(
            "grep -q '^result=waiting' /var/lib/mattermost-deploy/switch/report", "the wait for PostgreSQL", 120
        )
        upgrading.run("systemctl start postgresql")
        look = upgrading.settled()
    upgrading.assert_old(look)
    upgrading.assert_none_lost(writer)


def test_while_a_switch_is_open_nobody_else_starts_the_server(upgrading):
    upgrading.run(
        "systemctl stop mattermost; echo 'begin 20200101000000 x y' >/var/lib/mattermost-deploy/switch/journal"
    )
    started = upgrading.host.ssh("systemctl start mattermost", check=False)
    state = upgrading.run("systemctl is-active mattermost", check=False).strip()
    upgrading.run("rm /var/lib/mattermost-deploy/switch/journal")
    assert started.returncode != 0
    assert state == "inactive"


def test_a_server_without_its_environment_file_says_so(upgrading):
    upgrading.run("mv /etc/mattermost/environment /root/environment; systemctl restart mattermost", check=False)
    said = upgrading.run(
        "journalctl -u mattermost -n 20 --no-pager; rm -f /etc/mattermost/environment; mv /root/environment /etc/mattermost/"
    )
    assert "Failed to load environment files" in said


def test_a_too_small_disk_is_refused_before_anything_stops(upgrading):
    pid = upgrading.run("systemctl show -p MainPID mattermost")
    upgrading.run("printf '#!/bin/sh\\necho h; echo x 1 1 9\\n' >/root/pause/df; chmod 755 /root/pause/df")
    done = upgrading.switch()
    upgrading.run("rm /root/pause/df")
    assert done.returncode == 2, done.stdout
    assert "Free some space on that disk" in done.stdout
    assert upgrading.run("systemctl show -p MainPID mattermost") == pid
