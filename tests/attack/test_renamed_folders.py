"""A folder of the server's changes its place by a rename or not at all: where mv copies it as root, the server's account chooses what."""

import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from tests import programs
from tests.attack.racer import SERVER, at_work, world

FILES, TRIES = 300, 30
AS_BEFORE = 'rename_path() { nice -n 19 mv -T "$1" "$2"; }'
SECRET = "of root alone"


@pytest.fixture
def place():
    """A host on an overlay whose lower layer has the server's folders, as the image of a container has."""
    with world(["upper", "work", "host", "own", "lower/precious", "lower/state/config", "lower/state/plugins"]) as path:
        (path / "lower/precious").chmod(0o700)
        (path / "lower/precious/last").write_text(SECRET)
        (path / "lower/state/config/config.json").write_text("{}")
        store(path, FILES)
        mount(path)
        yield path
        subprocess.run(["umount", path / "host"], check=True)


def store(path, count):
    """Have *count* files in the server's folder, and after them the last."""
    stored = path / "lower/state/data/teams"
    stored.mkdir(parents=True, exist_ok=True)
    (stored / "last").unlink(missing_ok=True)
    for name in [*(f"{number:04}" for number in range(count)), "last"]:
        (stored / name).write_text("the server's")
    for each in (stored.parent, stored, *stored.iterdir()):
        os.chown(each, SERVER.pw_uid, SERVER.pw_gid)


def mount(path):
    layers = f"lowerdir={path}/lower,upperdir={path}/upper,workdir={path}/work"
    command = ["mount", "-t", "overlay", "none", "-o", layers, path / "host"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"NO OVERLAY HERE: {done.stderr}")


def restore(place, line, changed="", path=""):
    """Run *line* among the functions of mattermost-restore. changed: what takes the place of one. path: PATH of the programs."""
    functions = programs.joined("mattermost-restore").partition("# ---- the command")[0]
    state = place / "host/state"
    values = {
        "state": state, "fetched": state / ".restore-7", "replaced": state / "replaced-7", "user": SERVER.pw_name,
        "own": place / "own", "database": "mm", "new_database": "new", "replaced_database": "old",
    }  # fmt: skip
    given = [functions, *(f"{key}='{value}'" for key, value in values.items()), "rename_database() { :; }", changed]
    given += [f"PATH={path}"] if path else []
    return subprocess.run(["sh", "-c", "\n".join([*given, line])], capture_output=True, text=True, timeout=120)


def test_a_move_says_so_before_anything_is_copied(place):
    values = f"\nstate={place}/host/state work={place}/own settings={place}/own\n"
    done = subprocess.run(
        ["sh", "-c", programs.sent("move") + values + "look 2>/dev/null"], capture_output=True, text=True, timeout=60
    )
    (fixed,) = [line for line in done.stdout.splitlines() if line.startswith("fixed=")]
    assert f"{place}/host/state/data cannot be renamed" in fixed
    assert sorted(path.name for path in (place / "host/state").iterdir()) == ["config", "data", "plugins"]


def test_no_file_of_roots_is_read_for_an_import(tmp_path):
    """Where the settings are in the database, or renamed away, the owner of what the server's account laid as data would be asked."""
    (tmp_path / "data").symlink_to("/root")
    lines = f"\ndata={tmp_path}/data config=''; as_server id -u"
    done = subprocess.run(["sh", "-c", programs.sent("move") + lines], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "65534", done.stderr


def link_instead(folder, target):
    """Once the first of the files in *folder* was moved, have a link to *target* in its place, for those that follow."""
    if os.path.exists(f"{folder}/{FILES // 50:04}"):
        return
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
        os.symlink(target, folder)


def raced(place, changed=""):
    """Have the folders change places while the account is at work; return whether that was done, and where something of root's is now."""
    state = place / "host/state"
    fetched = state / ".restore-7" / str(state)[1:]
    for part in ("config", "data", "plugins"):
        (fetched / part).mkdir(parents=True)
    (fetched / "config/config.json").write_text("{}")
    with at_work(link_instead, state / "data/teams", place / "host/precious"):
        done = restore(place, "exchange", changed)
    got = [path for path in state.rglob("last") if path.read_text() == SECRET]
    return done.returncode == 0, [path for path in got if not path.parent.is_symlink()]


def test_nothing_of_roots_is_moved(place):
    said = restore(place, "blocking_part").stdout
    assert said.startswith(f"{place}/host/state/data cannot be renamed (Invalid cross-device link). "), said
    assert raced(place) == (False, [])
    assert len(list((place / "host/state/data/teams").iterdir())) == FILES + 1
    assert not (place / "host/state/.restore-probe").exists()


def test_the_control_mv_moves_it(place):
    """So that the test above can fail. Each try has more to move, so that the account comes to it on a busy machine too."""
    for attempt in range(2, TRIES):
        _, got = raced(place, AS_BEFORE)
        if got:
            return
        subprocess.run(["umount", place / "host"], check=True)
        shutil.rmtree(place / "upper")
        (place / "upper").mkdir()
        store(place, attempt * FILES)
        mount(place)
    pytest.fail("mv took nothing of root's")


@pytest.mark.parametrize("program", ["perl", "python3", "python"])
def test_each_program_that_can_rename_does(place, program):
    """And a look whether it can changes nothing."""
    (place / "bin").mkdir()
    for name in ("mkdir", "rmdir", "tail"):
        (place / "bin" / name).symlink_to(f"/bin/{name}")
    (place / "bin" / program).symlink_to("/usr/bin/perl" if program == "perl" else sys.executable)
    (place / "own/data").mkdir()
    (place / "own/data/file").write_text("mine")
    (place / "own/link").symlink_to("data")
    for name in ("data", "link"):
        assert restore(place, f"why_fixed $own/{name} $own/probe", path=place / "bin").stdout == ""
    assert sorted(path.name for path in (place / "own").iterdir()) == ["data", "link"]
    assert restore(place, "rename_path $own/data $own/other", path=place / "bin").returncode == 0
    assert (place / "own/other/file").read_text() == "mine"
    said = restore(place, "why_fixed $state/data $state/probe", path=place / "bin").stdout
    assert "Invalid cross-device link" in said


def test_a_file_system_that_replaces_what_is_in_the_way_loses_no_file(place):
    (place / "own/data").mkdir()
    (place / "own/data/file").write_text("mine")
    careless = 'rename_path() { rm -rf "$2"; mv -T "$1" "$2"; }'
    assert "directory with contents" in restore(place, "why_fixed $own/data $own/probe", careless).stdout
    assert (place / "own/data/file").read_text() == "mine"
    assert not (place / "own/probe").exists()
