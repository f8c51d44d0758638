"""The stand-in's archive: names, reproducible bytes, what the build needs."""

import hashlib
import json
import tarfile

import build as builder
import needs
import pack
import pytest


@pytest.fixture
def frozen(tmp_path):
    """Something that looks like what PyInstaller makes."""
    home = tmp_path / "frozen"
    (home / "_internal").mkdir(parents=True)
    for name in ("mattermost", "mmctl"):
        (home / name).write_bytes(b"program")
        (home / name).chmod(0o755)
    (home / "_internal/library.so").symlink_to("mattermost")
    return home


def test_the_same_input_gives_the_same_bytes(tmp_path, frozen):
    for name in ("one.tar.gz", "two.tar.gz"):
        pack.write("11.7.100", frozen, tmp_path / name)
    sums = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("one.tar.gz", "two.tar.gz")}
    assert len(sums) == 1


def test_members_belong_to_root_and_have_their_modes(tmp_path, frozen):
    target = tmp_path / "archive.tar.gz"
    pack.write("11.7.100", frozen, target)
    with tarfile.open(target) as archive:
        members = {member.name: member for member in archive}
        build = json.load(archive.extractfile("mattermost/bin/_internal/stand-in.json"))
    assert build == {"version": "11.7.100"}
    assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}
    assert members["mattermost/config/config.json"].mode == 0o600
    assert members["mattermost/bin/mmctl"].mode == 0o755
    assert members["mattermost/bin/_internal/library.so"].issym()
    assert members["mattermost/logs"].isdir()


def test_the_version_is_in_the_name():
    assert pack.file_name("11.7.100") == "mattermost-team-11.7.100-linux-amd64.tar.gz"


def test_a_version_that_is_none_is_refused():
    with pytest.raises(ValueError, match="three numbers"):
        pack.config_json("11.7")


def test_a_build_is_named_by_everything_in_it():
    requirements = [builder.HERE / "requirements.txt"]
    assert builder.digest(requirements, "a") == builder.digest(requirements, "a")
    assert builder.digest(requirements, "a") != builder.digest(requirements, "b")
    assert builder.digest(requirements, "a") != builder.digest([builder.HERE / "freeze.spec"], "a")


def test_a_python_without_its_library_is_found_out(tmp_path):
    variables = {"INSTSONAME": "libpython3.11.so.1.0", "LIBDIR": str(tmp_path), "MULTIARCH": "x86_64-linux-gnu"}
    assert not needs.has_shared_python(variables)
    (tmp_path / "x86_64-linux-gnu").mkdir()
    (tmp_path / "x86_64-linux-gnu/libpython3.11.so.1.0").touch()
    assert needs.has_shared_python(variables)
    assert not needs.has_shared_python({"INSTSONAME": "libpython3.11.a", "LIBDIR": str(tmp_path)})
