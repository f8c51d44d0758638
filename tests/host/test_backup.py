"""Backups on a deployed host: one is made by the clock, what it needs is root's alone, an interrupted restore is undone at boot."""

import pytest

UNITS = [
    "mattermost-backup.service",
    "mattermost-backup.timer",
    "mattermost-backup-failed.service",
    "mattermost-restore@latest.service",
    "mattermost-restore-back.service",
]


def test_a_backup_is_made_by_the_clock(host, platform):
    if not platform["backup"]["by_clock"]:
        pytest.skip(f"NO RESTIC: {platform['name']} has no package of it.")
    assert host.service("mattermost-backup.timer").is_running
    assert host.service("mattermost-backup.timer").is_enabled
    assert host.check_output("systemctl show --value -p NextElapseUSecRealtime mattermost-backup.timer") != ""


def test_what_was_due_while_the_host_was_off_is_made_up_for(host):
    assert host.check_output("systemctl show --value -p Persistent mattermost-backup.timer") == "yes"


def test_a_failed_backup_is_told(host):
    said = host.check_output("systemctl show --value -p OnFailure mattermost-backup.service")
    assert said == "mattermost-backup-failed.service"


@pytest.mark.parametrize("path", ["/etc/mattermost/backup.conf", "/etc/mattermost/secrets/backup-password"])
def test_what_opens_the_repository_is_roots_alone(host, path):
    file = host.file(path)
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)


@pytest.mark.parametrize("name", ["mattermost-backup", "mattermost-restore"])
def test_the_programs_are_roots(host, name):
    file = host.file(f"/usr/local/sbin/{name}")
    assert (file.user, file.mode) == ("root", 0o755)


def test_an_interrupted_restore_is_undone_before_the_server_starts(host):
    assert host.service("mattermost-restore-back").is_enabled
    assert "mattermost.service" in host.check_output("systemctl show --value -p Before mattermost-restore-back")


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_are_clean_to_systemd(host, unit):
    assert host.run("systemd-analyze verify %s", unit).stderr == ""


def test_nothing_of_a_backup_or_restore_is_left_half_done(host):
    for name in ("staging", "drill", "open", "undone", "restored", "closed"):
        assert not host.file(f"/var/lib/mattermost-deploy/backup/{name}").exists
