"""Salt's own archive on a host: brought once, renewed with its source, never half of it."""

import hashlib
import shlex
import subprocess
import tarfile
import types

import pytest
from mattermost_controller.hosts import relenv_install
from mattermost_controller.hosts.relenv_archive import RelenvError


class Host:
    """Runs here what would run on a host."""

    id = "chat.example.test"

    def command(self, remote):
        return ["sh", "-c", remote]

    def run(self, script, root=True):
        assert not root, "the tree belongs to who logs in"
        done = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=False)
        return types.SimpleNamespace(rc=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "var tmp" / ".root_1234_salt_relenv"


@pytest.fixture(autouse=True)
def var_tmp(folder):
    folder.parent.mkdir()


def archive(tmp_path, says="Salt 1", name="salt.tar.xz"):
    """An archive in the onedir's layout, whose salt-call prints *says*, and its sum."""
    program = tmp_path / "salt-call"
    program.write_text(f"#!/bin/sh\necho '{says}'\n" if says else "#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    path = tmp_path / name
    with tarfile.open(path, "w:xz") as tar:
        tar.add(program, "salt/salt-call")
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def bring(folder, made):
    return relenv_install.ensure(Host(), str(folder), *made)


def salt_call_output(folder):
    return subprocess.run([folder / "salt-call"], capture_output=True, text=True, check=True).stdout.strip()


def left_over(folder):
    return [path.name for path in folder.parent.iterdir() if path != folder]


def test_it_is_brought_once(tmp_path, folder):
    made = archive(tmp_path)
    assert bring(folder, made) is True
    assert salt_call_output(folder) == "Salt 1"
    assert bring(folder, made) is False
    assert left_over(folder) == []


def test_another_archive_takes_the_place_of_the_tree(tmp_path, folder):
    bring(folder, archive(tmp_path))
    (folder / "of-the-old-one").touch()
    assert bring(folder, archive(tmp_path, "Salt 2")) is True
    assert salt_call_output(folder) == "Salt 2"
    assert not (folder / "of-the-old-one").exists()


def test_a_tree_that_salt_left_half_unpacked_is_replaced(tmp_path, folder):
    folder.mkdir()
    (folder / "salt-call").write_text("#!/bin/sh\nexit 1\n")
    (folder / "salt-call").chmod(0o755)
    assert bring(folder, archive(tmp_path)) is True
    assert salt_call_output(folder) == "Salt 1"


def test_a_folder_with_files_of_others_stays(tmp_path, folder):
    """As ``thin_dir: /home/ops`` in the roster would have it."""
    folder.mkdir()
    (folder / "notes").write_text("mine")
    with pytest.raises(RelenvError, match="contains files that are not Salt's: set another thin_dir"):
        bring(folder, archive(tmp_path))
    assert (folder / "notes").read_text() == "mine"
    assert [each.name for each in folder.iterdir()] == ["notes"]


@pytest.mark.parametrize("damage", ["cut off", "does not start"])
def test_a_damaged_one_leaves_the_tree_that_works(tmp_path, folder, damage):
    bring(folder, archive(tmp_path))
    path, _ = archive(tmp_path, "" if damage == "does not start" else "x" * 5000, "other.tar.xz")
    if damage == "cut off":
        with open(path, "r+b") as file:
            file.truncate(100)
    with pytest.raises(RelenvError, match="mattermost:relenv:source"):
        bring(folder, (path, "0" * 64))
    assert salt_call_output(folder) == "Salt 1"
    assert left_over(folder) == []


def test_the_folder_is_the_one_that_salt_runs_from():
    found = relenv_install.directory({}, "root")
    assert found.startswith("/var/tmp/.root_")
    assert found.endswith("_salt_relenv")
    assert relenv_install.directory({"thin_dir": "/opt/salt"}, "root") == "/opt/salt"


@pytest.mark.parametrize(
    "made", ["mkdir {}", "mkdir {0}; touch {0}/salt-call", "ln -s /nowhere {}"], ids=["empty", "full", "link"]
)
def test_a_folder_that_another_user_makes_in_between_is_never_the_tree(tmp_path, folder, monkeypatch, made):
    """/var/tmp is everybody's: between the removal of the old tree and the new one's move anybody may take the name."""
    programs = tmp_path / "programs"
    programs.mkdir()
    racing = programs / "rm"
    racing.write_text(
        f"#!/bin/sh\n/bin/rm \"$@\"\ncase $* in *'{folder.name}') {made.format(shlex.quote(str(folder)))} ;; esac\n"
    )
    racing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    if made == "mkdir {}":  # what is empty is replaced whole
        bring(folder, archive(tmp_path))
        assert salt_call_output(folder) == "Salt 1"
    else:
        with pytest.raises(RelenvError, match="could not be replaced"):
            bring(folder, archive(tmp_path))
        assert not (folder / "salt-call").exists() or (folder / "salt-call").stat().st_size == 0
    assert left_over(folder) == []


def test_a_tree_of_another_user_is_never_taken_for_the_one_that_was_brought(tmp_path, folder):
    made = archive(tmp_path)
    bring(folder, made)
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.symlink_to(aside)
    bring(folder, made)
    assert not folder.is_symlink()
