"""What a removal took away is gone: folders deeper than Python's recursion, and after a power cut too."""

import os
import pwd
import subprocess

import mattermost_remove_files as files
import pytest

from tests.states import load_state

DEEP = 3000
SERVER = pwd.getpwnam("daemon")


@pytest.fixture
def deep(tmp_path):
    """A directory with folders in one another and a file in the innermost, all the server's account's."""
    here, top = os.open(".", os.O_RDONLY), tmp_path / "data"
    try:
        os.mkdir(top)
        os.chdir(top)
        for _ in range(DEEP):
            os.mkdir("d")
            os.chown("d", SERVER.pw_uid, SERVER.pw_gid)
            os.chdir("d")
        with open("file", "w"):
            os.chown("file", SERVER.pw_uid, SERVER.pw_gid)
    finally:
        os.fchdir(here)
        os.close(here)
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
    given = files.give_to_root(SERVER.pw_uid, str(tmp_path))
    assert len(given) == DEEP + 2
    assert os.lstat(deep / "link").st_uid == 0
    assert (tmp_path / "others/file").stat().st_uid == 2
    assert files.give_to_root(SERVER.pw_uid, str(tmp_path)) == []


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
