"""The source of a move is stopped only as long as the controller is there: with a systemctl that only notes what it is asked."""

import shutil
import subprocess
import time

import pytest
from mattermost_controller.moving import transfer

from tests import repository

# `start` of the unit runs it as systemd would: its program, then what comes after it however it ended
SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$calls"
case "$*" in
    'start mattermost-move.service')
        : >"$calls.active"
        (/bin/sh "$own/hold" hold; /bin/sh "$own/hold" end; rm -f "$calls.active") >/dev/null 2>&1 </dev/null &
        ;;
    'is-active mattermost.service') cat "$calls.server" 2>/dev/null ;;
    'is-active --quiet mattermost-move.service') [ -e "$calls.active" ] ;;
    'stop mattermost-move.service') for i in $(seq 100); do [ -e "$calls.active" ] || break; sleep 0.1; done ;;
esac
"""


class Source:
    def __init__(self, directory, **more):
        self.own, self.work, self.calls = directory / "own", directory / "work", directory / "calls"
        for path in (self.own, self.work, directory / "bin"):
            path.mkdir()
        program = directory / "bin/systemctl"
        program.write_text(SYSTEMCTL)
        program.chmod(0o755)
        names = (
            "name",
            "install",
            "state",
            "settings",
            "user",
            "database",
            "certificates",
            "repository",
            "move_to",
            "id",
            "pg_kind",
        )
        values = dict.fromkeys(names, "x") | {
            "work": self.work,
            "own": self.own,
            "root": directory,
            "maintenance": directory / "closed",
            "site_closed": directory / "nginx/closed",
            "left": self.work / "moved",
            "service": "mattermost.service",
            "units": "mattermost-backup.timer",
            "halt": "systemctl stop mattermost.service",
            "resume": "systemctl start mattermost.service",
            "leave": "",
            "move_to": "new.example.com",
            **more,
        }
        self.text = transfer.library([str(repository.ROOT / "salt")], values)
        self.environment = {"PATH": f"{directory}/bin:/usr/bin:/bin", "calls": str(self.calls), "own": str(self.own)}
        self.directory = directory

    def do(self, command):
        return subprocess.run(
            ["/bin/sh", "-s"],
            input=f"{self.text}\n{command}",
            text=True,
            capture_output=True,
            env=self.environment,
            timeout=60,
        )

    def called(self, words):
        return self.calls.exists() and words in self.calls.read_text().splitlines()

    def wait(self, words):
        deadline = time.monotonic() + 30
        while not self.called(words):
            assert time.monotonic() < deadline, self.calls.read_text()
            time.sleep(0.05)


@pytest.fixture
def source(tmp_path):
    made = Source(tmp_path)
    yield made
    shutil.rmtree(made.own, ignore_errors=True)  # whatever still waits ends with it


START = "start mattermost.service"


def test_it_is_stopped_behind_the_page_of_a_pause(source):
    assert source.do("hold_begin 60").returncode == 0
    assert source.called("stop mattermost.service")
    assert (source.directory / "closed").exists()
    assert not source.called(START)
    assert source.do("is_held").returncode == 0


def test_one_that_prolongs_its_own_stop_is_killed(source):
    """As its main process may, with EXTEND_TIMEOUT_USEC."""
    never = """'stop mattermost.service') [ -e "$calls.killed" ] || exec sleep 60 ;;
    'kill -s KILL mattermost.service') : >"$calls.killed" ;;
    'is-active mattermost.service')"""
    program = source.directory / "bin/systemctl"
    program.write_text(SYSTEMCTL.replace("'is-active mattermost.service')", never))
    source.environment["MATTERMOST_STOP_PATIENCE"] = "0.2"
    assert source.do("hold_begin 60").returncode == 0
    assert source.do("is_held").returncode == 0


def test_nginx_may_see_that_its_site_is_closed(source):
    program = source.directory / "bin/chcon"
    program.write_text('#!/bin/sh\necho "chcon $*" >>"$calls"\n')
    program.chmod(0o755)
    (source.directory / "enforce").write_text("1")
    source.environment["MATTERMOST_SELINUX"] = str(source.directory)
    assert source.do("hold_begin 60").returncode == 0
    assert source.called(f"chcon -t httpd_sys_content_t {source.directory}/closed")


def test_a_site_is_closed_for_a_move_only_after_it_is_noted_why(source):
    """A power cut between the two would leave it closed for good."""
    closed = source.directory / "nginx/closed"
    (source.work / "move-target.new").mkdir()
    assert source.do("target_begun").returncode != 0
    assert not closed.exists()
    (source.work / "move-target.new").rmdir()
    assert source.do("target_begun").returncode == 0
    assert closed.exists()


def test_what_a_given_up_move_left_is_replaced_unasked_only_while_the_site_is_closed(source):
    """The admin who gives up a move opens the site of the new host and may keep other messages there."""
    assert "target_of=x" in source.do("target_begun; look").stdout.splitlines()
    (source.directory / "nginx/closed").unlink()
    assert "target_of=x" not in source.do("look").stdout


def test_without_a_sign_of_life_it_serves_again(source):
    source.do("hold_begin 1")
    source.wait(START)
    assert not (source.directory / "closed").exists()
    assert source.do("commit").returncode != 0
    assert not (source.work / "moved").exists()


def test_the_end_of_the_connection_gives_it_back(source):
    source.do("hold_begin 60")
    source.do("printf 'a\\nb\\n' | heartbeat")
    source.wait(START)


def test_signs_of_life_keep_it_stopped(source):
    source.do("hold_begin 2")
    source.do("{ for i in 1 2 3 4 5 6 7 8; do echo; sleep 0.5; done; test -e $own/held && : >$own/still; } | heartbeat")
    assert (source.own / "still").exists()
    source.wait(START)


def test_given_back_it_serves_again(source):
    source.do("hold_begin 60")
    assert source.do("give_back").returncode == 0
    source.wait(START)
    assert source.do("commit").returncode != 0


def test_left_for_good_it_does_not_start_again(source):
    source.do("hold_begin 60")
    assert source.do("commit").returncode == 0
    assert "to=new.example.com" in (source.work / "moved").read_text()
    assert source.called("disable --now mattermost.service")
    assert source.called("disable --now mattermost-backup.timer")
    drop_in = source.directory / "etc/systemd/system/mattermost.service.d/moved.conf"
    assert f"ConditionPathExists=!{source.work}/moved" in drop_in.read_text()
    assert not source.called(START)
    assert source.do("is_left").stdout.strip() == "left"
    assert source.do("give_back").returncode != 0
    assert not source.called(START)


@pytest.mark.parametrize("state", ["active", "activating"])
@pytest.mark.parametrize("kind", ["moved", "imported"])
def test_started_by_somebody_else_it_is_not_left(tmp_path, kind, state):
    """People posted to it since then."""
    left = {} if kind == "moved" else {"work": tmp_path / "own", "left": tmp_path / "own/left"}
    source = Source(tmp_path, **left)
    source.do("hold_begin 60")
    (tmp_path / "calls.server").write_text(f"{state}\n")
    done = source.do("commit")
    assert done.returncode == 4
    assert "already serves again" in done.stderr
    assert not (source.work / "moved").exists()
    assert not (tmp_path / "own/left").exists()
    assert not (tmp_path / "closed").exists(), "the maintenance page stays"
    assert not any("disable" in line for line in source.calls.read_text().splitlines())


@pytest.mark.parametrize("timer", ["mattermost-backup.timer", ""], ids=["with-backups", "without"])
def test_what_was_left_can_be_taken_back(tmp_path, timer):
    source = Source(tmp_path, units=timer)
    source.do("hold_begin 60")
    source.do("commit")
    source.do(f"/bin/sh {source.work}/take-back")
    assert not (source.work / "moved").exists()
    assert not (source.directory / "closed").exists()
    assert source.called(f"enable --now mattermost.service {timer}".strip())
    assert ("backup" in source.calls.read_text()) == bool(timer)
    assert source.do("is_left").stdout.strip() != "left"


def test_an_imported_source_is_left_as_it_was(tmp_path):
    source = Source(
        tmp_path,
        work=tmp_path / "own",
        left=tmp_path / "own/left",
        halt="gitlab-ctl stop",
        resume="systemctl start other",
    )
    program = tmp_path / "bin/gitlab-ctl"
    program.write_text('#!/bin/sh\necho "gitlab $*" >>"$calls"\n')
    program.chmod(0o755)
    source.do("hold_begin 60")
    assert source.called("gitlab stop")
    assert source.do("commit").returncode == 0
    assert not (tmp_path / "etc").exists()
    assert not any("disable" in line for line in source.calls.read_text().splitlines())
    assert not source.called("start other")


@pytest.mark.parametrize(("leave", "is_left"), [("systemctl keep it", True), ("false", False)])
def test_an_import_in_place_leaves_its_source_by_a_program_that_decides(tmp_path, leave, is_left):
    source = Source(tmp_path, work=tmp_path / "own", left=tmp_path / "kept", leave=leave)
    source.do("hold_begin 60")
    assert (source.do("commit").returncode == 0) == is_left
    assert source.called("keep it") == is_left
    if not is_left:
        source.wait(START)


def test_a_folder_that_is_a_disk_of_its_own_is_told(tmp_path):
    for folder in ("proc", "real/data", "real/plugins", "disk"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "real/client-plugins").symlink_to(tmp_path / "disk")  # mv takes the link
    (tmp_path / "state").symlink_to("real")
    places = ("disk", "real", "real/data", "elsewhere/plugins")
    (tmp_path / "proc/mounts").write_text("".join(f"/dev/sdb {tmp_path / place} ext4 rw 0 0\n" for place in places))
    source = Source(tmp_path, state=tmp_path / "state")
    assert f"mounted={tmp_path}/state/data " in source.do("look").stdout.splitlines()
    (tmp_path / "proc/mounts").write_text("")
    assert "mounted=" in source.do("look").stdout.splitlines()


def test_only_files_are_listed(tmp_path):
    """A link may lead to a device that never ends, and who reads it has the server stopped."""
    (tmp_path / "state/data").mkdir(parents=True)
    (tmp_path / "state/data/picture").write_text("x")
    (tmp_path / "state/data/endless").symlink_to("/dev/zero")
    source = Source(tmp_path, data=tmp_path / "state/data", plugins="/none", client_plugins="/none", config="")
    done = source.do("roots && listing in_source")
    assert [name.split(" ")[2] for name in done.stdout.split("\0") if name] == ["data/picture"]


@pytest.mark.parametrize(
    ("answer", "is_undone"), [("exit 2", False), ("cat >/dev/null", True)], ids=["unknown", "none"]
)
def test_what_nobody_knows_of_the_databases_is_taken_for_nothing(tmp_path, answer, is_undone):
    """PostgreSQL may be what the move failed by: then all stays as it is until it answers."""
    for place in ("state/replaced-7/data", "state/data", "state/.move"):
        (tmp_path / place).mkdir(parents=True)
    source = Source(
        tmp_path, state=tmp_path / "state", pg_kind="local", bin_dir="/x", database_port=1, socket_dir="/x", new="new"
    )
    (source.work / "move-placed").write_text("7\n")
    (tmp_path / "bin/runuser").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "bin/runuser").chmod(0o755)
    assert (source.do("unplace 7").returncode == 0) == is_undone
    assert (source.work / "move-placed").exists() != is_undone
    assert (tmp_path / "state/replaced-7/data").exists() != is_undone


@pytest.mark.parametrize("is_copied_again", [False, True])
def test_what_an_earlier_try_placed_makes_room_for_what_was_there(tmp_path, is_copied_again):
    for place, text in {"state/replaced-7/data": "before", "state/data": "placed", "state/.move/data": "again"}.items():
        if text != "again" or is_copied_again:
            (tmp_path / place).mkdir(parents=True)
            (tmp_path / place / "file").write_text(text)
    (tmp_path / "state/.move").mkdir(exist_ok=True)
    source = Source(
        tmp_path, state=tmp_path / "state", pg_kind="local", bin_dir="/x", database_port=1, socket_dir="/x", new="new"
    )
    (tmp_path / "bin/runuser").write_text("#!/bin/sh\ncat >/dev/null\n")
    (tmp_path / "bin/runuser").chmod(0o755)
    done = source.do("unpacker() { id -un; }; unplace 7")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "state/data/file").read_text() == "before"
    assert (tmp_path / "state/.move/data/file").read_text() == ("again" if is_copied_again else "placed")
    assert [path.name for path in (tmp_path / "state/.move/data").iterdir()] == ["file"]
