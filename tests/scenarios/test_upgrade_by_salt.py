"""An upgrade as a user makes it: another version in the settings, the same command."""

import os
import signal
import subprocess
import time

import pytest

from tests.scenarios.upgrading import cloned
from tests.soak import only_some

STATE = "server-runs-the-wanted-version"


@pytest.fixture(scope="module")
def deployed(lab, releases, deployed_snapshot):
    with cloned(lab, releases, deployed_snapshot, "by-salt") as made:
        yield made


@pytest.fixture
def upgrading(deployed, releases):
    deployed.reset()
    deployed.deployment.use(releases[0])
    return deployed


@pytest.mark.soak("records")
def test_another_version_in_the_settings_is_an_upgrade(upgrading, releases):
    upgrading.run(f"rm -rf /opt/mattermost/{upgrading.new.version}")
    upgrading.deployment.use(releases[1])
    dry = upgrading.deployment.apply("server", "test=True")
    assert dry.rc == 0, dry
    assert "Would upgrade" in dry.states[STATE]["comment"]
    upgrading.assert_old()

    run = upgrading.deployment.apply("server")
    assert run.rc == 0, run
    upgrading.assert_new()
    assert upgrading.deployment.apply("server").changes == {}


@pytest.mark.soak("records")
def test_a_failed_upgrade_is_told_with_its_reason_and_what_to_do(upgrading, releases):
    upgrading.break_new("FAIL_START=1")
    upgrading.deployment.use(releases[1])
    run = upgrading.deployment.apply("server")
    upgrading.mend_new()
    assert run.rc != 0
    state = run.states[STATE]
    assert state["result"] is False
    for words in ("Mattermost 11.8.100 ended", "11.7.100 serves again", "correct the cause", "first errors"):
        assert words in state["comment"]
    upgrading.assert_old()
    assert upgrading.deployment.apply("database").changes == {}, (
        "the database that was put back is not quite the old one"
    )


def controller_is_killed(upgrading, controller):
    os.killpg(controller.pid, signal.SIGKILL)
    upgrading.go_on()


def network_is_cut(upgrading, controller):
    """Until the host has ended by itself; its files are looked at from below."""
    link, root = upgrading.host.link, upgrading.host.root
    subprocess.run(["ip", "link", "set", link, "down"], check=True)
    try:
        (root / "root/pause/after").unlink()
        deadline = time.monotonic() + 120
        report, journal = (root / "var/lib/mattermost-deploy/switch" / name for name in ("report", "journal"))
        while not report.exists() or journal.exists():
            assert time.monotonic() < deadline, "the host did not end the upgrade by itself"
            time.sleep(0.3)
    finally:
        subprocess.run(["ip", "link", "set", link, "up"], check=True)
        os.killpg(controller.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "gone", only_some("records", [controller_is_killed, network_is_cut], network_is_cut), ids=lambda gone: gone.__name__
)
def test_a_controller_that_is_gone_in_the_middle_is_not_missed(upgrading, releases, gone):
    upgrading.pause_after("switched")
    with upgrading.writer() as writer:
        writer.posted()
        upgrading.deployment.use(releases[1])
        with upgrading.deployment.started("salt-ssh", "*", "state.apply", "mattermost.deploy.server") as controller:
            upgrading.reached()
            gone(upgrading, controller)
        assert controller.returncode == -signal.SIGKILL, "the controller had ended before it was killed"
        upgrading.settled()
        writer.posted()
    upgrading.assert_none_lost(writer)
    deadline = time.monotonic() + 120
    run = upgrading.deployment.apply("server")
    while run.rc != 0 and "is in progress" in run.out and time.monotonic() < deadline:
        time.sleep(1)  # the host's half of the dead run still waits for the switch, and holds the lock
        run = upgrading.deployment.apply("server")
    assert run.rc == 0, run  # finds nothing left to do
    assert STATE not in run.changes
    upgrading.assert_new()


@pytest.mark.soak("records")
def test_a_changed_environment_is_one_restart(upgrading):
    before = upgrading.server_pid()
    upgrading.deployment.set(server={"environment": {"MM_TEAMSETTINGS_SITENAME": "Changed"}})
    dry = upgrading.deployment.apply("server", "test=True")
    assert "Would restart" in dry.states[STATE]["comment"], dry
    assert upgrading.server_pid() == before
    run = upgrading.deployment.apply("server")
    assert run.rc == 0, run
    after = upgrading.server_pid()
    assert after != before
    assert upgrading.deployment.apply("server").changes == {}
    assert upgrading.server_pid() == after
    upgrading.deployment.set(server={"environment": {}})


@pytest.mark.soak("records")
def test_a_slow_boot_of_postgresql_leaves_chat_up_in_the_end(upgrading):
    drop_in = "/etc/systemd/system/postgresql@15-main.service.d"
    upgrading.run(f"mkdir -p {drop_in}; printf '[Service]\\nExecStartPre=/bin/sleep 15\\n' >{drop_in}/slow.conf")
    upgrading.host.cut()
    upgrading.host.start()
    try:
        upgrading.assert_old(upgrading.settled())
    finally:
        upgrading.run(f"rm -r {drop_in}; systemctl daemon-reload")


@pytest.mark.soak("records")
def test_a_first_deploy_that_fails_leaves_the_tree_and_a_stopped_server(upgrading):
    upgrading.run("systemctl stop mattermost; rm /opt/mattermost/current")
    upgrading.break_new("FAIL_START=1")
    done = upgrading.switch()
    upgrading.mend_new()
    assert done.returncode == 4, done.stdout
    look = upgrading.look()
    assert (look["current"], look["service"], look["journal"]) == ("", "inactive", "")
    assert upgrading.run(f"ls /opt/mattermost/{upgrading.new.version}")
