"""What no shell says before it is too late: a function that is nowhere defined, a variable that two functions share unawares."""

import re

import pytest

from tests import programs
from tests.unit.hostprogram.functions import functions, sets

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
# comments, and what goes to another program: a here-document, a text of several lines between apostrophes
NOT_SHELL = re.compile(r"(?:^|(?<=\s))#[^\n]*|<<'?END'?.*?^END$|^[a-z]+='$.*?^'$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", programs.SHIPPED_BY)
def test_every_function_that_is_called_is_there(name):
    text = NOT_SHELL.sub("", programs.joined(name))
    known = {*DEFINED.findall(text), *OTHERS, *re.findall(r"\$(\w+)", text)}  # a list of settings' names is no call
    assert set(CALLED.findall(text)) - known == set()


@pytest.mark.parametrize("name", [*programs.SHIPPED_BY, *programs.SENT])
def test_a_function_sets_only_its_own_variables_and_those_that_it_says(name):
    found = functions(programs.joined(name) if name in programs.SHIPPED_BY else programs.sent(name))
    found.pop("read_settings", None)  # they are for all
    assert {function: left for function, text in found.items() if (left := sets(text))} == {}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('f() { # f PATH: sets why, when it fails\n    local one="$1" two\n    two=2 why=x\n    read -r three _ <x\n}\n', {"three"}),
        ('f() {\n    awk -v a="$b" \'x { y=1 }\' # not z=1\n    say "c=$(d=1; say "$d") e=2"\n    for g in 1; do :; done\n}\n', {"d", "g"}),
        ("f() {\n    cat <<END\nh=1\nEND\n    [ $((i == 1)) ] || j=1\n}\n", {"j"}),
        ("f() { k=1; }\n", {"k"}),
        ("f() (\n    l=1\n)\n", set()),
        ("f() {\n    local m='' n=ok o\n    m=1 n=2 o=3 p=4\n}\n", {"p"}),
    ],
)  # fmt: skip
def test_what_a_function_sets_is_found(text, left):
    assert {name for function in functions(text).values() for name in sets(function)} == left


@pytest.mark.parametrize("name", ["mattermost-switch", "mattermost-postgresql", "mattermost-aside"])
def test_the_table_of_the_journal_has_each_record_and_no_other(name):
    program = programs.joined(name)
    table = re.search(r"(?m)^#   record .*\n((?:#   .*\n)+)", program)[1]
    # words up to the first gap of two blanks; what is written large is a value
    told = {record.split()[0] for line in table.splitlines() for record in re.split("  ", line[4:])[0].split(", ")}
    assert told == {"begin", *re.findall(r"\brecord ([a-z][a-z-]*)", NOT_SHELL.sub("", program))}
