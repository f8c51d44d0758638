"""Whether a YAML file that a person wrote can be read: its file, line, what is wrong and what to write. Never a value of it.

Trouble: Salt answers with a traceback that shows the file, passwords among it, or takes another value for the one that was written.
"""

from __future__ import annotations

import os
import re

import jinja2
import mattermost_settings_form as form
import yaml
from mattermost_lines import lines_of

YAML_ONLY = "#!yaml"
JINJA = "#!jinja|yaml"
_JINJA = re.compile(r"\{[{%#]")
_EXPRESSION_OR_COMMENT = re.compile(r"\{[{#]")
# `name: text`; a value that begins with Jinja, a list, a mapping, an anchor or a tag is meant so
_VALUE = re.compile(r"\s*(?:- )?[^#\s{][^:]*:\s+[\"']?(?![\[{&!])[^\s\"'#].*")
_COMMENT = re.compile(r"\s(#[^\"']*|\{#[^\"']*#\}\s*)$")  # of YAML or Jinja, behind a value
LARGEST = 4 * 2**20  # bytes; of what a person writes
_TWICE = re.compile("found conflicting ID ('.*')", re.DOTALL)  # Salt's own words
# what PyYAML says of what people write most, and what to write instead
_HINTS = (
    ("character '\\t'", "a tab: indent with spaces"),
    ("tab character", "a tab: indent with spaces"),
    ("cannot start any token", "a value that begins with @, `, % or a tab: write it in quotes, '...'"),
    ("mapping values are not allowed", "a colon where no setting can begin: check the indentation, and put a value that contains ': ' in quotes, '...'"),
    ("undefined alias", "a value that begins with *: write it in quotes, '...'"),
    ("alphabetic or numeric character", "a value that begins with * or &: write it in quotes, '...'"),
    ("duplicate anchor", "a value that begins with &: write it in quotes, '...'"),
    ("2002:value", "a value that is only =: write it in quotes, '...'"),
    ("another document", "a second line `---`, which begins another document: remove it"),
    ("document start", "a line `...`, which ends the document: remove it"),
    ("tag", "a value that begins with !: write it in quotes, '...'"),
    ("escape character", "a backslash between double quotes: use single quotes, '...'"),
    ("escape sequence", "a backslash between double quotes: use single quotes, '...'"),
    ("quoted scalar", "a quote that is not closed: close it. Inside single quotes, write a quote twice, ''"),
    ("expected <block end>", "the indentation or the quotes of this line do not fit the lines before it: correct them"),
    ("could not find expected ':'", "a line has no colon, or is not indented like the lines around it: write `name: value`"),
    ("expected ',' or", "a list or mapping in brackets is not closed: close it"),
    ("'<stream end>'", "the file ends where a value is expected: close each bracket and quote"),
    ("block scalar", "text after | or >: begin the text on the next line"),
)  # fmt: skip


class TextError(ValueError):
    """What is wrong with a file, with its path and line; one sentence."""


