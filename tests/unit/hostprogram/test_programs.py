"""What no shell says before it is too late: a function that is called and nowhere defined."""

import re

import pytest

from tests import programs

# Our functions' names have an underscore between words; of other programs' only these do.
OTHERS = {
    "pg_dump",
    "pg_restore",
    "pg_isready",
    "pg_ctl",
    "pg_basebackup",
    "pg_upgrade",
    "pg_createcluster",
    "pg_dropcluster",
}
CALLED = re.compile(
    r"(?:^|[;&|!]|(?<![($])\((?!\()|(?<!\$)\{|\b(?:then|do|else|if|elif|while|until))\s*([a-z]+(?:_[a-z0-9]+)+)(?=[\s;)&|]|$)",
    re.MULTILINE,
)
DEFINED = re.compile(r"^\s*([a-z]+(?:_[a-z0-9]+)+)\(\)", re.MULTILINE)
# comments, and what goes to another program
NOT_SHELL = re.compile(r"(?:^|(?<=\s))#[^\n]*|<<'?END'?.*?^END$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", programs.SHIPPED_BY)
def test_every_function_that_is_called_is_there(name):
    text = NOT_SHELL.sub("", programs.joined(name))
    known = {*DEFINED.findall(text), *OTHERS, *re.findall(r"\$(\w+)", text)}  # a list of settings' names is no call
    assert set(CALLED.findall(text)) - known == set()
