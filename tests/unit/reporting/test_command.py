"""The plain command in the checkout, against a host that is not there: what is printed where, and its exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import repository
from tests.lab import trial

HOST = "chat.example.test"


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """A function that runs ``salt-run state.orchestrate`` with a configuration of its own."""
    folder = tmp_path_factory.mktemp("run")
    config = yaml.safe_load((repository.ROOT / "etc/salt/master").read_text())
    config = trial.master_config(config, repository.ROOT, folder, folder / "s")
    trial.dump(folder / "etc/salt/master", config)
    trial.dump(folder / "Saltfile", {"salt-run": {"config_dir": str(folder / "etc/salt")}})
    trial.dump(folder / "roster", {HOST: {"host": "127.0.0.1", "port": 1, "user": "root", "priv": "/dev/null"}})
    trial.dump(folder / "pillar/top.sls", {"base": {"*": ["mattermost"]}})
    trial.dump(folder / "pillar/mattermost.sls", {"mattermost": {"email": "admin@example.test"}})

    def run(*arguments):
        argv = [str(Path(sys.executable).parent / "salt-run"), "state.orchestrate", *arguments]
        environment = {**os.environ, "SALT_SALTFILE": str(folder / "Saltfile")}
        streams = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
        return subprocess.run(argv, cwd=repository.ROOT, env=environment, timeout=120, **streams)

    return run


REFUSED = """\
preflight: hosts of this run: chat.example.test (127.0.0.1)

Refused before anything was changed: 1 of 1 checks.

chat.example.test
  reachable  127.0.0.1 refuses connections to port 1.
"""


def test_a_host_that_does_not_answer_is_told_once_and_last(command):
    done = command("mattermost.ssl")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.partition("    Fix: ")[0].rstrip(" ") == REFUSED
    assert len(done.stderr.splitlines()) <= 9


def test_json_is_whole_and_has_the_report_too(command):
    done = command("mattermost.ssl", "--out=json")
    returned = json.loads(done.stdout)
    assert (returned["retcode"], done.returncode) == (1, 1)
    (steps,) = returned["data"].values()
    *_, last = sorted(steps.values(), key=lambda step: step["__run_num__"])
    assert (last["__id__"], last["result"]) == ("report", True)
    assert REFUSED.partition("\n\n")[2] in last["comment"]
    assert len(steps) > 10, "steps that were not reached are missing"


@pytest.mark.exhaustive
def test_with_debug_salts_results_come_first_and_the_report_last(command):
    done = command("mattermost.status", "-l", "debug")
    assert done.returncode == 1
    assert "Summary for " in done.stdout
    assert f"\n{HOST} (127.0.0.1): " in done.stdout.partition("Summary for ")[2]
    assert "reachable  127.0.0.1 refuses" in done.stderr.rpartition("Failed: 1 of 1 checks.")[2]
