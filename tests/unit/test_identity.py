"""What a thread makes beside other states is root's, whosever rights those states take meanwhile: the threads of a process share them."""

import contextlib
import hashlib
import os
import tarfile
import threading

import mattermost_database_owned_files as owned
import mattermost_release_fetch as fetch
import mattermost_release_tree as tree
import pytest

from tests.unit.test_release_archive import archive

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NO ROOT: takes another account's rights")


@contextlib.contextmanager
def beside():
    """While this is entered, another thread takes the rights of another account again and again, to read a file."""
    over = threading.Event()

    def run():
        while not over.is_set():
            owned.read("/etc/hostname")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(autouse=True)
def nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(owned.host, "SUPERUSER", "nobody")
    tmp_path.chmod(0o700)


def test_a_release_is_laid_out_and_roots(tmp_path):
    many = []
    for number in range(500):
        info = tarfile.TarInfo(f"mattermost/client/{number % 50}/{number}.js")
        info.size = 10
        many.append(info)
    path = archive(tmp_path, many)
    with beside():
        folder = tree.lay_out(str(path), str(tmp_path), "11.7.100")
    owners = {
        os.lstat(os.path.join(at, name)).st_uid for at, folders, files in os.walk(folder) for name in folders + files
    }
    assert owners == {0}


def test_an_archive_is_found_and_checked(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"release")
    checksum = hashlib.sha256(b"release").hexdigest()
    with beside():
        for _ in range(200):
            assert fetch.archive("https://none.example.test/a", "a.tar.gz", checksum, str(tmp_path))
