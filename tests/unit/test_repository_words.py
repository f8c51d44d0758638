"""People read the words of the field: none of those that the vocabulary replaces, in pages, examples and messages."""

import ast
import functools
import re
from pathlib import Path

import mattermost_progress
import pytest
import yaml

from tests import repository

# What is not written, and what to write.
REPLACED = {
    r"told": "reported, notified; not checked",
    r"needs? (somebody|nobody)": "needs attention",
    r"born on the host": "generated on the host",
    r"by the clock": "scheduled",
    r"page of a pause": "maintenance page",
    r"(is|are|not|come up) well( again)?(?=[ .,;:|)])(?! as)": "is healthy",
    r"of before": "from before …, the previous …",
    r"(stands?|stood) (in|beside|below|behind|aside)": "is in",
    r"undo(es|ing|ne)?|undos": "roll back, rollback",
    r"(is|are|be|being|been) at hand": "is available",
    r"at work": "is running, is in progress",
    r"anew": "again",
    r"kept true by": "Tests:",
    r"comes? along": "is copied",
    r"put by": "kept",
    r"(kept|keeps?|put|puts|laid) (\w+ )?aside": "kept",
    r"switch(es)? of versions?|another switch": "upgrade, rollback",
    r"is a hope": "say what follows",
    r"the look at|a look at": "the inspection of, the check of",
    r"this tree|these states": "this bundle",
    r"lets? \w+ in": "allows",
    r"mend(s|ed)?": "correct",
    r"(go|goes|going|went) on": "continues",
    r"(is|are) wanted|wanted is": "is required, expected",
    r"makes? room": "free some space",
    r"(lead|leads) to": "points to",
    r"without a word|said nothing": "without a message",
    r"ended well": "succeeded",
    r"knowing that": "say what to do",
    r"(it|that|which|path) is no (?!longer|more)\w+": "is not a",
}
PATTERNS = {re.compile(rf"\b({old})\b".replace(" ", r"\s+"), re.IGNORECASE): new for old, new in REPLACED.items()}
EXAMPLES = ("roster.example", "pillar/mattermost.sls.example")
PAGES = [
    path
    for path in repository.tracked()
    if str(path) in ("README.md", *EXAMPLES) or (path.parts[0] == "docs" and path.suffix == ".md")
]
# In a program of sh: what calls one of its functions that speak, or sets what they say.
SPEAKS = re.compile(r"\b(say|fail|write_report|give_up|roll_back\w*|refuse\w*) |\b(why|advice|reason|what|differs)=")


def replaced(text):
    """Return the phrases of *text* that are not written, each with what to write; code is none of it."""
    blank = re.sub(r"^ *```.*?^ *```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"`[^`\n]+`", "CODE", blank)
    return [
        f"line {prose.count(chr(10), 0, hit.start()) + 1}: {' '.join(hit[0].split())} -> {new}"
        for pattern, new in PATTERNS.items()
        for hit in pattern.finditer(prose)
    ]


def spoken_by_python(source):
    """Return the texts of a module that have several words, values of f-strings as ``…``; docstrings are none of it."""
    nodes = list(ast.walk(ast.parse(source)))
    silent = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found = []
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
            found.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            found.append(node.value)
    return [text for text in found if " " in text]


def spoken_by_sh(source):
    """Return the texts of a program of sh: its help, which is the comment at its top, and what it says."""
    found = re.findall(r"(?m)^# Managed by.*\n((?:#.*\n)+)", source)
    for line in source.splitlines():
        code = re.sub(r"(^|\s)#.*", "", line)
        if SPEAKS.search(code):
            found += re.findall(r'"((?:[^"\\]|\\.)*)"', re.sub(r"\$\([^()]*\)", "…", code))
    return [text for text in found if " " in text]


def spoken_by_yaml(source):
    """Return the descriptions and forms of settings, at any depth."""
    found = []
    nodes = [yaml.safe_load(source)]
    while nodes:
        node = nodes.pop()
        found += [node[key] for key in ("description", "x-form") if isinstance(node.get(key), str)]
        nodes += [value for value in node.values() if isinstance(value, dict)]
    return found


def spoken_by_unit(source):
    return re.findall(r"(?m)^Description=(.*)$", source)


def spoken_by_make(source):
    return re.findall(r"## (.*)$", source, re.MULTILINE)


def speaker(path):
    """Return what extracts the messages of a file of the product, or None."""
    if path.suffix == ".py" and path.parts[0] in ("salt", "tools"):
        return spoken_by_python
    if path.parts[:2] == ("salt", "mattermost") and ("sbin" in path.parts or path.suffix == ".sh"):
        return spoken_by_sh
    if "systemd" in path.parts:
        return spoken_by_unit
    return {"salt/mattermost/schema.yaml": spoken_by_yaml, "Makefile": spoken_by_make}.get(str(path))


SPEAKERS = [path for path in repository.tracked() if speaker(path)]


@functools.cache
def spoken(path):
    return speaker(path)(repository.text(path))


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_page_uses_the_words_of_the_field(path):
    assert replaced(repository.text(path)) == []


@pytest.mark.parametrize("path", SPEAKERS, ids=str)
def test_messages_use_the_words_of_the_field(path):
    assert [(text, hits) for text in spoken(path) if (hits := replaced(text))] == []


def test_every_kind_of_file_speaks():
    kinds = {speaker(path) for path in SPEAKERS if spoken(path)}
    assert kinds == {spoken_by_python, spoken_by_sh, spoken_by_yaml, spoken_by_unit, spoken_by_make}


@pytest.mark.parametrize(
    ("extract", "source"),
    [
        (spoken_by_python, 'def f():\n    """It was told."""\n    return f"{a} was told of {b}"\n'),
        (spoken_by_python, 'X = ("This tree "\n     "was told.")  # told\n'),
        (spoken_by_sh, 'x=1 # told\n[ -z "$x" ] || fail 4 "Nobody was told: $x."\nrm "not told"\n'),
        (spoken_by_sh, "# Managed by Salt.\n# What was told.\n#\n#   x    y\n\nprogram=x\n"),
        (spoken_by_sh, 'write_report refused "It has $(said "told me") $why" "It was told."\n'),
        (spoken_by_yaml, "a: {properties: {b: {description: It was told., default: told}}}\n"),
        (spoken_by_unit, "# told\n[Unit]\nDescription=It was told\n"),
        (spoken_by_make, "x: y ## It was told\n\techo told\n"),
    ],
)
def test_a_planted_word_in_a_message_is_found(extract, source):
    assert len([hit for text in extract(source) for hit in replaced(text) if ": told -> " in hit]) == 1


def test_every_page_that_is_left_out_exists():
    assert [name for name in ("README.md", *EXAMPLES) if Path(name) not in repository.tracked()] == []


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("A backup that failed is\ntold by mail.\n", "line 2: told"),
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


SLS = [path for path in repository.with_suffix(".sls") if path.parts[:2] == ("salt", "mattermost")]


@pytest.mark.parametrize("path", SLS, ids=str)
def test_what_a_state_claims_uses_the_words_of_the_field(path):
    """A run shows the IDs of its states as sentences."""
    claims = [
        mattermost_progress.claim(name) for name in re.findall(r"(?m)^([a-z][a-z0-9-]+):$", repository.text(path))
    ]
    assert [(claim, hits) for claim in claims if (hits := replaced(claim))] == []
