"""What `make soak` prints, and what belongs to it alone."""

import re

import pytest

from tests import soak

REPORT = '<testsuites><testsuite tests="9" failures="{}" errors="0" skipped="{}"/></testsuites>'


@pytest.fixture
def part(monkeypatch, tmp_path):
    """Run a part of which pytest is a shell script; returns whether it passed."""
    done = []
    monkeypatch.setattr(soak, "PARTS", {"own": soak.Part("does it hold", [], passed=[lambda: done.append(1)])})

    def run(failures=0, skipped=0, status=0, seconds=0):
        report = REPORT.format(failures, skipped)
        script = f"""for word; do case $word in --junit-xml=*) echo '{report}' >"${{word#*=}}" ;; esac; done; sleep {seconds}; exit {status}"""
        monkeypatch.setattr(soak.sys, "executable", str(tmp_path / "python"))
        (tmp_path / "python").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "python").chmod(0o755)
        return soak.run("own", 7, 1, limit=2), bool(done)

    return run


def test_a_part_says_seed_count_and_result(part, capsys):
    assert part() == (True, True)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "soak own: does it hold; seed 7"
    assert said[-1].startswith("soak own: passed; seed 7; 9 tests, 0 failures, 0 errors, 0 skipped;")


@pytest.mark.parametrize("trouble", [{"failures": 1, "status": 1}, {"status": 2}, {"skipped": 9}, {"seconds": 30}])
def test_a_part_that_did_not_pass_says_so(part, capsys, trouble):
    assert part(**trouble) == (False, False)
    assert "soak own: FAILED" in capsys.readouterr().out


def test_every_mark_names_a_part():
    texts = [
        path.read_text()
        for folder in ("attack", "scenarios", "unit")
        for path in (soak.ROOT / "tests" / folder).rglob("test_*.py")
    ]
    named = {name for text in texts for name in re.findall(r'(?:mark\.soak|only_some)\(\s*"([^"]+)"', text)}
    assert named == {name for name, part in soak.PARTS.items() if part.marked}


def test_some_values_are_asked_in_every_run_and_no_other_name_is_taken_for_one():
    kept, left, pair = soak.only_some("web", ["one", "two", ("three", "end")], "one")
    assert kept == "one"
    assert [left.values, pair.values] == [("two",), ("three", "end")]
    assert [value.marks[0].args for value in (left, pair)] == [("web",)] * 2
    with pytest.raises(AssertionError):
        soak.only_some("web", ["one"], "won")
