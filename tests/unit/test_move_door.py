"""The way of a move by minions into its source: what it lets through, and that it is gone afterwards, however that came.

With a systemctl that runs the unit as systemd would, a firewalld that keeps its rules in a file, and an sshd that only says that it
listens. `tests/scenarios/test_minion_move.py` has the real ones.
"""

import fcntl
import os
import signal
import subprocess
import time

import pytest
from mattermost_controller.hosts import scripts

from tests import repository

PUBLIC = "ecdsa-sha2-nistp256 AAAA"
SYSTEMCTL = """#!/bin/sh
case "$*" in
    'start mattermost-move-door.service')
        : >"$rules.active"
        (/bin/sh "$door/hold" hold & echo $! >"$rules.pid"; wait $!; cp "$door/hold" "$rules.end"; kill $(cat "$rules.sshd"); /bin/sh "$rules.end" end; rm -f "$rules.active") >/dev/null 2>&1 </dev/null &
        ;;
    'is-active --quiet mattermost-move-door.service') [ -e "$rules.active" ] ;;
    'stop mattermost-move-door.service')
        [ ! -e "$rules.active" ] || kill "$(cat "$rules.pid")"
        while [ -e "$rules.active" ]; do sleep 0.05; done
        ;;
esac
"""
FIREWALL = """#!/bin/sh
case "$*" in
    --state) exit 0 ;;
    --get-zone-of-interface=*) exit 2 ;;
    --get-default-zone) echo public ;;
    *--add-rich-rule=*) [ ! -e "$rules.refused" ] || { echo 'Error: COMMAND_FAILED' >&2; exit 1; }; echo "$*" | sed 's/add-rich/rich/' >>"$rules" ;;
    *--remove-rich-rule=*) said=$(echo "$*" | sed 's/remove-rich/rich/'); grep -vxF "$said" "$rules" >"$rules.new"; mv "$rules.new" "$rules" ;;
esac
"""
SSHD = """#!/bin/sh
echo $$ >"$rules.sshd"
[ ! -e "$rules.taken" ] || { echo 'Bind to port 20001 failed: Address already in use.' >&2; exit 255; }
echo 'Server listening on 192.0.2.1 port 20001.' >&2
exec sleep 300
"""
RULE = '--zone=public --rich-rule=rule family="ipv4" source address="192.0.2.2" port port="20001" protocol="tcp" accept'


class Source:
    def __init__(self, directory):
        self.door, self.rules, self.root = directory / "run/door", directory / "rules", directory
        self.library = directory / "library"
        self.library.write_text('fail() { shift; echo "$*" >&2; exit 4; }\n')
        (directory / "bin").mkdir()
        for name, text in {"systemctl": SYSTEMCTL, "firewall-cmd": FIREWALL, "sshd": SSHD}.items():
            (directory / "bin" / name).write_text(text)
            (directory / "bin" / name).chmod(0o755)
        self.values = {
            "door": self.door,
            "root": directory,
            "library": self.library,
            "address": "192.0.2.1",
            "client": "192.0.2.2",
            "port": 20001,
            "lease": 60,
            "hold_lease": 30,
            "public": PUBLIC,
        }
        self.environment = {
            "PATH": f"{directory}/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "door": str(self.door),
            "rules": str(self.rules),
        }

    def do(self, command, **more):
        roots = [str(repository.ROOT / "salt")]
        text = scripts.build(roots, (scripts.TOOLS, "mattermost/scripts/move-door.sh"), self.values | more)
        options = {"capture_output": True, "text": True, "env": self.environment, "timeout": 60}
        return subprocess.run(["/bin/sh", "-s"], input=f"{text}\n{command}", **options)

    def ask(self, words):
        """What the key of the target gets for *words*."""
        environment = self.environment | {"SSH_ORIGINAL_COMMAND": words}
        options = {"capture_output": True, "text": True, "timeout": 60, "stdin": subprocess.DEVNULL}
        return subprocess.run(["/bin/sh", self.door / "serve"], env=environment, **options)

    def is_shut(self):
        deadline = time.monotonic() + 30
        while (self.root / "rules.active").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return not self.door.exists() and self.rules.read_text() == ""


@pytest.fixture
def source(tmp_path):
    made = Source(tmp_path)
    yield made
    made.do("door_shut")


@pytest.fixture
def opened(source):
    done = source.do("door_opened")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ecdsa-sha2-nistp256 ")
    return source


