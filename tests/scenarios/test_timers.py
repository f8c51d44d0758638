"""What happens by the clock: systemd's own timers start what they are for, and a backup made so is seen by status and verify."""

import pytest

from tests.lab.shell import wait_until
from tests.scenarios import findings
from tests.scenarios.statuses import attention, deployed, status_of

LAST_GOOD = "/var/lib/mattermost-deploy/backup/last-good"
TIMERS = ["mattermost-backup", "mattermost-certificate", "certbot"]
FACTS = {
    "timer": "Unit,NextElapseUSecRealtime,UnitFileState,ActiveState",
    "service": "InvocationID,Result,ActiveState,TriggeredBy",
}


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    with deployed(lab, releases, deployed_snapshot, "timers") as deployment:
        yield deployment


def facts(host, name) -> tuple[dict, dict]:
    """Return what systemd says of the timer and of its service."""
    shown = [host.ssh(f"systemctl show {name}.{kind} -p {what}") for kind, what in FACTS.items()]
    timer, service = [dict(line.split("=", 1) for line in part.splitlines()) for part in shown]
    return timer, service


def set_clock(host, timer, *lines):
    """Lay *lines* over the timer's own, as an administrator does."""
    folder = f"/etc/systemd/system/{timer}.timer.d"
    text = "\\n".join(["[Timer]", "RandomizedDelaySec=0", "AccuracySec=100ms", *lines])
    host.ssh(f"mkdir -p {folder}; printf '{text}\\n' >{folder}/soon.conf; systemctl daemon-reload")


def reset_clock(host, timer):
    host.ssh(f"rm -r /etc/systemd/system/{timer}.timer.d; systemctl daemon-reload; systemctl restart {timer}.timer")


def started(host, timer, before, seconds=180) -> None:
    """Wait until the service was started once more than *before* (its InvocationID)."""

    def is_started():
        return facts(host, timer)[1]["InvocationID"] not in ("", before)

    wait_until(is_started, f"A start by {timer}.timer", timeout=seconds, pause=0.3)


def ended(host, timer, seconds=180) -> dict:
    """Wait until the service, once started, is at rest again; returns its facts."""

    def at_rest():
        _, service = facts(host, timer)
        return service if service["ActiveState"] in ("inactive", "failed") else None

    return wait_until(at_rest, f"The end of {timer}.service", timeout=seconds, pause=0.3)


@pytest.mark.parametrize("name", TIMERS)
def test_a_timer_is_on_and_starts_its_service_by_the_clock(host, name):
    timer, service = facts(host, name)
    assert timer["Unit"] == f"{name}.service"
    assert timer["NextElapseUSecRealtime"], "it never comes"
    assert (timer["ActiveState"], timer["UnitFileState"]) == ("active", "enabled")
    assert f"{name}.timer" in service["TriggeredBy"].split()
    set_clock(host, name, "OnCalendar=", "OnCalendar=*:*:0/3")
    try:
        host.ssh(f"systemctl restart {name}.timer")
        started(host, name, service["InvocationID"])
    finally:
        reset_clock(host, name)  # before its end is waited for: a clock this quick starts it anew the moment it ends
    assert ended(host, name)["Result"] == "success"


def test_a_backup_missed_while_the_host_was_off_is_made_up_for_and_its_age_is_seen(host):
    host.ssh("mattermost-backup now", timeout=120)
    host.ssh(
        f"sed -i 's/^epoch=.*/epoch=1000000000/' {LAST_GOOD}; touch -h -d '-9 days' /etc/systemd/system/timers.target.wants/mattermost-backup.timer"
    )
    _, made = status_of(host, drift=False)
    assert attention(made) == {"backup-age"}
    assert findings.red(findings.findings_of(host, "mattermost.verify")) == {"backup-age"}
    # due in each of the nights in which the host was off; only the spread over some minutes is taken away
    set_clock(host, "mattermost-backup")
    host.ssh("touch -d '-9 days' /var/lib/systemd/timers/stamp-mattermost-backup.timer")
    try:
        host.host.cut()
        host.host.start()
        started(host, "mattermost-backup", "")
        assert ended(host, "mattermost-backup")["Result"] == "success"
        host.wait_until_healthy()
        _, made = status_of(host, drift=False)
        assert attention(made) == set()
        assert made["backup"]["age_hours"] < 1
        verified = host.orchestrate("mattermost.verify")
        assert verified.rc == 0, verified
    finally:
        reset_clock(host, "mattermost-backup")
