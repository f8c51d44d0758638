"""A backup that is cut before its end: it has a report of its own, and that is what somebody is told."""

import os
import re
import subprocess

import pytest

from tests import programs, repository

UNIT = "salt/mattermost/deploy/backup/files/etc/systemd/system/mattermost-backup.service.jinja"
OLD = "result=failed\nreason=An old reason.\nadvice=\n"
BEGUN = "2026-01-02 03:04:05 +0000\n"


@pytest.fixture
def host(tmp_path):
    """A folder that the program takes for a host: of the last run there is a report, and what it tells is a file."""
    for name in ("bin", "work/backup"):
        (tmp_path / name).mkdir(parents=True)
    stubs = {"systemctl": "echo Result=timeout; [ $1 = show ]", "mattermost-tell": 'cat >"$HOST/told"'}
    for name, script in stubs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    needed = {name: "x" for name in ("name", "install", "state", "settings", "service", "user", "database", "role")}
    needed |= {"bin_dir": "/x", "socket_dir": "/x", "database_port": "1", "repository": "/x", "platform": "x"}
    needed |= {"work": tmp_path / "work", **programs.BACKUPS}
    (tmp_path / "backup.conf").write_text("".join(f"{key}={value}\n" for key, value in needed.items()))
    (tmp_path / "work/backup/backup-report").write_text(OLD)
    return tmp_path


def run(host, word, before=""):
    environment = {
        "PATH": f"{host}/bin:{os.environ['PATH']}",
        "HOST": str(host),
        "MATTERMOST_BACKUP_SETTINGS": str(host / "backup.conf"),
    }
    program = programs.installed("mattermost-backup", host)
    return subprocess.run(["sh", "-c", f"{before}{program} {word}"], env=environment, capture_output=True, text=True)


def begun(host):
    (host / "work/backup/backup-report.begun").write_text(BEGUN)


def test_a_backup_has_less_than_a_day():
    hours = re.search(r"^TimeoutStartSec=(\d+)h$", repository.text(UNIT), re.MULTILINE)
    assert hours, "one that hangs is never ended, and nobody is told"
    assert 12 <= int(hours[1]) < 24


def test_a_run_that_was_cut_is_told_and_no_old_reason(host):
    begun(host)
    assert run(host, "tell").returncode == 0
    told = (host / "told").read_text()
    assert "began at 2026-01-02 03:04:05 +0000 was stopped before its end (systemd: timeout)" in told
    assert "An old reason" not in told
    assert "was stopped before its end" in run(host, "status").stdout
    assert "begun=" not in run(host, "status").stdout


def test_two_that_put_it_down_at_a_time_are_in_no_ones_way(host):
    """Who asked for the run and who tells of it learn of its end in the same moment."""
    for name, line, pause in (
        ("asks", 'say "advice=$(one_line "$3")"', 0.3),
        ("tells", 'say "epoch=$(date +%s)"', 0.6),
    ):
        text = programs.joined("mattermost-backup")
        assert text.count(f"{line}\n") == 1
        (host / name).write_text(text.replace(f"{line}\n", f"{line}; sleep {pause}\n"))
        (host / name).chmod(0o755)
    begun(host)
    done = run(host, "status", before=f"{host}/asks now >{host}/read & sleep 0.1; {host}/tells tell; wait; ")
    assert "was stopped before its end" in (host / "read").read_text()
    assert "was stopped before its end" in (host / "told").read_text()
    assert "was stopped before its end" in done.stdout


def test_who_asked_for_a_run_that_was_cut_reads_so(host):
    begun(host)
    done = run(host, "now")
    assert done.returncode == 4
    assert "was stopped before its end" in done.stdout
    assert "An old reason" not in done.stdout


def test_a_run_that_said_why_it_failed_is_told_by_that(host):
    run(host, "tell")
    assert "An old reason." in (host / "told").read_text()


@pytest.mark.parametrize("report", ["result=done\nreason=All well.\n", ""])
def test_a_run_without_a_report_is_told(host, report):
    (host / "work/backup/backup-report").write_text(report)
    run(host, "tell")
    assert "ended without a report" in (host / "told").read_text()


def test_a_run_that_has_begun_since_is_not_said_to_be_cut(host):
    begun(host)
    lock = host / "work/backup/lock"
    run(host, "tell", before=f"exec 7>{lock}; flock 7; ")
    assert (host / "work/backup/backup-report").read_text() == OLD
    assert f"begun={BEGUN}" in run(host, "status").stdout


def test_a_report_ends_what_was_begun(host):
    run(host, "work")
    assert "No Mattermost is installed" in (host / "work/backup/backup-report").read_text()
    assert not (host / "work/backup/backup-report.begun").exists()


@pytest.mark.parametrize("key", programs.BACKUPS)
def test_what_only_the_settings_decide_is_never_made_up(host, key):
    text = (host / "backup.conf").read_text()
    (host / "backup.conf").write_text(text.replace(f"{key}={programs.BACKUPS[key]}\n", ""))
    done = run(host, "status")
    assert (done.returncode, f"has no line for {key}. To write this line, start a deploy." in done.stderr) == (
        2,
        True,
    ), done
