"""What the controller makes of the release sources: the program's lines as data, findings in preflight and status, and what is missing."""

import copy
import os
import subprocess
import sys

import mattermost_settings_data
from mattermost_controller.preflight import release
from mattermost_controller.releases import look
from mattermost_controller.status import text

from tests import repository
from tests.lab import release_source
from tests.lab.release_source import Release, advisory, day
from tests.unit import test_status as status

ROOTS = [str(repository.ROOT / "salt")]
TABLE = mattermost_settings_data.load(ROOTS)["releases"]
NONE = dict.fromkeys(look.KINDS, "")


def releases():
    return [Release("11.7.20", day(-3), "High"), Release("11.7.10", day(-80))]


def ask(tmp_path, sources=None, version="11.7.10"):
    ends = {"11.7": day(100)}
    given = sources or release_source.write(
        tmp_path / "source", releases(), ends, [advisory(1, "Low", "11.7.2", day(-60))]
    )
    return look.ask(str(tmp_path / "cache"), ROOTS, given, TABLE, version)


def levels(found):
    return {one.check: one.level for one in found}


def test_the_controller_learns_what_a_host_would(tmp_path):
    found = ask(tmp_path)
    assert levels(found.findings) == {"release-sources": "ok", "security-patch": "refusal", "support-end": "ok"}
    assert found.listed == {"11.7": "11.7.20"}
    assert found.is_live
    assert found.sources["list"] == {"result": "ok", "reason": "", "entries": 2, "newest": day(-3)}
    assert found.values["ends"] == day(100)


def test_hosts_of_one_run_that_have_the_same_sources_and_version_are_asked_for_once(monkeypatch):
    asked = []
    monkeypatch.setattr(look, "ask", lambda *words: asked.append(words[2:]) or object())
    ask_once = look.for_run({"cachedir": "/c", "file_roots": {"base": ROOTS}}, TABLE)
    answers = [ask_once(dict(NONE), version) for version in ("11.7.10", "11.7.10", "11.7.20")]
    assert answers[0] is answers[1] is not answers[2]
    assert ask_once({**NONE, "page": "https://a"}, "11.7.10") is not answers[0]
    assert [words[2] for words in asked] == ["11.7.10", "11.7.20", "11.7.10"]


def test_one_source_of_the_vendor_is_enough_to_tell_and_not_to_choose(tmp_path):
    page = release_source.write(tmp_path / "source", releases(), {"11.7": day(100)})["page"]
    found = ask(tmp_path, {**NONE, "page": page})
    assert (found.is_live, found.values["newest"], found.listed) == (True, "11.7.20", {})


def test_without_sources_the_trees_own_table_tells_of_a_missing_patch(tmp_path):
    found = ask(tmp_path, NONE)
    assert levels(found.findings)["security-patch"] == "refusal"
    assert (found.values["newest"], found.values["table_date"]) == (TABLE["lines"]["11.7"]["newest"], TABLE["date"])
    assert not found.is_live


def test_a_program_that_cannot_run_here_is_told():
    found = look.parse("", "awk: not found")
    assert levels(found.findings) == {"release-sources": "warning"}
    assert "could not be read: awk: not found" in found.findings[0].sentence


def test_a_controller_without_curl_says_that_nothing_was_asked(tmp_path, monkeypatch):
    (tmp_path / "curl").write_text("#!/bin/sh\necho 'curl: not found' >&2; exit 127\n")
    (tmp_path / "curl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = ask(tmp_path)
    assert "page: cannot be reached: curl: not found" in found.findings[0].sentence
    assert not found.is_live


def test_the_preflight_warns_and_does_not_refuse(tmp_path):
    warned = levels(release.newest(ask(tmp_path).findings))
    assert warned == {"release-sources": "ok", "security-patch": "warning", "support-end": "ok"}


def test_the_status_needs_somebody_and_shows_it(tmp_path):
    made = status.host_data(news=ask(tmp_path))
    assert "security-patch" in [one["check"] for one in made["attention"]]
    assert not made["well"]
    assert made["releases"]["newest"] == "11.7.20"
    assert made["newer"]["line"] == "11.7.20"
    screen = text.render({"chat": {"address": "192.0.2.1", **made}})
    assert f"support      to {day(100)}" in screen
    assert "no release source answered" not in screen


def test_a_status_without_an_answer_never_says_that_none_is_newer():
    made = status.host_data()
    screen = text.render({"chat": {"address": "192.0.2.1", **copy.deepcopy(made)}})
    assert f"(no release source answered, so this is from the bundle's table of {TABLE['date']})" in screen


def test_each_line_of_the_table_is_of_the_form_that_the_program_reads(tmp_path):
    for line, one in TABLE["lines"].items():
        found = ask(tmp_path, NONE, one["newest"])
        assert found.values["newest"] == one["newest"], line
        assert found.values["ends"] == one["ends"], line


def test_every_checksum_says_what_it_is_known_by():
    rows = [
        line
        for line in repository.text(repository.ROOT / "salt/mattermost/releases.yaml").splitlines()
        if line.startswith("  ") and len(line) > 70 and "{" not in line
    ]
    assert len(rows) > 150
    assert [row for row in rows if "  # " not in row] == []


def test_make_sources_fails_when_no_source_can_be_read():
    nowhere = {**os.environ, "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    done = subprocess.run(
        [sys.executable, "-m", "tools.release.sources"],
        cwd=repository.ROOT,
        env=nowhere,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No release source can be read from this machine (page: cannot be reached")
