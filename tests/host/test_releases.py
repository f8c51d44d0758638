"""The host looks by itself, each day, whether a security patch of Mattermost is missing, and has somebody to tell; it installs none unasked."""

import pytest

UNITS = [
    "mattermost-releases.service",
    "mattermost-releases.timer",
    "mattermost-releases-failed.service",
    "mattermost-patches.service",
    "mattermost-patches.timer",
    "mattermost-patches-tell.service",
]


def test_the_releases_are_looked_at_by_the_clock(host):
    timer = host.service("mattermost-releases.timer")
    assert timer.is_running
    assert timer.is_enabled
    assert host.check_output("systemctl show --value -p NextElapseUSecRealtime mattermost-releases.timer") != ""


def test_no_patch_is_installed_unattended_until_the_settings_say_so(host):
    timer = host.service("mattermost-patches.timer")
    assert not timer.is_running
    assert not timer.is_enabled
    assert "unattended=none" in host.file("/etc/mattermost/patches.conf").content_string.splitlines()


@pytest.mark.parametrize(
    ("unit", "teller"),
    [
        ("mattermost-releases", "mattermost-releases-failed.service"),
        ("mattermost-patches", "mattermost-patches-tell.service"),
    ],
)
def test_a_missing_or_failed_patch_tells_somebody(host, unit, teller):
    assert host.check_output(f"systemctl show --value -p OnFailure {unit}.service") == teller


@pytest.mark.parametrize("name", UNITS)
def test_the_units_are_roots_alone_to_write(host, name):
    unit = host.file(f"/etc/systemd/system/{name}")
    assert (unit.user, unit.mode) == ("root", 0o644)


def test_what_the_table_knows_is_on_the_host(host):
    known = host.file("/etc/mattermost/releases-known.conf").content_string
    assert known.splitlines()[1].startswith("date 20")
    assert "\nline 11.7 " in known
