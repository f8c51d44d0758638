"""The installation of before is set aside by renames and comes back whole, from wherever an import ended."""

import fcntl
import os
import shutil
import subprocess

import pytest

from tests import programs
from tests.soak import in_check
from tests.unit.hostprogram.conftest import EACH_SHELL, usable

# notes what it is asked; a start of the program's own unit runs it as systemd would
SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$WORLD/calls"
case "$*" in
    'is-active mattermost.service') cat "$WORLD/active"; grep -q '^active$' "$WORLD/active" ;;
    'start mattermost-aside.service') $PROGRAM work ;;
    'stop mattermost.service') [ -e "$WORLD/deaf" ] || rm -rf "$WORLD/proc/77" ;;
esac
"""
MV = """#!/bin/sh
# the machine goes off before the rename of $(cat WORLD/cut)
for last; do :; done
if [ "$last" = "$(cat "$WORLD/cut" 2>/dev/null)" ]; then kill -KILL "$PPID"; exit 1; fi
exec "/bin/${0##*/}" "$@"
"""


class World:
    def __init__(self, folder, shell):
        self.folder = folder
        for name in ("bin", "units/multi-user.target.wants", "work", "run", "opt/mattermost/bin", "proc/77"):
            (folder / name).mkdir(parents=True)
        self.stub("systemctl", SYSTEMCTL)
        self.stub("mv", MV)
        self.stub("perl", MV)
        self.stub("getent", '#!/bin/sh\ncat "$WORLD/account"\n')
        self.stub("usermod", '#!/bin/sh\necho "usermod $*" >>"$WORLD/calls"\n')
        self.set("active", "active\n")
        self.set("account", "mattermost:x:99:99::/home/mattermost:/bin/sh\n")
        self.set("proc/mounts", "none /srv tmpfs rw 0 0\n")
        (folder / "proc/77/exe").symlink_to(folder / "opt/mattermost/bin/mattermost")
        self.set("units/mattermost.service", "old unit\n")
        (folder / "units/mattermost.service.d").mkdir()
        self.set("units/mattermost.service.d/mine.conf", "mine\n")
        (folder / "units/multi-user.target.wants/mattermost.service").symlink_to("../mattermost.service")
        self.set("opt/mattermost/bin/mattermost", "old program\n")
        values = {"install": folder / "opt/mattermost", "work": folder / "work", "user": "mattermost"}
        values |= {"service": "mattermost.service", "port": 8065, "site_closed": folder / "site-closed"}
        self.set("aside.conf", "".join(f"{key}={value}\n" for key, value in values.items()))
        self.command = [*shell, str(programs.installed("mattermost-aside", folder))]
        self.environment = {
            "PATH": f"{folder}/bin:/usr/sbin:/usr/bin:/bin",
            "WORLD": str(folder),
            "PROGRAM": " ".join(self.command),
            "MATTERMOST_ASIDE_SETTINGS": str(folder / "aside.conf"),
            "MATTERMOST_ASIDE_UNITS": str(folder / "units"),
            "MATTERMOST_ASIDE_PROCESSES": str(folder / "proc"),
            "MATTERMOST_RUN_LOCK": str(folder / "run/lock"),
            "MATTERMOST_ASIDE_RUNTIME": str(folder / "run/aside"),
            "MATTERMOST_SWITCH_RUNTIME": str(folder / "run/switch"),
        }
        self.before = self.census()

    def stub(self, name, text):
        self.set(f"bin/{name}", text)
        (self.folder / "bin" / name).chmod(0o755)

    def set(self, name, text):
        (self.folder / name).write_text(text)

    def run(self, *arguments):
        return subprocess.run(
            [*self.command, *map(str, arguments)], env=self.environment, capture_output=True, text=True, timeout=60
        )

    def put(self):
        return self.run("put", self.folder / "opt/mattermost")

    def census(self):
        """What is at the places of the installation, contents and targets of links."""
        found = {}
        for top in ("units", "opt"):
            for path in sorted((self.folder / top).rglob("*")):
                if path.is_symlink() or path.is_file():
                    found[str(path)] = os.readlink(path) if path.is_symlink() else path.read_text()
        return {path: what for path, what in found.items() if ".coming" not in path}

    def ours_comes(self):
        """Be as a deploy leaves it."""
        self.set("units/mattermost.service", "our unit\n")
        link = self.folder / "units/multi-user.target.wants/mattermost.service"
        link.unlink(missing_ok=True)
        link.symlink_to("/elsewhere")
        (self.folder / "opt/mattermost/1.2.3").mkdir(parents=True, exist_ok=True)
        (self.folder / "opt/mattermost/current").symlink_to("1.2.3")
        self.set("account", "mattermost:x:99:99::/var/opt/mattermost:/usr/sbin/nologin\n")
        (self.folder / "work/switch").mkdir()
        self.set("work/switch/journal", "begin\n")

    def calls(self):
        return (self.folder / "calls").read_text().splitlines()

    def has(self, name):
        return (self.folder / name).exists()

    def assert_old(self):
        assert self.census() == self.before
        assert not self.has("work/aside/journal")
        assert self.has("work/aside/given-back")
        assert not self.has("run/switch.port")
        assert self.calls()[-1] == "start mattermost.service"


@pytest.fixture(params=EACH_SHELL, ids=lambda shell: shell[0])
def world(request, tmp_path):
    usable(request.param)
    return World(tmp_path, request.param)


def test_it_is_set_aside_by_renames_and_the_new_one_is_where_nobody_comes(world):
    (world.folder / "opt/mattermost.coming/1.2.3").mkdir(parents=True)
    done = world.put()
    assert done.returncode == 0, done.stderr
    assert world.has("opt/mattermost.before-import/bin/mattermost")
    assert world.has("opt/mattermost/1.2.3")
    assert world.has("units/mattermost.service.d.before-import/mine.conf")
    assert not world.has("units/mattermost.service")
    assert not (world.folder / "units/multi-user.target.wants/mattermost.service").is_symlink()
    assert (
        "LISTENADDRESS=127.0.0.1:18065"
        in (world.folder / "units/mattermost.service.d/mattermost-aside.conf").read_text()
    )
    assert (world.folder / "run/switch.port").read_text() == "18065\n"


def test_it_comes_back_whole(world):
    world.put()
    world.ours_comes()
    done = world.run("back")
    assert done.returncode == 0, done.stderr
    world.assert_old()
    assert not world.has("work/switch/journal")
    assert "usermod -d /home/mattermost -s /bin/sh mattermost" in world.calls()
    assert world.has("opt/mattermost.coming/1.2.3")
    assert not (world.folder / "opt/mattermost.coming/current").is_symlink()


@pytest.mark.parametrize(
    "place",
    in_check(
        [
            "units/mattermost.service.before-import",
            "units/mattermost.service.d.before-import",
            "opt/mattermost.before-import",
            "work/aside/journal",
        ],
        "opt/mattermost.before-import",
    ),
)
def test_a_power_cut_on_the_way_aside_is_undone_at_boot(world, place):
    world.set("cut", str(world.folder / place))
    assert world.put().returncode != 0
    world.set("cut", "")
    world.run("work")
    if world.has("work/aside/given-back"):
        world.assert_old()
    assert world.census() == world.before


@pytest.mark.parametrize(
    "place",
    in_check(
        ["opt/mattermost.coming", "opt/mattermost", "units/mattermost.service", "work/aside/last-journal"],
        "opt/mattermost",
    ),
)
def test_a_power_cut_on_the_way_back_is_ended_at_boot(world, place):
    world.put()
    world.ours_comes()
    world.set("cut", str(world.folder / place))
    assert world.run("work").returncode != 0
    world.set("cut", "")
    assert world.run("work").returncode == 0
    world.assert_old()


def test_one_that_stood_still_is_not_started(world):
    world.set("active", "inactive\n")
    shutil.rmtree(world.folder / "proc/77")
    world.put()
    world.run("back")
    assert world.census() == world.before
    assert "start mattermost.service" not in world.calls()


def test_a_tree_and_a_unit_that_are_elsewhere_stay_there(world):
    (world.folder / "opt/mattermost").rename(world.folder / "srv")
    shutil.move(world.folder / "units/mattermost.service", world.folder / "vendor.service")
    shutil.rmtree(world.folder / "units/mattermost.service.d")
    before = world.census()
    (world.folder / "opt/mattermost.coming/1.2.3").mkdir(parents=True)
    assert world.run("put", world.folder / "srv").returncode == 0
    world.ours_comes()
    assert world.has("srv/bin/mattermost")
    assert world.run("back").returncode == 0
    assert world.census() == before
    assert world.has("opt/mattermost.coming/1.2.3")


def test_asked_again_it_sees_that_the_old_server_runs(world):
    world.put()
    world.run("back")
    world.set("calls", "")
    assert world.run("back").returncode == 0
    assert world.calls() == ["start mattermost.service"]


def test_a_server_that_does_not_stop_is_not_set_aside(world):
    world.set("deaf", "")
    assert "did not stop. Process 77" in world.put().stderr
    world.run("back")
    world.assert_old()


def test_once_proved_it_stays_aside(world):
    world.put()
    world.ours_comes()
    world.set("work/move-placed", "20260101\n")
    assert world.run("keep").returncode == 0
    assert not world.has("units/mattermost.service.d")
    assert not world.has("run/switch.port")
    assert world.calls()[-1] == "--no-block restart mattermost.service"
    assert (world.folder / "work/aside/placed").read_text() == "20260101\n"
    assert not world.has("work/move-placed")
    assert world.has("work/received")
    assert world.run("work").returncode == 0
    assert world.has("opt/mattermost.before-import")
    said = world.run("back")
    assert said.returncode == 2
    assert "are only in the new server" in said.stderr
    assert "already keeps a previous installation" in world.put().stderr
    assert "mattermost.service.before-import" in world.run("status").stdout
    assert world.run("back", "overwrite").returncode == 0
    world.assert_old()


def test_a_power_cut_once_proved_is_ended_with_the_new_one_reachable(world):
    world.put()
    (world.folder / "work/aside/journal").rename(world.folder / "work/aside/kept")
    assert world.run("work").returncode == 0
    assert not world.has("units/mattermost.service.d")
    assert world.has("opt/mattermost.before-import")


def test_a_deploy_whose_controller_is_gone_is_ended_first(world):
    world.put()
    lock = world.folder / "run/lock"
    with (
        subprocess.Popen(["sleep", "60"]) as bystander,
        subprocess.Popen(["flock", str(lock), "sleep", "60"]) as holder,
    ):
        while not lock.exists():
            pass
        lock.write_text(f"process {bystander.pid} since today")  # the number of an earlier run, now another process
        world.environment["MATTERMOST_ASIDE_PATIENCE"] = "1"
        assert world.run("back").returncode == 0
        assert holder.wait(5) != 0
        assert bystander.poll() is None
        bystander.kill()
    world.assert_old()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("Rename or remove it", lambda w: (w.folder / "opt/mattermost.before-import").mkdir()),
        ("paths:install", lambda w: w.set("proc/mounts", f"none {w.folder}/opt/mattermost/data ext4 rw 0 0\n")),
        ("mattermost.service did not start it", lambda w: w.set("active", "inactive\n")),
    ],
)
def test_what_is_in_the_way_is_said_ahead(world, words, what):
    tree = world.folder / "opt/mattermost"
    assert world.run("fits", tree).returncode == 0
    what(world)
    said = world.run("fits", tree)
    assert (said.returncode, words in said.stderr) == (2, True), said.stderr
    assert world.put().returncode == 2
    assert world.has("opt/mattermost/bin/mattermost")


def test_two_are_never_at_work_at_once(world):
    (world.folder / "work/aside").mkdir()
    with (world.folder / "work/aside/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for done in (world.put(), world.run("keep"), world.run("work")):
            assert (done.returncode, "Another run of mattermost-aside is in progress" in done.stderr) == (4, True), (
                done.stderr
            )
    assert world.census() == world.before
    assert world.put().returncode == 0
