"""The report of real runs: what their steps returned was captured by `--out=json` from a lab host."""

import re
from pathlib import Path

import pytest
import yaml

from tests.unit.reporting.steps import captured, rendered

HOST = "chat.example.test"
STAGES = list(yaml.safe_load(re.sub(r"{.*?}", "", Path("salt/mattermost/ssl.sls").read_text())))[:-1]


@pytest.mark.parametrize("name", ["fresh", "noop", "dry", "failed", "refused", "unreachable"])
def test_a_captured_run_has_the_stages_of_today(name):
    assert [step["__id__"] for step in captured(name)] == STAGES


def screen(name, test=False):
    out, failed = rendered(captured(name), test)
    lines = out + failed
    assert [line for line in lines if len(line) > 80 and " " in line.strip()] == []
    return out, failed, "\n".join(lines)


def test_a_first_deploy_has_a_row_for_each_stage_and_says_where_the_site_is():
    out, failed, said = screen("fresh")
    assert failed == []
    rows = [line.split()[0] for line in out if re.match(r"  [a-z]", line)]
    assert rows == [stage for stage in STAGES if stage not in ("archive", "record")]
    assert "packages installed" in said
    assert re.search(
        r"^https://chat\.example\.test {3}Mattermost 11\.7\.100 {3}certificate until 20\d\d-", said, re.MULTILINE
    )
    assert re.match(r"Done in [\d a-z.]+s\.$", out[-1])
    assert len(out) <= 40, said


def test_a_run_with_nothing_to_do_is_seven_lines():
    out, failed, said = screen("noop")
    assert failed == []
    assert len(out) <= 8, said
    assert out[-1].endswith(": nothing changed.")


def test_a_dry_run_of_an_upgrade_says_what_would_be():
    out, failed, said = screen("dry", test=True)
    assert failed == []
    assert "Would upgrade Mattermost 11.7.100 to 11.8.100" in " ".join(said.split())
    assert out[-1].endswith(": nothing was changed.")


def test_a_failed_upgrade_is_told_last_once_and_with_what_to_do():
    out, failed, said = screen("failed")
    assert failed[0].startswith("Failed after ")
    assert failed[1].startswith(f"Failed: {HOST}: server: The server of 11.8.100 ended")
    assert "11.7.100 serves again" in " ".join(said.split())
    assert len([line for line in failed if line.startswith("Fix: ")]) == 1
    assert len(failed) <= 12, said


@pytest.mark.parametrize(("name", "count"), [("refused", 1), ("unreachable", 1)])
def test_a_refused_preflight_is_its_refusals_alone(name, count):
    out, failed, said = screen(name)
    assert out == []
    assert failed[0].startswith(f"Refused before anything was changed: {count} of ")
    assert said.count("Fix: ") == count
