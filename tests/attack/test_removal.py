"""What a removal took away is gone: folders deeper than Python's recursion, and after a power cut too."""

import os
import pwd
import subprocess
import sys

import mattermost_remove_files as files
import pytest

from tests import repository
from tests.states import load_state

# deeper than Python's recursion, and with these names longer than a path may be
DEEP, NAME = 1200, "deep"
SERVER = pwd.getpwnam("daemon")


def make(top, name, count):
    """Have *count* folders in one another below *top*, and a file in the innermost, all the server's account's."""
    here = os.open(".", os.O_RDONLY)
    try:
        os.mkdir(top)
        os.chdir(top)
        for _ in range(count):
            os.mkdir(name)
            os.chown(name, SERVER.pw_uid, SERVER.pw_gid)
            os.chdir(name)
        with open("file", "w"):
            os.chown("file", SERVER.pw_uid, SERVER.pw_gid)
    finally:
        os.fchdir(here)
        os.close(here)
    return top


@pytest.fixture
def deep(tmp_path):
    top = make(tmp_path / "data", NAME, DEEP)
    yield top
    subprocess.run(["rm", "-rf", top], check=True)  # pytest's own way is Python's


def test_it_is_removed(deep):
    files.remove(str(deep))
    assert not deep.exists()


def test_it_is_given_to_root_and_no_link_is_followed(deep, tmp_path):
    (tmp_path / "others").mkdir()
    (tmp_path / "others/file").touch()
    os.chown(tmp_path / "others/file", 2, 2)
    (deep / "link").symlink_to(tmp_path / "others/file")
    os.lchown(deep / "link", SERVER.pw_uid, SERVER.pw_gid)
    files.give_to_root(SERVER.pw_uid, str(tmp_path))
    assert os.lstat(deep / "link").st_uid == 0
    assert (tmp_path / "others/file").stat().st_uid == 2
    assert owned_by_it(tmp_path) == ""


def owned_by_it(place):
    """Where something of the server's account is, of all that is not too deep to be named."""
    command = ["find", place, "-uid", str(SERVER.pw_uid), "-print", "-quit"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout[:100]


@pytest.mark.exhaustive
def test_what_is_very_deep_takes_no_memory(tmp_path):
    """All paths together have 600 MB; those of 100,000 such folders, which are made in seconds, 500 GB."""
    top = make(tmp_path / "data", "d" * 100, 3_500)
    code = f"import mattermost_remove_files as files; files.give_to_root({SERVER.pw_uid}, {str(tmp_path)!r})"
    try:
        subprocess.run(
            ["sh", "-c", 'ulimit -v 400000; exec "$@"', "sh", sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(repository.ROOT / "salt/_utils")},
            check=True,
        )
        assert owned_by_it(top) == ""
    finally:
        subprocess.run(["rm", "-rf", top], check=True)


def test_a_power_cut_right_after_it_brings_nothing_back(disk, monkeypatch):
    state = load_state("mattermost_uninstall", test=False)
    paths = {name: str(disk.place / name) for name in ("install", "state", "settings", "work")}
    for path in paths.values():
        os.mkdir(path)
    unit = disk.place / "mattermost.service"
    unit.touch()
    monkeypatch.setattr(state.records, "read", lambda work: {})
    disk.flush()
    files.remove(str(unit))
    assert state.recorded("x", {}, paths, True, "chat", "mm", "/none", "/none", False, "/none")["result"]
    disk.cut()
    assert not unit.exists()
    assert not os.path.exists(paths["work"])
