"""The checks have one list of names; the page, the code and `mattermost:preflight:ignore` use that one."""

import re
from pathlib import Path

import pytest
from mattermost_controller import findings

from tests import repository

SOURCES = [
    path
    for path in repository.with_suffix(".py")
    if path.parts[0] == "salt" and path.name != "findings.py" and "tests" not in path.parts
]


def described(page):
    part = repository.text(page).split("| check | ")[1].split("\n\n")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}


@pytest.mark.parametrize(("page", "names"), [("preflight", findings.PREFLIGHT), ("verify", findings.VERIFY)])
def test_the_page_names_every_check(page, names):
    assert described(Path(f"docs/{page}.md")) == set(names)


def test_every_check_of_the_list_is_made_somewhere():
    text = "\n".join(map(repository.text, SOURCES))
    names = {*findings.PREFLIGHT, *findings.VERIFY, *findings.STATUS}
    assert [name for name in sorted(names) if f'"{name}"' not in text] == []


def test_a_check_that_is_not_in_the_list_cannot_find_anything():
    for make in (findings.ok, findings.note, findings.skipped, findings.warning, findings.refusal):
        with pytest.raises(ValueError, match="dsik is not in the list of checks"):
            make("dsik", "Full.")
