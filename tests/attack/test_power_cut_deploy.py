"""A power cut before each change that a deploy or a removal makes: the next run ends as one that was never cut, and nothing is lost."""

import functools
import getpass
import os
import shutil

import mattermost_atomic_file as atomic
import mattermost_baseline_record as baseline
import mattermost_config_file as config
import mattermost_letsencrypt_archive as archives
import mattermost_nginx_config as nginx
import mattermost_program_core as programs
import mattermost_release_tree as tree
import mattermost_secret_core as secrets
import pytest

from tests.attack.cutting import cuts_of_python
from tests.soak import in_check
from tests.states import load_state
from tests.unit import test_letsencrypt_archive as certificates
from tests.unit import test_release_archive as releases
from tests.unit import unpacking

SOAK = pytest.mark.soak("power-cut-deploy")


def contents(folder):
    """What is below *folder*, but for drafts (.NAME.…) that have not got their name: of each file the text, of each link the target."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_text().replace(str(folder), "")
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and not path.name.startswith(".")
    }


@pytest.fixture(params=in_check([False, True], True), ids=["nothing-flushed", "names-flushed"])
def converges(request):
    return functools.partial(_converges, request.param)


def _converges(log, disk, make, change, holds=lambda host: None, each=1):
    """After each cut *holds* says what must be true, and *change*, made again, ends as it does without a cut; return how often it was cut."""
    whole = disk.place / "whole"
    whole.mkdir()
    change(make(whole))
    count = 0
    for last, host in cuts_of_python(disk, make, change, each, log):
        count += 1
        try:
            holds(host)
            change(host)
            assert contents(host) == contents(whole)
        except (AssertionError, OSError, ValueError) as err:
            raise AssertionError(f"cut before: {last}: {err}") from err
    return count


def same(folder):
    return folder


# -- what is made once on a host is on disk before anything relies on it: a repository is opened by that password for good

ONCE = {
    "secret": lambda host: secrets.write(f"{host}/settings/secrets", "backup-password", "s3cret"),
    "record": lambda host: baseline.write(f"{host}/work", {"packages": []}),
    "config": lambda host: config.write(f"{host}/environment", "MM_X=1\n"),
    "nginx": lambda host: nginx.write(f"{host}/mattermost.conf", b"x"),
    "program": lambda host: programs._write(f"{host}/restic", b"x", 0o755),
    "renamed": lambda host: renamed(host),
}


def renamed(host):
    """What a rotation has made ready."""
    (host / "rotation.new").mkdir()
    config.write(f"{host}/rotation.new/verifier", "x")
    atomic.rename(f"{host}/rotation.new", f"{host}/rotation")


@pytest.mark.parametrize("disk", in_check(["ext4", "xfs"], "ext4"), indirect=True)
@pytest.mark.parametrize("what", ONCE)
def test_what_is_made_once_is_on_disk_when_it_is_said_to_be(disk, what):
    disk.flush()
    ONCE[what](disk.place)
    made = contents(disk.place)
    disk.cut()
    assert contents(disk.place) == made


# -- a deploy


@pytest.mark.parametrize("each", [5, pytest.param(1, marks=SOAK)])
def test_a_certificate_of_before(converges, disk, tmp_path, each):
    """Files that are there stay: one that a cut left empty would be served for good."""
    archive = certificates.packed(tmp_path / "letsencrypt.tar.gz", certificates.GOOD)

    def restore(host):
        folder = host / ".restored-x"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        archives.unpack(archive, str(folder))
        archives.move_into(str(folder), str(host))
        shutil.rmtree(folder)

    def holds(host):
        shutil.rmtree(host / ".restored-x", ignore_errors=True)
        empty = [name for name, text in contents(host).items() if text == ""]
        assert empty == [], "the next run takes these for whole"

    assert converges(disk, same, restore, holds, each) > 10 / each


@pytest.mark.parametrize("each", [9, pytest.param(1, marks=SOAK)])
def test_a_release(converges, disk, tmp_path, monkeypatch, each):
    """The directory of a version is whole or not there."""
    archive = str(releases.archive(tmp_path))
    for name in ("check_version_output", "check_members"):
        monkeypatch.setattr(tree.core, name, lambda *arguments: None)
    monkeypatch.setattr(tree, "_version_of", lambda *arguments: "")
    monkeypatch.setattr(tree.os, "sync", disk.flush)

    def unpack(host):
        if not (host / "11.7.100").exists():
            for path in host.glob(".unpack-*"):
                shutil.rmtree(path)
            unpacking.unpack(archive, str(host), "11.7.100", getpass.getuser())

    assert converges(disk, same, unpack, each=each) > 20 / each


@pytest.mark.parametrize("each", [3, pytest.param(1, marks=SOAK)])
def test_the_servers_settings(converges, disk, each):
    def make(folder):
        config.write_json(f"{folder}/config.json", {"SqlSettings": {"AtRestEncryptKey": "k"}})
        return folder

    def merge(host):
        config.write_json(f"{host}/config.json", {**config.read_json(f"{host}/config.json"), "ours": 1})

    def holds(host):
        assert config.read_json(f"{host}/config.json")["SqlSettings"] == {"AtRestEncryptKey": "k"}

    assert converges(disk, make, merge, holds, each) >= 3 / each


# -- a removal

PLACES = (
    "install/11.7.1/bin/mattermost state/config/config.json state/data/file settings/environment settings/switch.conf"
    " settings/secrets/backup-password settings/secrets/database-password work/config.json work/switch/report"
    " work/backup/known work/backup/cache/x work/downloads/x web/x"
).split()


def deployed(folder):
    for place in PLACES:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text("x\n")
    (folder / "install/current").symlink_to("11.7.1")
    baseline.write(f"{folder}/work", {"directories": [str(folder)], "packages": [], "users": [], "groups": []})
    return folder


@pytest.mark.parametrize("purge", [False, True], ids=["data-stay", "purge"])
@pytest.mark.parametrize("each", [7, pytest.param(1, marks=SOAK)])
def test_a_removal(converges, disk, monkeypatch, purge, each):
    state = load_state("mattermost_uninstall", test=False)
    monkeypatch.setattr(state.os, "sync", disk.flush)
    monkeypatch.setattr(state.records, "inspect", lambda platform, paths: dict.fromkeys(LEFT, []))

    def remove(host):
        paths = {name: str(host / name) for name in ("install", "state", "settings", "work")}
        paths["webroot"] = str(host / "web")
        assert state.files("x", paths, purge, "/none", False)["result"]
        told = state.recorded("x", {}, paths, purge, "chat", "mm", "/none", "/none", False, "/none")
        assert told["result"], told["comment"]

    def holds(host):
        if not purge:
            assert (host / "state/data/file").read_text() == "x\n"
            assert (host / "settings/secrets/backup-password").read_text() == "x\n"

    assert converges(disk, deployed, remove, holds, each) > 15 / each


LEFT = ("packages", "users", "groups", "directories", "letsencrypt", "cluster")
