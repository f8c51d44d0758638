"""The benchmark's arithmetic, and what its script is allowed to leave out: nothing."""

import io
import shlex
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.bench import contenders, engines, large, page, result, sized, upgrades
from tests.probe.report import Loss, Report

ROUND = {
    "script": {"fresh": [20.0], "again": [2.0, 2.0], "preflight": [], "lost": 3, "requests": 100},
    "smaller": {"fresh": [16.0], "again": [2.0, 2.0], "preflight": [], "lost": 0, "requests": 100},
    "bundle": {"fresh": [18.0], "again": [4.0, 4.4], "preflight": [2.5, 2.9], "lost": 0, "requests": 200},
    "base": {"fresh": [36.0], "again": [8.0, 4.4], "preflight": [5.0, 5.8], "lost": 0, "requests": 200},
}
TITLES = {"script": "script by hand", "smaller": "smaller script", "bundle": "mattermost.ssl", "base": "before"}


def slower(part: dict, factor: float) -> dict:
    return {**part, "fresh": [value * factor for value in part["fresh"]]}


def test_each_ratio_is_of_two_values_of_one_round():
    summary = result.summarise([ROUND, {side: slower(part, 3) for side, part in ROUND.items()}])
    assert summary["ratios"]["fresh / script"] == {"median": 0.9, "low": 0.9, "high": 0.9, "count": 2}
    assert summary["ratios"]["fresh / base"]["median"] == 0.5
    assert summary["ratios"]["again / base"] == {"median": 0.75, "low": 0.5, "high": 1.0, "count": 4}
    assert summary["ratios"]["preflight / base"]["median"] == 0.5


def test_times_are_medians_with_their_range_and_losses_are_sums():
    slow = {side: slower(part, 3) for side, part in ROUND.items()}
    summary = result.summarise([ROUND, slow, ROUND])
    assert summary["sides"]["script"]["fresh"] == {"median": 20.0, "low": 20.0, "high": 60.0, "count": 3}
    assert summary["sides"]["script"]["lost"] == 9
    assert summary["sides"]["bundle"]["requests"] == 600
    assert "20.0 s (20.0–60.0)" in result.text(summary, TITLES)


def test_without_another_commit_there_is_no_ratio_to_it():
    shown = result.text(result.summarise([{side: ROUND[side] for side in ("script", "smaller", "bundle")}]), TITLES)
    assert "before" not in shown
    assert "first deploy, bundle / script by hand: 0.90 (aim 1: met)" in shown
    assert "again: 4.2 s (4.0–4.4) (aim 4.5: met)" in shown


def test_a_missed_aim_is_said():
    late = {**ROUND, "bundle": {**ROUND["bundle"], "fresh": [40.0], "preflight": [3.2, 3.4], "lost": 2}}
    shown = result.text(result.summarise([late]), TITLES)
    assert "script by hand: 2.00 (aim 1: MISSED)" in shown
    assert "smaller script: 2.50 (aim 1.1: MISSED)" in shown
    assert "preflight: 3.3 s (3.2–3.4) (aim 3: MISSED)" in shown
    assert "while run again: 2 (aim 0)" in shown


def test_the_script_by_hand_installs_what_the_bundle_does():
    settings = yaml.safe_load(Path("tests/render/snapshots/Debian-12.yaml").read_text())
    platform = settings["platform"]
    parts = [platform, *(platform[part] for part in ("postgresql", "nginx", "backup", "certbot", "firewall"))]
    ours = {name for part in parts for name in part["packages"]}
    text = Path(contenders.SCRIPT).read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("packages=")]
    named = shlex.split(line)[0].removeprefix("packages=").replace("$MORE_PACKAGES", contenders.ByHand.packages)
    assert set(named.split()) == ours


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "mattermost-team-11.8.100-linux-amd64.tar.gz"
    with tarfile.open(path, "w:gz") as made:
        for name in ("mattermost/bin/mattermost", "mattermost/config/config.json"):
            info = tarfile.TarInfo(name)
            info.size, info.mode = 4, 0o700
            made.addfile(info, io.BytesIO(b"data"))
    return path


def test_a_padded_archive_has_the_size_and_the_files_that_are_asked_for(archive, tmp_path):
    target = tmp_path / "padded" / archive.name
    sized.write(archive, target, size=2_000_000, files=120)
    with tarfile.open(target) as found:
        members = [member for member in found if not member.isdir()]
        assert members[0].name == "mattermost/bin/mattermost"
        assert members[0].mode == 0o700
        assert found.extractfile(members[0]).read() == b"data"
        assert b"without meaning" in found.extractfile(f"{sized.FOLDER}/README.txt").read()
    assert len(members) == 120
    assert 1_900_000 < target.stat().st_size < 2_100_000


def test_a_padded_archive_is_made_once_and_again_when_its_source_changed(archive, tmp_path, monkeypatch):
    made = []
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(sized, "write", lambda source, target: (target.write_bytes(b""), made.append(target)))
    for _ in range(2):
        assert sized.ensure(archive, tmp_path / "cache") == tmp_path / "cache" / archive.name
    assert len(made) == 1
    archive.write_bytes(b"other")
    sized.ensure(archive, tmp_path / "cache")
    assert len(made) == 2


def test_the_script_has_no_secret_in_an_argument():
    lines = Path(contenders.SCRIPT).read_text().splitlines()
    assert [line for line in lines if "password" in line and line.lstrip().startswith(("curl", "api -d"))] == []


