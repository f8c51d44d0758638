"""The host looks at its certificate by itself, and has a way to tell somebody."""

import pytest

UNITS = ["mattermost-certificate.service", "mattermost-certificate.timer", "mattermost-certificate-failed.service"]


def test_the_certificate_is_looked_at_by_the_clock(host):
    timer = host.service("mattermost-certificate.timer")
    assert timer.is_running
    assert timer.is_enabled
    assert host.check_output("systemctl show --value -p NextElapseUSecRealtime mattermost-certificate.timer") != ""


def test_a_failed_look_is_told(host):
    said = host.check_output("systemctl show --value -p OnFailure mattermost-certificate.service")
    assert said == "mattermost-certificate-failed.service"


def test_all_is_well_now(host):
    assert host.run("mattermost-certificate check").rc == 0


@pytest.mark.parametrize("name", ["mattermost-certificate", "mattermost-tell"])
def test_the_programs_are_roots(host, name):
    file = host.file(f"/usr/local/sbin/{name}")
    assert (file.user, file.mode) == ("root", 0o755)


def test_who_is_told_and_how_is_roots_secret(host):
    file = host.file("/etc/mattermost/notify.conf")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_are_clean_to_systemd(host, unit):
    assert host.run("systemd-analyze verify %s", unit).stderr == ""
