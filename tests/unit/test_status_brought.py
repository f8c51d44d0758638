"""What this bundle brings is current, or the status says so: Salt, a pinned restic, the bundle itself."""

import datetime

import pytest
from mattermost_controller.status import brought

from tests.unit.test_status_upkeep import DATA

TODAY = datetime.date(2027, 1, 1)
PACKAGED = {"platform": {"name": "Debian 12", "backup": {"program": {"source": ""}}}}


def judged(check, salt="3008.2", newest=("", ""), settings=PACKAGED, table=None):
    data = {"releases": {**DATA["releases"], **(table or {})}, "bundle": {"version": "1.2.0"}}
    (found,) = [one for one in brought.findings(settings, data, salt, newest, TODAY) if one.check == check]
    return found


@pytest.mark.parametrize(
    ("salt", "level"),
    [("3008.5", "ok"), ("3008.2", "note"), ("3007.14", "refusal"), ("3006.1", "warning"), ("3010.1", "skipped")],
)
def test_a_line_of_salt_without_support_is_attention(salt, level):
    table = {
        "salt": {
            "3006": {"newest": "3006.24", "ends": "2027-02-01"},
            "3007": {"newest": "", "ends": "2026-07-31"},
            "3008": {"newest": "3008.5", "ends": "2029-01-01"},
        }
    }
    assert judged("salt", salt, table=table).level == level


def test_the_pinned_salt_is_in_the_table():
    assert judged("salt").level in ("ok", "note", "skipped")
    assert "3008" in DATA["releases"]["salt"]


def test_a_restic_that_no_package_mends_is_named_with_its_version():
    assert judged("restic").level == "ok"
    pinned = {"platform": {"name": "EL 7", "backup": DATA["platforms"]["RedHat-7"]["backup"]}}
    found = judged("restic", settings=pinned)
    assert found.level == "note"
    assert "restic 0.17.3 is pinned for EL 7" in found.sentence


@pytest.mark.parametrize(
    ("newest", "level"),
    [
        (("1.2.0", ""), "ok"),
        (("1.10.0", ""), "warning"),
        (("1.1.0", ""), "ok"),
        (("", ""), "skipped"),
        (("", "gone."), "warning"),
    ],
)
def test_the_bundles_own_newest_version_is_said(newest, level):
    assert judged("bundle-version", newest=newest).level == level


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# a comment\nversion: 2.3.4\nbreaking_changes: []\n", ("2.3.4", True)),
        ("<html>version: 2.3.4</html>", ("", False)),
        ("x" * 70_000 + "\nversion: 2.3.4\n", ("", False)),
        ("version: 2.3.4; rm -rf /\n", ("", False)),
        ("", ("", False)),
    ],
    ids=["good", "html", "long", "strange", "empty"],
)
def test_what_answers_is_read_boundedly(tmp_path, text, found):
    (tmp_path / "bundle.yaml").write_text(text)
    version, reason = brought.newest_bundle(f"file://{tmp_path}/bundle.yaml")
    assert (version, reason == "") == found


def test_an_address_that_is_out_of_reach_is_said_and_none_is_not_asked(tmp_path):
    version, reason = brought.newest_bundle(f"file://{tmp_path}/missing")
    assert (version, "missing" in reason) == ("", True), reason
    assert brought.newest_bundle("") == ("", "")
