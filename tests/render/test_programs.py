"""A host program that the tree keeps in parts reaches a host whole, as one file."""

import re

import pytest

from tests import programs, repository
from tests.render import compiler

SHARED = repository.ROOT / "salt/mattermost/deploy/common/tools.sh"
PARTS = [path for path in repository.with_suffix(".sh") if path.parts[:3] == ("salt", "mattermost", "deploy")]


@pytest.mark.parametrize("name", programs.TEMPLATES)
def test_a_host_gets_the_parts_as_one_file(platform, name):
    low = compiler.low(platform, *compiler.DEPLOY)
    (chunk,) = [each for each in low if each.get("name") == f"/usr/local/sbin/{name}"]
    assert (chunk["state"], chunk["fun"], chunk["mode"]) == ("file", "managed", "0755")
    assert chunk["contents"] + "\n" == programs.joined(name)


@pytest.mark.parametrize("name", programs.TEMPLATES)
def test_a_program_reads_no_other_program_text(name):
    """What it would read at a start could be of another deploy, or half of one."""
    assert re.findall(r"(?m)^\s*(?:\.|source) .*", programs.joined(name)) == []


@pytest.mark.parametrize("name", programs.TEMPLATES)
def test_no_part_is_lost_or_changed_on_the_way(name):
    """Jinja, which joins them, must find nothing of its own in them."""
    parts = [SHARED, *sorted(programs.TEMPLATES[name].with_suffix(".parts").glob("*"))]
    assert parts
    for part in parts:
        assert programs.joined(name).count(part.read_text()) == 1, part


def test_every_part_belongs_to_a_program():
    text = "".join(map(programs.joined, programs.TEMPLATES))
    assert [str(path) for path in PARTS if repository.text(path) not in text] == []


@pytest.mark.parametrize("name", programs.TEMPLATES)
def test_no_two_parts_define_the_same_function(name):
    functions = re.findall(r"(?m)^([a-z_]+)\(\) ", programs.joined(name))
    assert sorted({each for each in functions if functions.count(each) > 1}) == []
