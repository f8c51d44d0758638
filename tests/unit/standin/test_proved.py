"""When the conformance tier has to be asked again."""

import functools
import pathlib
import shutil

import pytest

from tests import proved

COPY = functools.partial(shutil.copytree, ignore=shutil.ignore_patterns("__pycache__"))


def test_the_stand_in_is_the_one_that_passed():
    assert not proved.stale(), (
        "the stand-in or its contract changed: run `make soak ONLY=conformance`, commit what it writes"
    )


@pytest.mark.parametrize("name", proved.ASKED)
@pytest.mark.parametrize("change", [lambda path: path.write_text("#"), lambda path: path.touch()])
def test_any_change_asks_again(tmp_path, name, change):
    for asked in map(pathlib.Path, proved.ASKED):
        (tmp_path / asked.parent).mkdir(parents=True, exist_ok=True)
        copy = shutil.copyfile if (proved.ROOT / asked).is_file() else COPY
        copy(proved.ROOT / asked, tmp_path / asked)
    assert proved.now(tmp_path) == proved.now()
    if (tmp_path / name).is_dir():
        change(tmp_path / name / "new.py")
    else:
        (tmp_path / name).write_text("#")
    assert proved.now(tmp_path) != proved.now()
