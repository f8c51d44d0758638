"""When the conformance tier has to be asked again."""

import shutil

import pytest

from tests import proved


def test_the_stand_in_is_the_one_that_passed():
    assert not proved.stale(), (
        "the stand-in or its contract changed: run `make soak ONLY=conformance`, commit what it writes"
    )


@pytest.mark.parametrize("folder", proved.ASKED)
@pytest.mark.parametrize("change", [lambda path: path.write_text("#"), lambda path: path.touch()])
def test_any_change_asks_again(tmp_path, folder, change):
    for asked in proved.ASKED:
        shutil.copytree(proved.ROOT / asked, tmp_path / asked, ignore=shutil.ignore_patterns("__pycache__"))
    assert proved.now(tmp_path) == proved.now()
    change(tmp_path / folder / "new.py")
    assert proved.now(tmp_path) != proved.now()
