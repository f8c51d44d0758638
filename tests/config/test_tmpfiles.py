"""The server's rotated logs go after their time, by the real systemd-tmpfiles; nothing else of the host does."""

import os
import pwd
import shutil
import subprocess
import time

import jinja2
import pytest

from tests import repository

FILE = "salt/mattermost/deploy/server/files/etc/tmpfiles.d/mattermost-logs.conf.jinja"
OPEN = ["mattermost.log", "notifications.log", "audit.log"]
ROTATED = ["mattermost-2026-11-01T20-00-00.123.log.gz", "mattermost-2026-11-01T20-00-00.123.log", "a\nb'$(touch x).gz"]


@pytest.fixture
def swept(tmp_path):
    """A function that has systemd-tmpfiles sweep a logs directory that the account *daemon* owns; logs are kept for *age*."""
    if os.geteuid() or not shutil.which("systemd-tmpfiles"):
        pytest.skip("NOT ROOT, OR NO systemd-tmpfiles HERE")
    account = pwd.getpwnam("daemon")
    (tmp_path / "logs").mkdir(mode=0o750)
    os.chown(tmp_path / "logs", account.pw_uid, account.pw_gid)

    def sweep(age):
        text = jinja2.Template(repository.text(FILE)).render(state=tmp_path, user="daemon", days=30)
        assert text.count(" 30d\n") == 1
        (tmp_path / "logs.conf").write_text(text.replace(" 30d\n", f" {age}\n"))
        time.sleep(1.1)  # by their last change, which nobody can set back
        done = subprocess.run(
            ["systemd-tmpfiles", "--create", "--clean", tmp_path / "logs.conf"],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return sorted(os.listdir(tmp_path / "logs"))

    sweep.logs = tmp_path / "logs"
    return sweep


def test_rotated_logs_go_and_those_in_use_stay(swept):
    for name in (*OPEN, *ROTATED):
        (swept.logs / name).write_text("x")
    assert swept("30d") == sorted([*OPEN, *ROTATED])
    assert swept("1s") == sorted(OPEN)
    assert swept.logs.stat().st_mode & 0o777 == 0o750


def test_a_link_among_them_leads_nowhere(swept, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/passwd").write_text("root's own\n")
    (swept.logs / "folder").symlink_to(tmp_path / "root")
    (swept.logs / "file.gz").symlink_to(tmp_path / "root/passwd")
    os.mkfifo(swept.logs / "fifo.gz")
    assert swept("1s") == []
    assert (tmp_path / "root/passwd").read_text() == "root's own\n"
