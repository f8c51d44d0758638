"""The commands of docs/talk.md, in their order, by one person with one host."""

import re
import shlex
import shutil
from pathlib import Path

from tests import repository
from tests.scenarios.deployment import ROOT

PAGE = repository.text(Path("docs/talk.md"))
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
COMMANDS += re.findall(r"`(salt-ssh [^`\n]*)`", PAGE)
HOST = "mattermost.example.org"
# `make test` itself stands on these
DONE = ["make setup", ". .venv/bin/activate"]


def test_every_command_of_the_talk_runs_in_its_order(bare, tmp_path):
    (bare.directory / "known_hosts").write_text("")  # a host never seen before
    met = []
    for line in COMMANDS:
        if line in DONE:
            continue
        program, *arguments = shlex.split(line.replace(HOST, bare.name))
        if program == "cp":
            shutil.copy(ROOT / arguments[0], tmp_path / Path(arguments[1]).name)
            continue
        assert program in ("salt-ssh", "salt-run"), line
        done = bare.command(program, *arguments)
        if arguments == [bare.name, "test.ping"]:
            assert done.rc != 0, done.out
            assert "key" in done.out + done.err
        else:
            assert done.rc == 0, (line, done.out, done.err)
        met.append(line)
    assert "salt-run state.orchestrate mattermost.ssl" in met
    assert f"salt-ssh -i -r {HOST} uptime" in met
