"""Every command in README and docs is run by a test that is named, or is listed with the reason why none runs it."""

import re
from pathlib import Path

import pytest

from tests import doc_commands, repository

ALL = {command: path for path in doc_commands.PAGES for command in doc_commands.of(path)}


@pytest.mark.parametrize("path", doc_commands.PAGES, ids=str)
def test_every_command_is_run_by_a_test_or_listed(path):
    unknown = [command for command in doc_commands.of(path) if not doc_commands.run_by(command)]
    assert unknown == [], "Add a test that runs it, or a reason, to RUN_BY in tests/doc_commands.py."


def test_no_command_is_listed_twice():
    assert {command: hows for command in ALL if len(hows := doc_commands.run_by(command)) > 1} == {}


def test_nothing_is_listed_that_no_page_has():
    unused = [pattern for pattern in doc_commands.RUN_BY if not any(re.fullmatch(pattern, command) for command in ALL)]
    assert unused == []


@pytest.mark.parametrize(
    "how", sorted({str(how): how for how in doc_commands.RUN_BY.values()}.values(), key=str), ids=str
)
def test_the_test_that_is_named_exists_and_runs_it(how):
    if isinstance(how, str):
        assert re.fullmatch("not run: .+", how)
        return
    test, words = how
    name, _, function = test.partition("::")
    source = repository.text(Path(name))
    assert f"def {function}(" in source
    assert words in source, f"{name} has no {words}"


def test_a_new_command_is_unknown(monkeypatch):
    page = "Text `mattermost-switch dance` and `mattermost-switch`.\n\n```sh\nmattermost-switch status  # why\nrm -rf \\\n   /srv\n```\n"
    monkeypatch.setattr(repository, "text", lambda path: page)
    found = doc_commands.of(Path("x.md"))
    assert found == ["mattermost-switch status", "rm -rf /srv", "mattermost-switch dance"]
    assert [command for command in found if not doc_commands.run_by(command)] == [
        "rm -rf /srv",
        "mattermost-switch dance",
    ]
