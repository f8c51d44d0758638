"""The pages use the words of the field: none of those that the vocabulary replaces, in README, docs and the examples."""

import re
from pathlib import Path

import pytest

from tests import repository

# What is not written, and what to write.
REPLACED = {
    r"(is|are|was|were|be|been) told": "is notified, is reported",
    r"needs? (somebody|nobody)": "needs attention",
    r"born on the host": "generated on the host",
    r"by the clock": "scheduled",
    r"page of a pause": "maintenance page",
    r"(is|are|not|come up) well( again)?(?=[ .,;:|)])(?! as)": "is healthy",
    r"of before": "from before …, the previous …",
    r"(stands?|stood) (in|beside|below|behind|aside)": "is in",
    r"undo(es|ing|ne)?|undos": "roll back, rollback",
    r"(is|are|be|being|been) at hand": "is available",
    r"anew": "again",
    r"kept true by": "Tests:",
    r"comes? along": "is copied",
    r"put by": "kept",
    r"switch(es)? of versions?": "upgrade",
    r"is a hope": "say what follows",
}
PATTERNS = {re.compile(rf"\b({old})\b".replace(" ", r"\s+"), re.IGNORECASE): new for old, new in REPLACED.items()}
# Pages that are still to be written so; docs/settings.md is the schema's.
NOT_YET = (
    "docs/development.md",
    "docs/lab.md",
    "docs/platforms.md",
    "docs/releasing.md",
    "docs/salt-versions.md",
    "docs/settings.md",
    "docs/talk.md",
)
EXAMPLES = ("roster.example", "pillar/mattermost.sls.example")
PAGES = [
    path
    for path in repository.tracked()
    if str(path) in ("README.md", *EXAMPLES)
    or (path.parts[0] == "docs" and path.suffix == ".md" and str(path) not in NOT_YET)
]


def replaced(text):
    """Return the phrases of *text* that are not written, each with what to write; code is none of it."""
    blank = re.sub(r"^ *```.*?^ *```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"`[^`\n]+`", "CODE", blank)
    return [
        f"line {prose.count(chr(10), 0, hit.start()) + 1}: {' '.join(hit[0].split())} -> {new}"
        for pattern, new in PATTERNS.items()
        for hit in pattern.finditer(prose)
    ]


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_page_uses_the_words_of_the_field(path):
    assert replaced(repository.text(path)) == []


def test_every_page_that_is_left_out_exists():
    assert [name for name in (*NOT_YET, *EXAMPLES, "README.md") if Path(name) not in repository.tracked()] == []


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("A backup that failed is\ntold by mail.\n", "line 1: is told"),
        ("Status: all is well.\n", "line 1: is well"),
        ("| backup | needs somebody when it failed |\n", "line 1: needs somebody"),
        ("# Head\n\nThe password was born on the host.\n", "line 3: born on the host"),
        ("Made by the clock.\n", "line 1: by the clock"),
        ("```sh\nundo\n```\nThe page of a pause, as before.\n", "line 4: page of a pause"),
        ("The database of before comes back.\n", "line 1: of before"),
        ("It stands in `/etc/mattermost`.\n", "line 1: stands in"),
        ("An upgrade that fails is undone.\n", "line 1: undone"),
    ],
)
def test_a_phrase_that_is_replaced_is_found(text, phrase):
    assert [hit.partition(" -> ")[0] for hit in replaced(text)] == [phrase]


@pytest.mark.parametrize(
    "text",
    [
        "Additional names are served as well.\n",
        "Result: `undone`.\n",
        "```\nall is well.\n```\n",
        "It works as before.\n",
    ],
)
def test_other_words_are_not(text):
    assert replaced(text) == []