LOG = """\
100.5 host mattermost-switch[7]: begin 20260101000000 11.7.100 11.8.100
101.0 host mattermost-switch[7]: copying
103.5 host mattermost-switch[7]: copied
110.0 host mattermost-switch[9]: undo Mattermost 11.8.100 ended: failed.
110.1 host systemd[1]: Started something.
112.25 host mattermost-switch[9]: undone: Mattermost 11.8.100 ended: failed.
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


ROWS = [
    {"case": upgrades.RESTART, "outage": 0.3, "copy": None, "undo": None},
    {"case": "upgrade", "outage": 0.8, "copy": 0.12, "undo": None},
    {"case": upgrades.RESTART, "outage": 0.4, "copy": None, "undo": None},
    {"case": "upgrade", "outage": 0.6, "copy": 0.14, "undo": None},
    {"case": "x", "outage": 1.0, "copy": None, "undo": 2},
]


def test_an_upgrade_is_compared_with_the_restart_before_it():
    _, upgrade, other = upgrades.summarise(ROWS)
    assert upgrade["beyond"] == {"median": 0.35, "low": 0.2, "high": 0.5, "count": 2}
    assert upgrade["copy"]["median"] == 0.13
    assert other["beyond"] is None


def test_the_table_leaves_out_what_did_not_happen():
    found = {"size": 2_000_000_000, "bundle": upgrades.summarise(ROWS)}
    shown = upgrades.text(found, "11.8.100", "debian12", TITLES)
    assert "database of 2.00 GB" in shown
    assert "upgrade, beyond restart: 0.35 s (0.20–0.50) (aim 1.5: met)" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("x ")]
    assert line.split() == ["x", "1.00", "s", "2.00", "s"]


def tables() -> dict:
    return {
        "deploy": page.deploy_table(result.summarise([ROUND])),
        "upgrade": page.upgrade_table(upgrades.summarise(ROWS)),
    }


def test_the_tables_of_the_page_are_made_from_what_was_measured():
    text = page.written(Path(page.PATH).read_text(), tables())
    assert "| `mattermost.ssl` | 18.0 s | 4.2 s (4.0–4.4) | 2.7 s (2.5–2.9) | 0 of 200 |" in text
    assert "| ratio to the smaller script | 1.12 | | | |" in text
    assert "| upgrade | 0.7 s (0.6–0.8) | 0.3 s (0.2–0.5) | 0.1 s (0.1–0.1) | |" in text
    assert "| x | 1.0 s | | | 2.0 s |" in text
    assert page.written(text, tables()) == text


def test_the_page_has_the_tables_that_a_run_makes():
    text = Path(page.PATH).read_text()
    heads = [table.splitlines()[0] for table in tables().values()]
    cases = [upgrades.RESTART, *upgrades.BEYOND, *upgrades.FAULTS]
    assert [
        line
        for line in [*heads, *(f"| {case} |" for case in cases), *(f"| {title} |" for title in page.TITLES.values())]
        if line not in text
    ] == []


def test_a_table_without_a_place_is_refused():
    with pytest.raises(ValueError, match="0 places for the table other"):
        page.written(Path(page.PATH).read_text(), {"other": "| |"})


ROW = {"hosts": 1, "wall": 40.0, "cpu": 3.04, "connections": 5, "ratio": 1.0}
ENGINES = {"ssh": [ROW, {**ROW, "hosts": 8, "wall": 62.0, "ratio": 1.55}], "minion": [ROW, {**ROW, "hosts": 20}]}


def test_many_hosts_are_told_by_engine_beside_their_aim():
    told = engines.text(ENGINES).splitlines()
    assert told[0] == "ssh, 1 hosts: 40.0 s, the controller's CPU 3.0 s, connections per host 5"
    assert told[2] == "ssh, 8 hosts / 1: 1.55 (aim 1.5: MISSED)"
    assert told[-1] == "minion, 20 hosts / 1: 1.00 (aim 2: met)"
    assert "| 8 over ssh | 62.0 s | 1.55 | 3.0 | 5 |" in page.engines_table(ENGINES)


def test_a_large_sites_operations_are_told_with_what_they_need_of_the_disk():
    rows = [
        {"case": "upgrade", "seconds": 61.4, "away": 12.34, "peak": 10.2e9, "repository": 17e9},
        {"case": "restore on a bare host", "seconds": 400, "away": None, "peak": 22e9, "repository": 17e9},
    ]
    first, _, upgrade, restore = large.text({"size": 10.04e9, "files": 12.0, "rows": rows}).splitlines()
    assert first == "Database of 10.04 GB, 12 GB of files"
    assert upgrade.split()[1:] == ["61", "s", "12.3", "s", "10.2", "GB", "17.0", "GB"]
    assert restore.split()[-6:] == ["400", "s", "22.0", "GB", "17.0", "GB"]


def test_the_most_that_was_used_of_a_disk_is_seen(tmp_path, monkeypatch):
    free, peak = iter([100, 100, 40, 70]), large.Peak(tmp_path)
    monkeypatch.setattr(peak, "_free", lambda: next(free, 70))
    monkeypatch.setattr(peak._done, "wait", lambda _: peak._done.is_set() or peak.bytes == 60)
    with peak:
        peak._thread.join(5)
    assert peak.bytes == 60
