"""A host is not asked for what is known of it: which hosts that is, and that Salt's tree is on them."""

import os
import shutil
import types

import pytest
from mattermost_controller.hosts import roster, thin_tree
from mattermost_controller.stages import apply as stage_run

from tests.unit import test_relenv_install as relenv

SUM = "0123abcd"


class Host(relenv.Host):
    """Runs here what would run on a host, as root too; a file that is sent is copied."""

    user = "root"

    def __init__(self, tree):
        self.entry, self.tree, self.sent = {"thin_dir": str(tree)}, tree, []

    def run(self, script, root=False):
        return super().run(script, root=False)

    def send(self, local, remote, stage):
        self.sent.append(remote)
        shutil.copy(local, remote)
        return roster.Result(0, "", "")

    def has_its_archive(self):
        return self.sent == [f"{self.tree}/salt-thin.tgz"] and os.listdir(self.tree) == ["salt-thin.tgz"]


@pytest.fixture
def host(tmp_path):
    """A host with the tree that the checkout packed; ``cachedir`` of the checkout is *tmp_path* too."""
    (tmp_path / "thin").mkdir()
    (tmp_path / "thin/code-checksum").write_text(SUM)
    (tmp_path / "thin/thin.tgz").touch()
    host = Host(tmp_path / "my tree")
    host.tree.mkdir()
    (host.tree / "salt-call").touch()
    (host.tree / "code-checksum").write_text(SUM + "\n")
    return host


def test_a_tree_that_is_there_is_not_brought(host, tmp_path):
    assert thin_tree.ensure(host, str(tmp_path))
    assert host.sent == []


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "code-checksum").write_text("another"),
        lambda tree: (tree / "code-checksum").unlink(),
        lambda tree: (tree / "salt-call").rename(tree / "running_data"),
        lambda tree: (tree / "salt-thin.tgz").touch(),
        shutil.rmtree,
    ],
    ids=["another", "no sum", "no program", "not unpacked", "none"],
)
def test_in_place_of_another_tree_comes_the_archive(host, tmp_path, change):
    change(host.tree)
    assert thin_tree.ensure(host, str(tmp_path))
    assert host.has_its_archive()
    assert host.tree.stat().st_mode & 0o777 == 0o700


def test_a_link_is_left_to_salt(host, tmp_path):
    host.tree.rename(tmp_path / "elsewhere")
    host.tree.symlink_to(tmp_path / "elsewhere")
    assert not thin_tree.ensure(host, str(tmp_path))
    assert (tmp_path / "elsewhere/salt-call").exists()


def test_a_folder_with_other_files_is_left_to_salt(host, tmp_path):
    shutil.rmtree(host.tree)
    host.tree.mkdir()
    (host.tree / "letters").touch()
    assert not thin_tree.ensure(host, str(tmp_path))
    assert os.listdir(host.tree) == ["letters"]


def test_a_tree_of_another_account_is_left_to_salt(host, tmp_path):
    (tmp_path / "stat").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "stat").chmod(0o755)
    run = host.run
    host.run = lambda script, root=True: run(f"PATH={tmp_path}:$PATH\n" + script.replace("[ -O", "[ ! -O"))
    assert not thin_tree.ensure(host, str(tmp_path))
    assert (host.tree / "salt-call").exists()


@pytest.mark.parametrize("text", [None, ""], ids=["never packed", "packed without a sum"])
def test_what_was_not_packed_is_left_to_salt(host, tmp_path, text):
    (tmp_path / "thin/code-checksum").unlink()
    if text is not None:
        (tmp_path / "thin/code-checksum").write_text(text)
    assert not thin_tree.ensure(host, str(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another group")
def test_who_logs_in_and_uses_sudo_may_copy_into_the_folder(host, tmp_path, monkeypatch):
    monkeypatch.setenv("SUDO_GID", "1234")
    shutil.rmtree(host.tree)
    assert thin_tree.ensure(host, str(tmp_path))
    found = host.tree.stat()
    assert (found.st_gid, found.st_mode & 0o777) == (1234, 0o770)


@pytest.mark.parametrize("kind", ["thin", "relenv"])
def test_whose_grains_are_known(monkeypatch, kind):
    def named(name, **entry):
        return types.SimpleNamespace(id=name, entry=entry)

    hosts = [named("a"), named("not-brought"), named("not-looked-at"), named("own", grains={"role": "chat"})]
    known = {host.id: {"facts": {"grains": {"os": host.id}}} for host in hosts if host.id != "not-looked-at"}
    monkeypatch.setattr(thin_tree, "ensure", lambda host, cachedir: host.id != "not-brought")
    found = [
        stage_run._grains({"cachedir": "/x"}, {host.id: host for host in hosts}, known, kind, host.id) for host in hosts
    ]
    assert found == [{"os": "a"}, {"os": "not-brought"} if kind == "relenv" else None, None, None]
