"""The benchmark's arithmetic, and what its script is allowed to leave out: nothing."""

from pathlib import Path

import pytest

from tests.bench import contenders, page, result, upgrades
from tests.probe.report import Loss, Report

ROUND = {
    "script": {"fresh": 20.0, "again": 2.0, "lost": 3, "requests": 100},
    "bundle": {"fresh": 24.0, "again": 6.0, "lost": 0, "requests": 200},
}
TITLES = {"script": "script by hand", "bundle": "mattermost.ssl"}


def test_ratios_are_of_the_scripts_fresh_time():
    summary = result.summarise([ROUND])
    assert (summary["fresh_ratio"], summary["again_ratio"]) == (1.2, 0.3)
    assert "met" in result.text(summary, TITLES)
    assert "MISSED" not in result.text(summary, TITLES)


def test_times_are_medians_and_losses_are_sums():
    slow = {side: {**part, "fresh": part["fresh"] * 3} for side, part in ROUND.items()}
    summary = result.summarise([ROUND, slow, ROUND])
    assert summary["script"]["fresh"] == 20.0
    assert summary["script"]["lost"] == 9
    assert summary["bundle"]["requests"] == 600


def test_a_missed_aim_is_said():
    late = {**ROUND, "bundle": {**ROUND["bundle"], "fresh": 40.0, "lost": 2}}
    shown = result.text(result.summarise([late]), TITLES)
    assert "2.00 (aim 1.3: MISSED)" in shown
    assert "second run: 2 (aim 0)" in shown


def test_the_script_has_no_secret_in_an_argument():
    lines = Path(contenders.SCRIPT).read_text().splitlines()
    assert [line for line in lines if "password" in line and line.lstrip().startswith(("curl", "api -d"))] == []


LOG = """\
100.5 host mattermost-switch[7]: begin 20260101000000 11.7.100 11.8.100
101.0 host mattermost-switch[7]: copying
103.5 host mattermost-switch[7]: copied
110.0 host mattermost-switch[9]: undo The server of 11.8.100 ended: failed.
110.1 host systemd[1]: Started something.
112.25 host mattermost-switch[9]: undone: The server of 11.8.100 ended: failed.
"""


def test_copy_and_undo_are_read_from_the_host_programs_own_records():
    records = upgrades.parsed(LOG)
    assert upgrades.spans(records) == {"undo": 2.25, "copy": 2.5}
    assert upgrades.spans(records, since=105) == {"undo": 2.25, "copy": None}
    assert upgrades.spans([]) == {"undo": None, "copy": None}


def test_an_outage_lasts_from_the_first_lost_request_to_the_last():
    lost = [Loss(1.0, "websocket", "closed", ""), Loss(2.0, "new", "503", ""), Loss(2.5, "kept", "503", "")]
    assert upgrades.outage(Report(lost=lost)) == 0.52
    assert upgrades.outage(Report()) == 0.0


def test_the_table_leaves_out_what_did_not_happen():
    row = {"case": "upgrade", "size": 2_000_000_000, "outage": 1.5, "undo": None, "copy": 0.25}
    shown = upgrades.text([row], "11.8.100", "debian12")
    assert "database of 2.00 GB" in shown
    assert shown.splitlines()[2].split() == ["upgrade", "1.50", "s", "0.25", "s"]


ROWS = [
    {"case": "upgrade", "outage": 0.61, "copy": 0.12, "undo": None},
    {"case": "x", "outage": 1.0, "copy": None, "undo": 2},
]


def test_the_tables_of_the_page_are_made_from_what_was_measured():
    tables = {"deploy": page.deploy_table(result.summarise([ROUND])), "upgrade": page.upgrade_table(ROWS)}
    text = page.written(Path(page.PATH).read_text(), tables)
    assert "| `mattermost.ssl` | 24.0 s | 6.0 s | 0 of 200 |" in text
    assert "| upgrade | 0.6 s | 0.1 s | |" in text
    assert "| x | 1.0 s | | 2.0 s |" in text
    assert "34.9 s" not in text
    assert page.written(text, tables) == text


def test_the_page_has_the_tables_that_a_run_makes():
    text = Path(page.PATH).read_text()
    heads = [
        table.splitlines()[0] for table in (page.deploy_table(result.summarise([ROUND])), page.upgrade_table(ROWS))
    ]
    cases = ["`systemctl restart mattermost`, for comparison", "going back", *upgrades.CASES]
    assert [
        line
        for line in [*heads, *(f"| {case} |" for case in cases), *(f"| {title} |" for title in page.TITLES.values())]
        if line not in text
    ] == []


def test_a_table_without_a_place_is_refused():
    with pytest.raises(ValueError, match="0 places for the table other"):
        page.written(Path(page.PATH).read_text(), {"other": "| |"})
