"""Files that are replaced whole, and the one place that does it."""

import os
import re
import stat

import mattermost_atomic_file as atomic
import mattermost_json
import pytest

from tests import repository

CODE = [
    path for path in repository.ROOT.glob("salt/_*/**/*.py") if path.name not in ("mattermost_json.py", "round_trip.py")
]


def test_the_file_is_on_disk_before_its_name_and_its_name_before_the_end(tmp_path, monkeypatch):
    done = []

    def flush(descriptor, real=os.fsync):
        done.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real(descriptor)

    def put(source, target, real=os.replace):
        done.append("name")
        real(source, target)

    monkeypatch.setattr(atomic.os, "fsync", flush)
    monkeypatch.setattr(atomic.os, "replace", put)
    atomic.write(f"{tmp_path}/a", b"x", 0o640)
    assert done == ["file", "name", "directory"]
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o640


def test_what_cannot_be_put_in_place_leaves_no_draft(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        atomic.write(f"{tmp_path}/a", b"x", 0o600)
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("text", ["", "{", '{"a":' * 200_000, b"\xff\xfe\x80"])
def test_what_is_no_json_is_a_fault_of_one_kind(text):
    with pytest.raises(ValueError, match="."):
        mattermost_json.parse(text)


def test_json_is_read_in_one_place():
    """Elsewhere brackets without end would be forgotten again."""
    assert CODE
    assert [str(path) for path in CODE if re.search(r"\bjson\.loads?\(", path.read_text())] == []
