"""What all programs of a host have in common: a flush that failed is said, and a journal is never shorter than it was."""

import fcntl
import os
import re
import subprocess

import pytest

from tests import programs
from tests.soak import in_check
from tests.unit.hostprogram.host import NEW


@pytest.fixture
def world(tmp_path):
    """Runs functions of mattermost-switch with a ``sync`` and a ``cat`` of the test's own."""
    (tmp_path / "bin").mkdir()

    def run(script, **stubs):
        for name, text in stubs.items():
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        functions = programs.joined("mattermost-switch").partition("# ---- the command")[0]
        text = f"{functions}PATH={tmp_path}/bin:$PATH journal={tmp_path}/journal\n{script}\n"
        return subprocess.run(["dash", "-c", text], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})

    return run


def says(words):
    return f'echo "$*" >>"$(dirname "$0")/asked"; [ "$#" = 0 ] || {{ echo "sync: error syncing \'$1\': {words}" >&2; exit 1; }}'


def test_a_value_of_a_report_is_one_line_for_every_reader(world):
    done = world("one_line \"$(printf 'a\\rresult=done\\013b\\033[2Jc\\177\\nd')\"")
    assert done.stdout == "a result=done b [2Jc  d\n"


def test_a_key_is_looked_up_as_text(world, tmp_path):
    (tmp_path / "report").write_text("a=1\na.b=2\nreason=x=y \\n\nreason=z\n")
    key = f"=//;1eid>{tmp_path}/owned;#"
    done = world(f"for key in a a.b 'a..' reason '{key}' none; do say \"$(value_of {tmp_path}/report \"$key\")\"; done")
    assert done.stdout.splitlines() == ["1", "2", "", "x=y \\n", "", ""]
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("words", ["Input/output error", "No space left on device", "No such file or directory"])
def test_what_could_not_be_flushed_is_an_error(world, words):
    done = world("flush /x", sync=says(words))
    assert done.returncode == 1
    assert words in done.stderr


def test_a_file_system_that_flushes_no_single_directory_is_flushed_whole(world, tmp_path):
    assert world("flush /x", sync=says("Invalid argument")).returncode == 0
    assert (tmp_path / "bin/asked").read_text() == "/x\n\n"


def test_a_step_that_is_not_on_disk_is_not_in_the_journal(world, tmp_path):
    (tmp_path / "journal").write_text("begin\n")
    assert world("record stopped", sync=says("Input/output error")).returncode == 1
    assert (tmp_path / "journal").read_text() == "begin\n"


def test_a_journal_that_cannot_be_read_stays(world, tmp_path):
    (tmp_path / "journal").write_text("begin\nstopped\n")
    assert world("record copying", sync=":", cat="exit 1").returncode == 1
    assert (tmp_path / "journal").read_text() == "begin\nstopped\n"
    assert world("record copying", sync=":", cat='exec /bin/cat "$@"').returncode == 0
    assert (tmp_path / "journal").read_text() == "begin\nstopped\ncopying\n"


def test_who_holds_the_lock_of_a_run_is_looked_up_by_the_lock_itself(world, tmp_path):
    """With what was started under it, whatever number is written in it; who only has it open holds nothing."""
    lock = tmp_path / "lock"
    ask = f"run_lock={lock}; run_lock_holders"
    assert world(ask).stdout == "", "nobody has made it yet"
    with open(lock, "w") as file:
        file.write("process 1 since today")
        file.flush()
        assert world(ask).stdout == ""
        fcntl.flock(file, fcntl.LOCK_EX)
        with subprocess.Popen(["sleep", "60"], pass_fds=[file.fileno()]) as child:
            assert set(world(ask).stdout.split()) == {str(os.getpid()), str(child.pid)}
            child.kill()


@pytest.mark.exhaustive
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: a machine with many file systems was not made.")
def test_it_is_seen_on_a_machine_with_hundreds_of_file_systems(tmp_path):
    """The number of each one without a disk has more than eight bits then; containers make so many."""
    lock = tmp_path / "full/lock"
    lock.parent.mkdir()
    mounts = f"i=0; while [ $i -lt 260 ]; do mount -t tmpfs none {lock.parent} || exit 9; i=$((i + 1)); done"
    functions = programs.joined("mattermost-switch").partition("# ---- the command")[0]
    script = f"{mounts}\n{functions}\n( exec 7>{lock}; flock 7; exec sleep 60 ) & holder=$!\n"
    script += f"for turn in 1 2 3 4 5; do flock -n {lock} true || break; sleep 0.1; done; stat -c %d {lock}\n"
    script += f'run_lock={lock}; [ "$(run_lock_holders)" = $holder ] && echo seen; kill $holder'
    done = subprocess.run(["unshare", "-m", "dash", "-c", script], capture_output=True, text=True, timeout=60)
    device, *seen = done.stdout.split()
    assert int(device) > 0xFFFF, done
    assert seen == ["seen"], done


@pytest.mark.parametrize("word", ["to", "back"])
@pytest.mark.parametrize("record", in_check(["begin", "stopped"], "stopped"))
def test_an_undo_puts_back_nothing_that_an_earlier_switch_saved(host, word, record):
    """A power cut between the end of that one and the removal of what it saved leaves it."""
    host.deployed() if word == "to" else host.upgraded()
    config = host.get("state/config/config.json")
    environment = host.get("settings/environment")
    for name in ("config.json", "environment"):
        (host.folder / "work/switch" / name).write_text("of long ago")
    host.set(kill_after=record)
    done = host.run(*(["to", NEW] if word == "to" else ["back", "overwrite"]))
    assert done.returncode == 3, done.stdout + done.stderr
    assert host.get("state/config/config.json") == config
    assert host.get("settings/environment") == environment


NEVER = """echo "$*" >>"$(dirname "$0")/asked"
case $1 in stop) [ -e "$(dirname "$0")/killed" ] || exec sleep 60 ;; kill) touch "$(dirname "$0")/killed" ;; esac"""


def test_a_server_that_prolongs_its_own_stop_is_killed(world, tmp_path):
    """As its main process may, with EXTEND_TIMEOUT_USEC."""
    done = world("MATTERMOST_STOP_PATIENCE=0.2 stop_unit mattermost.service", systemctl=NEVER)
    assert done.returncode == 0
    assert (tmp_path / "bin/asked").read_text().splitlines() == [
        "stop mattermost.service",
        "kill -s KILL mattermost.service",
        "stop mattermost.service",
    ]


def test_a_stop_that_is_refused_kills_nothing(world, tmp_path):
    assert (
        world("stop_unit mattermost.service", systemctl='echo "$*" >>"$(dirname "$0")/asked"; exit 5').returncode == 5
    )
    assert (tmp_path / "bin/asked").read_text() == "stop mattermost.service\n"


def test_no_program_waits_without_end_for_the_server_to_stop():
    texts = [programs.joined(name) for name in programs.SHIPPED_BY] + [programs.sent(name) for name in programs.SENT]
    assert [found for text in texts for found in re.findall(r'.*systemctl (?:stop|restart) "\$service".*', text)] == []
