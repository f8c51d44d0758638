"""What comments and docstrings name exists: files of the tree, modules, parts of a folder."""

import ast
import io
import re
import tokenize

import pytest

from tests import repository

FOLDERS = ("salt", "etc", "tools")
CONTROLLER = repository.ROOT / "salt/_utils/mattermost_controller"
SUBJECTS = sorted(path.name for path in CONTROLLER.iterdir() if (path / "__init__.py").exists())
# What a user makes, which git does not track; a key of the settings.
MADE = ("pillar/mattermost.sls", "salt/mattermost/local", "salt/mattermost/local/", "preflight.ignore")
SOURCES = [
    path
    for path in repository.tracked()
    if path.parts[0] in FOLDERS and (path.suffix in (".py", ".sls", ".sh", ".jinja", ".yaml") or not path.suffix)
]
TOPS = {path.parts[0] for path in repository.tracked() if len(path.parts) > 1}
FILES = {path.name for path in repository.tracked()}
STEMS = {name for path in repository.tracked() for name in (path.stem, path.parent.name)}


def prose(suffix, text):
    """Return the comments and docstrings of a source."""
    if suffix != ".py":
        return "\n".join(re.findall(r"(?m)(?:^|\s)#.*$|\{#.*?#\}", text))
    comments = [
        token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT
    ]
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    return "\n".join([*comments, *docstrings])


def named(text):
    """Return the words that may name a file, ``a_{b,c}`` as a_b and a_c."""
    for word in re.findall(r"(?<![\w/.:~{}*<-])\w[\w./{},*-]*[\w}*]", text):
        inner = re.search(r"\{([\w,]+)\}", word)
        for part in inner[1].split(",") if inner else [""]:
            yield word.replace(inner[0], part) if inner else word


def missing(suffix, text):
    """Return what the prose of a source names and the tree does not have."""
    found = set()
    for word in set(named(prose(suffix, text))) - set(MADE):
        if "/" in word:
            lacks = word.split("/")[0] in TOPS and not any(repository.ROOT.glob(word))
        elif re.fullmatch(r"[\w-]+\.(py|sh|sls|jinja|md|yaml)", word):
            lacks = word not in FILES
        elif re.fullmatch(rf"({'|'.join(SUBJECTS)})\.[a-z_]+(\.\w+)?", word):
            folder, part = word.split(".")[:2]
            lacks = not (CONTROLLER / folder / f"{part}.py").exists()
        else:
            lacks = re.fullmatch(r"mattermost_[a-z_]*[a-z]", word) and word not in STEMS
        if lacks:
            found.add(word)
    return sorted(found)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_what_a_comment_names_exists(path):
    assert missing(path.suffix, repository.text(path)) == []


@pytest.mark.parametrize(
    ("suffix", "text", "name"),
    [
        (".py", '"""Read by ``salt/_modules/mattermost_stage.py``."""\n', "salt/_modules/mattermost_stage.py"),
        (".py", "x = 1  # see mattermost_database_{plan,hsot}\n", "mattermost_database_hsot"),
        (".py", 'def f():\n    """facts: ``hosts.prob.parse``."""\n', "hosts.prob.parse"),
        (".sh", "# read by settigns.sh\nname=none.sh\n", "settigns.sh"),
        (".jinja", "{# data of salt/mattermost/platfroms.yaml #}\n", "salt/mattermost/platfroms.yaml"),
        (".sls", "# needs tests/unit/test_nothing.py\n", "tests/unit/test_nothing.py"),
    ],
)
def test_a_name_of_nothing_is_found(suffix, text, name):
    assert missing(suffix, text) == [name]
