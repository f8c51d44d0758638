"""Ctrl-C says what goes on, with the status that shells know, and closes what is open."""

import os
import signal
import subprocess
import sys

import pytest

RUN = """
import os, signal, sys, time
from mattermost_controller.given import interrupt
interrupt.take_over()
interrupt.remember(["chat.example.com"])
def send():
    os.write(1, b"ready\\n")
    time.sleep(120)
try:
    {body}
except SystemExit:
    print("caught", flush=True)
finally:
    print("closed", flush=True)
"""


SPOILT = "exec('try: send()\\nexcept BaseException: raise OSError from None')"


@pytest.mark.parametrize(
    "body", ["send()", "os.fork(); send()", SPOILT], ids=["alone", "with-a-process-for-a-host", "as-another-error"]
)
def test_ctrl_c_ends_in_two_lines_and_130(body):
    command = [sys.executable, "-c", RUN.format(body=body)]
    environment = {**os.environ, "PYTHONPATH": "salt/_utils"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, process_group=0, **streams) as process:
        for _ in range(body.count("fork") + 1):
            assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "closed\n")
    assert len(err.strip().splitlines()) == 2
    assert err.startswith("\nInterrupted, but the work that this run has begun on chat.example.com continues there.")
    assert "salt-run state.orchestrate mattermost.status" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "also", ["", "import salt.scripts; salt.scripts._install_signal_handlers(None)"], ids=["at-once", "once-salt-runs"]
)
def test_ctrl_c_before_a_command_has_read_anything_ends_it_in_one_line(also):
    """Salt's own handler ends with status 0, and leaves one that is there already alone."""
    start = "import runpy, sys; sys.orig_argv[1:] = ['salt-run', 'x']; runpy.run_path('etc/venv/started_elsewhere.py')"
    body = f"{start}\n{also}\nimport time; print('ready', flush=True); time.sleep(120)"
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", body], **streams) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "\nInterrupted.\n")
