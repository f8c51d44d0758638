"""The rest of the host in the status: support of platform and PostgreSQL, a reboot that is due, security packages."""

import datetime
import shutil
import subprocess

import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from mattermost_controller.status import upkeep

from tests import repository
from tests.unit import test_status as status

DATA = mattermost_settings_data.load([str(repository.ROOT / "salt")])
TODAY = "2027-01-01"


def levels(ends="2030-01-01", postgresql="15.3", majors=None, **told):
    time = datetime.datetime.fromisoformat(f"{TODAY}T12:00:00+00:00").timestamp()
    settings = {"platform": {"name": "Debian 12", "support_ends": ends}}
    facts = {"time": time, "status": {"reboot": False, "security_packages": 0, "postgresql_waits": None, **told}}
    table = {"postgresql": {"15": "2030-01-01"} if majors is None else majors}
    return {one.check: one.level for one in upkeep.findings(settings, facts, postgresql, table)}


def test_a_host_that_is_current_is_well():
    assert set(levels().values()) == {"ok"}
    assert set(levels()) == {
        "platform-support",
        "postgresql-support",
        "reboot",
        "security-packages",
        "postgresql-update",
    }


@pytest.mark.parametrize(
    ("ends", "level"),
    [("2026-12-31", "refusal"), (TODAY, "warning"), ("2027-04-01", "warning"), ("2027-04-02", "ok"), ("", "skipped")],
)
def test_an_end_of_support_is_attention_when_it_has_passed(ends, level):
    assert levels(ends=ends)["platform-support"] == level
    assert levels(majors={"15": ends})["postgresql-support"] == level


@pytest.mark.parametrize("postgresql", ["", "99.1"])
def test_what_is_not_known_is_not_called_supported(postgresql):
    assert levels(postgresql=postgresql)["postgresql-support"] == "skipped"


def test_a_reboot_and_waiting_security_packages_are_warnings():
    assert levels(reboot=True)["reboot"] == "warning"
    assert levels(security_packages=3)["security-packages"] == "warning"
    assert levels(security_packages=None)["security-packages"] == "skipped"
    assert levels(postgresql_waits="15.14")["postgresql-update"] == "warning"


def test_the_hosts_answer_is_read():
    told = status.facts(status.ANSWER.replace("s.end\tok", "s.reboot\tyes\ns.security_packages\t4\ns.end\tok"))[
        "status"
    ]
    assert (told["reboot"], told["security_packages"]) == (True, 4)
    told = status.facts()["status"]
    assert (told["reboot"], told["security_packages"]) == (False, None)


WAITING = {
    "apt-get": "Inst libpq5 [15.13-0+deb12u1] (15.14-0+deb12u1 Debian-Security:12/stable-security [amd64])\n"
    "Inst postgresql-15 [15.13-0+deb12u1] (15.14-0+deb12u1 Debian-Security:12/stable-security [amd64])\n"
    "Inst tzdata [1] (2 Debian:12/stable [all])",
    "dnf": "postgresql15-server.x86_64   15.14-1PGDG.rhel9   pgdg15",
}


@pytest.mark.parametrize("tool", WAITING)
def test_updates_that_wait_are_read_from_the_package_manager(tool, tmp_path):
    stub = tmp_path / tool
    stub.write_text(f"#!/bin/sh\ncat <<'END'\n{WAITING[tool]}\nEND\n")
    stub.chmod(0o755)
    script = (repository.ROOT / "salt/mattermost/scripts/status.sh").read_text()
    part = script.partition("if has apt-get; then")
    part = "if has apt-get; then" + part[2].partition("# -- what was kept aside")[0]
    shell = 'has() { command -v "$1" >/dev/null; }; fact() { echo "$@"; }\n' + part
    done = subprocess.run(
        ["/bin/sh", "-c", shell], env={"PATH": str(path(tmp_path))}, capture_output=True, text=True, timeout=20
    )
    assert "s.postgresql_waits 15.14" in done.stdout.splitlines(), done
    assert f"s.security_packages {2 if tool == 'apt-get' else 1}" in done.stdout.splitlines()


def path(folder):
    """A directory of programs without the package managers of this machine."""
    for name in ("timeout", "grep", "sed", "head", "cat"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_every_platform_and_every_postgresql_of_ours_has_its_last_day():
    for key, entry in DATA["platforms"].items():
        facts = core.platform(DATA["platforms"], key)
        assert "support_ends" in entry, key
        assert entry["support_ends"] == "" or datetime.date.fromisoformat(entry["support_ends"]), key
        assert str(facts["postgresql"]["newest"]) in DATA["releases"]["postgresql"], key


def test_what_the_settings_ignore_needs_nobody_and_stays_a_warning():
    old = {"platform": {"support_ends": "0001-01-01"}}
    assert "platform-support" in {one["check"] for one in status.host_data(pillar=old)["attention"]}
    made = status.host_data(pillar={**old, "status": {"ignore": ["platform-support"]}})
    assert "platform-support" not in {one["check"] for one in made["attention"]}
    (kept,) = [one for one in made["findings"] if one["check"] == "platform-support"]
    assert kept["level"] == "warning"
    assert "ignored by mattermost:status:ignore" in kept["sentence"]
