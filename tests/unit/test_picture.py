"""The picture of a run: what a terminal shows at the end, drawn as it stood, with nothing that is not text."""

import re
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

import pytest

from tools import picture


def texts(svg):
    return ["".join(node.itertext()) for node in tree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_what_was_written_over_is_not_drawn():
    assert picture.lines("a\r\n\r\x1b[Kwaiting 1\r\x1b[Kwaiting 2\r\x1b[Kdone\r\nb\r\n") == ["a", "done", "b"]


def test_text_is_drawn_as_text_in_its_colour_and_column():
    svg = picture.svg("x", ["\x1b[1m<b> & c\x1b[0m   d \x1b[32mDone\x1b[0m"])
    assert "\x1b" not in svg
    assert texts(svg) == ["<b> & cdDone"]
    assert 'font-weight="bold">&lt;b&gt; &amp; c<' in svg
    (start,) = re.findall(r'x="([\d.]+)"[^>]*>d<', svg)
    assert float(start) == picture.EDGE + 10 * picture.WIDTH


@pytest.mark.parametrize(("code", "written"), [("print('Done in 1 s')", True), ("raise SystemExit(3)", False)])
def test_only_a_run_that_ended_well_is_kept(tmp_path, code, written):
    path = tmp_path / "x.svg"
    assert (picture.main(str(path), [sys.executable, "-c", code]) == 0) == written
    assert path.exists() == written
    assert not written or texts(path.read_text())[-1] == "Done in 1 s"


def test_a_command_is_recorded_on_a_terminal_of_80_columns():
    code = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size().columns if 0 else os.environ['COLUMNS'])"
    status, said = picture.record([sys.executable, "-c", code])
    assert (status, said.strip()) == (0, "True 80")


def test_the_readmes_picture_is_of_a_deploy_that_ended_well():
    shown = texts(Path("docs/screen.svg").read_text())
    assert shown[0] == "$ salt-run state.orchestrate mattermost.ssl"
    assert re.match(r"Done in ([\d.]+ min )?[\d.]+ s\.$", shown[-1])
    assert "docs/screen.svg" in Path("README.md").read_text()
    stages = re.findall(r"(?m)^([a-z-]+):$", Path("salt/mattermost/ssl.sls").read_text())
    picture_tree = tree.fromstring(Path("docs/screen.svg").read_text())
    rows = {
        node[0].text for node in picture_tree.iter("{http://www.w3.org/2000/svg}text")
    }  # what each line begins with
    # two change nothing that a person looks for, one is the report, and `packages` installs and opens the firewall
    silent = {"archive", "record", "report", "firewall"}
    assert set(stages) - silent - rows == set()
