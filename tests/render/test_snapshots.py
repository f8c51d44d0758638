"""The merged settings equal their snapshot on every platform."""

import difflib

import yaml

from tests.render import compiler, snapshots


def test_settings_equal_their_snapshot(each_platform):
    path = snapshots.FOLDER / f"{each_platform}.yaml"
    kept = yaml.safe_load(path.read_text()) if path.exists() else {}
    kept_text = yaml.safe_dump(kept, sort_keys=True, width=120)
    found = snapshots.text(each_platform)
    diff = "".join(difflib.unified_diff(kept_text.splitlines(True), found.splitlines(True), path.name, "now", n=2))
    assert not diff, f"\n{diff}\nIf this is what you want: .venv/bin/python -m tests.render.snapshots"


def test_no_snapshot_of_a_platform_that_is_gone():
    assert {path.stem for path in snapshots.FOLDER.glob("*.yaml")} <= set(compiler.PLATFORMS)