def test_it_is_open_to_one_key_from_one_address_on_one_port(opened):
    assert opened.rules.read_text().splitlines() == [RULE]
    (allowed,) = (opened.door / "allowed").read_text().splitlines()
    assert allowed == f'from="192.0.2.2",restrict,command="/bin/sh {opened.door}/serve" {PUBLIC}'
    settings = (opened.door / "sshd_config").read_text().splitlines()
    assert {"Port 20001", "ListenAddress 192.0.2.1", "PermitRootLogin forced-commands-only"} <= set(settings)
    assert {path.stat().st_mode & 0o077 for path in [opened.door, *opened.door.iterdir()]} == {0}


def test_it_is_gone_when_it_was_shut(opened):
    opened.do("door_shut")
    assert opened.is_shut()
    assert [path.name for path in (opened.root / "run/systemd/system").iterdir()] == []


def test_it_is_gone_when_the_target_left(opened):
    opened.ask("leave")
    assert opened.is_shut()


def test_it_is_gone_when_the_target_was_not_heard_for_a_while(opened):
    os.utime(opened.door / "lease", (time.time() - 3600,) * 2)
    assert opened.is_shut()


def test_it_stays_while_the_target_is_heard(opened):
    heard = time.time() - 50
    os.utime(opened.door / "lease", (heard, heard))
    environment = opened.environment | {"SSH_ORIGINAL_COMMAND": "stay"}
    subprocess.run(["/bin/sh", opened.door / "serve"], input="\n", text=True, env=environment, check=True)
    assert (opened.door / "lease").stat().st_mtime > heard + 40


@pytest.mark.parametrize("program", ["pid", "sshd"])
def test_it_is_gone_when_a_program_of_it_was_killed(opened, program):
    os.kill(int((opened.root / f"rules.{program}").read_text()), signal.SIGKILL)
    assert opened.is_shut()


def test_a_further_one_takes_its_place(opened):
    assert opened.do("door_opened", client="192.0.2.9").returncode == 0
    assert opened.rules.read_text().splitlines() == [RULE.replace("192.0.2.2", "192.0.2.9")]


@pytest.mark.parametrize(
    ("fault", "said"),
    [("refused", "Error: COMMAND_FAILED"), ("taken", "Bind to port 20001 failed: Address already in use.")],
)
def test_what_keeps_it_from_opening_is_told_and_nothing_stays(source, fault, said):
    source.rules.write_text("")
    (source.root / f"rules.{fault}").touch()
    done = source.do("door_opened")
    assert done.returncode == 4
    assert said in done.stderr
    assert source.is_shut()


def test_a_source_without_sshd_is_told_what_to_install(source):
    (source.root / "bin/sshd").unlink()
    done = source.do("PATH=$root/bin; door_opened")
    assert done.returncode == 4
    assert "Install the OpenSSH server (openssh-server)." in done.stderr


SENT = [
    "roots",
    "unreadable",
    "send",
    "dump",
    "give_secrets",
    "give_config",
    "heartbeat",
    "is_left",
    "commit",
    "give_back",
]


def test_what_a_move_asks_of_its_source_is_done_and_nothing_else(opened):
    names = "\n".join(f'{name}() {{ echo "{name} $*"; }}' for name in [*SENT, "listing", "census", "hold_begin"])
    with opened.library.open("a") as file:
        file.write(f"database=chat\n{names}\n")
    for words in [*SENT, "listing in_source", 'census "$database"', "hold_begin 30"]:
        done = opened.ask(words)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert done.stdout.split() == words.replace('"$database"', "chat").split()
    for words in ["", "id", "roots; id", "roots id", "send\nid", "$(id)", "hold_begin 1", "stay; id", "*"]:
        done = opened.ask(words)
        assert (done.returncode, done.stdout, done.stderr) == (4, "", "This key is only for a move.\n"), words


def test_a_target_that_still_leads_a_move_makes_no_new_key(source):
    source.door.parent.mkdir()
    with open(f"{source.door}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = source.do("key_made")
    assert done.returncode == 4
    assert "An earlier run of a move or import is still in progress on this host." in done.stderr


def test_a_key_is_made_and_removed(source):
    assert source.do("key_made").stdout.startswith("ecdsa-sha2-nistp256 ")
    assert (source.door / "key").stat().st_mode & 0o777 == 0o600
    source.do("key_removed")
    assert not source.door.exists()
