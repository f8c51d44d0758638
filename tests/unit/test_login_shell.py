"""What is sent to a host runs in sh whatever the login shell is: each shell is asked itself, as sshd asks it."""

import os
import shutil
import subprocess
import sys

import pytest
import salt.client.ssh
from mattermost_controller import salt_patches
from mattermost_controller.hosts import login_shell, roster
from salt.client.ssh.shell import Shell

ODD = r"""printf '%s|' "it's \n \\ $HOME! `echo back` $((1 + 1)) %s ~ {a,b} *"
cat <<'END'
$x \ ! "
END
exit 3
"""


@pytest.fixture(params=["sh", "bash", "tcsh", "fish"])
def run(request, tmp_path):
    """A function that has the login shell of an account run words, with some bytes to read."""
    if not shutil.which(request.param):
        pytest.skip(f"NO {request.param} HERE")

    (tmp_path / "python3").symlink_to(sys.executable)  # no script, whose environment Salt's script prints

    def run(words, given=""):
        environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}", "USER": "root"}
        return subprocess.run(
            [request.param, "-c", words], input=given, capture_output=True, text=True, env=environment, timeout=30
        )

    return run


def test_a_script_runs_as_it_was_written_and_reads_what_is_sent(run, tmp_path):
    done = run(login_shell.in_sh(f"cat\n{ODD}"), "sent ")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == f"sent it's \\n \\ {tmp_path}! back 2 %s ~ {{a,b}} *|$x \\ ! \"\n"


def test_a_line_that_each_reads_alike_stays_readable(run):
    words = login_shell.in_sh("""echo "$((1 + 1))" 'it is'""")
    assert "$((1 + 1))" in words
    assert run(words).stdout == "2 it is\n"


@pytest.mark.parametrize("entry", [{}, {"sudo": True}, {"sudo": True, "passwd": "pa'ss"}])
def test_a_stream_of_data_goes_through_sudo_or_none(run, entry, monkeypatch):
    host = roster.Host("chat", entry, {})
    monkeypatch.setattr(host, "connect", lambda: None)
    monkeypatch.setattr(host, "command", lambda words: words)
    words, preface = host.stream("cat; echo '\n!'")
    for sudo in ("sudo -n ", "sudo -S -p '' "):
        words = words.removeprefix(sudo)
    assert run(words, preface.decode() + "data ").stdout == "data \n!\n"


def shim(code):
    return salt.client.ssh.SSH_SH_SHIM.format(DEBUG="", SUDO="", SUDO_USER="", SSH_PY_CODE=code, SET_PATH="")


def test_salts_own_script_starts_python(run, monkeypatch):
    """Without the patch fish runs nothing of it, and ends with 0."""
    for name in ("_cmd_str", "_run_cmd"):
        monkeypatch.setattr(Shell, name, getattr(Shell, name))
    monkeypatch.setattr(Shell, "_run_cmd", lambda self, command: self._split_cmd(command))
    salt_patches.speak_to_any_login_shell()
    code = "aW1wb3J0IHN5cztwcmludChzeXMudmVyc2lvbl9pbmZvWzBdKQ=="
    *_, words = Shell({"_ssh_version": (9, 2)}, "chat.example.test", ssh_options=[]).exec_cmd(shim(code))
    done = run(words)
    assert (done.returncode, done.stdout) == (0, "3\n")


def test_what_salt_keeps_from_its_log_is_still_kept(monkeypatch, caplog):
    for name in ("_cmd_str", "_run_cmd"):
        monkeypatch.setattr(Shell, name, getattr(Shell, name))
    monkeypatch.setattr(Shell, "_run_cmd", lambda self, command: None)
    salt_patches.speak_to_any_login_shell()
    caplog.set_level("DEBUG")
    Shell({"_ssh_version": (9, 2)}, "chat.example.test", ssh_options=[]).exec_cmd(shim("c2VjcmV0"))
    assert "Command logged to TRACE" in caplog.text
    assert "eval" not in caplog.text