def read(path: str) -> str:
    """Return the text of *path*. Raises TextError when it cannot be read, is not UTF-8, or hides its first line from Salt."""
    try:
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):  # reading it may never end
            raise TextError(f"{path} is a device, a pipe or a socket. Put a text file there.")
        if os.path.isfile(path) and os.path.getsize(path) > LARGEST:
            raise TextError(f"{path} is larger than {LARGEST >> 20} MiB. Put a text file with your settings there.")
        with open(path, "rb") as file:
            data = file.read()
    except OSError as err:
        raise TextError(f"{path} cannot be read: {err.strerror}. {_fix_of(err, path)}") from None
    if data.startswith(b"\xef\xbb\xbf#!"):
        raise TextError(
            f"{path}:1: a byte order mark hides the first line from Salt. Save the file in UTF-8 without a byte order mark."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise TextError(f"{path}:{line}: a character in this line is not UTF-8. Save the file in UTF-8.") from None


def _fix_of(err: OSError, path: str) -> str:
    if isinstance(err, FileNotFoundError):
        return "The path is a link to a file that does not exist. Correct or remove the link."
    if isinstance(err, PermissionError):
        return "Run the command as the owner of that file, or make the file readable for your account."
    return "Put a text file there."


def parse(path: str):
    """Return what *path* holds, None where only Salt's renderers can tell. Raises TextError with the first fault."""
    text = read(path)
    first = text.partition("\n")[0].strip() if text.startswith("#!") else ""
    if first.replace(" ", "") != YAML_ONLY:
        if _JINJA.search(text) and first in ("", JINJA):
            _judge_jinja(path, text, declared=first == JINJA)
            return None
        if first not in ("", JINJA):
            return None
    return _load(path, text)


def _load(path: str, text: str):
    try:
        return _loaded(path, text)
    except RecursionError:
        raise TextError(
            f"{path}: this file has too many levels of brackets or indentation. Close each bracket."
        ) from None


def _loaded(path: str, text: str):
    from salt.utils.yamlloader import SaltYamlSafeLoader

    try:
        found = yaml.load(text, Loader=SaltYamlSafeLoader)
    except (yaml.YAMLError, ValueError, TypeError) as err:
        fault = err
    else:
        if _contains_itself(found, set(), set()):
            raise TextError(
                f"{path}: a value contains itself: *name is used inside the value that &name marks. Remove that *name."
            )
        if form.is_endless(found):
            raise TextError(
                f"{path}: the aliases (*name) in this file stand for more than {form.MOST} values, because marked values (&name) contain aliases. Write those values without & and *."
            )
        return found
    try:  # for the words: PyYAML in Python says more than libyaml, with which Salt reads
        yaml.safe_load(text)
    except yaml.MarkedYAMLError as err:
        fault = err
    except yaml.reader.ReaderError as err:
        line = text.count("\n", 0, err.position) + 1
        raise TextError(f"{path}:{line}: this line contains a control character. Remove that character.") from None
    except (ValueError, TypeError):
        raise TextError(
            f"{path}: this file contains an impossible date or number, such as 2026-02-30. Write that value in quotes, '...'."
        ) from None
    mark = getattr(fault, "problem_mark", None) or getattr(fault, "context_mark", None)
    problem = f"{getattr(fault, 'context', '')} {getattr(fault, 'problem', '')}"
    raise TextError(f"{path}:{mark.line + 1 if mark else 1}: {_reason(problem)}.")


def _contains_itself(value, around: set, done: set) -> bool:
    """Say whether *value* is below itself. around: what it is in, done: what was looked at, by ``id``."""
    if not isinstance(value, (dict, list)) or id(value) in done:
        return False
    if id(value) in around:
        return True
    inner = value.values() if isinstance(value, dict) else value
    found = any(_contains_itself(part, around | {id(value)}, done) for part in inner)
    done.add(id(value))
    return found


def _reason(problem: str) -> str:
    if twice := _TWICE.search(problem):
        return f"{twice[1]} is set twice in one section: remove one of the two"
    found = next((hint for words, hint in _HINTS if words in problem), "")
    return found or "this is not valid YAML: check indentation, colons and quotes"


def _judge_jinja(path: str, text: str, declared: bool) -> None:
    """Refuse a template that does not compile, and one where a value seems to have Jinja's signs by chance."""
    if not declared:
        for number, line in enumerate(lines_of(text), 1):
            value = _VALUE.match(_COMMENT.sub("", line))
            if value and _EXPRESSION_OR_COMMENT.search(value[0]):
                raise TextError(
                    f"{path}:{number}: this value contains {{{{ or {{#, which Salt would replace. To keep all "
                    f"values as they are, begin the file with the line {YAML_ONLY}. To have Salt replace them, begin the file with the line {JINJA}."
                )
    try:
        environment = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])  # noqa: S701 (no HTML)
        environment.parse(text)
    except jinja2.TemplateSyntaxError as err:
        if "Encountered unknown tag" in str(err):
            return  # one of Salt's own
        raise TextError(
            f"{path}:{err.lineno}: {{{{, {{% or {{# is not closed, or contains no expression. Correct that line, or begin the file with the line "
            f"{YAML_ONLY} to keep every value as it is."
        ) from None
