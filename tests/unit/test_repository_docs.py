"""What the documents say exists: links, files, commands, settings; and the settings page is the schema's."""

import ast
import inspect
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests import classic, repository
from tests.lab.lab import Lab
from tests.render import compiler
from tools import settings_page

PAGES = repository.with_suffix(".md")
TARGETS = dict(re.findall(r"^([a-z][a-z-]*):(?:[^=\n]*?## (.*))?", repository.text(Path("Makefile")), re.MULTILINE))
PHONY = " ".join(re.findall(r"^\.PHONY: (.*)$", repository.text(Path("Makefile")), re.MULTILINE)).split()
SCHEMA = yaml.safe_load(repository.text(Path("salt/mattermost/schema.yaml")))
SLS = re.compile(r"(?:state\.orchestrate |state\.apply |ORCHESTRATION=|… )(mattermost\.[\w.-]+)")
# What a user or a run makes; git does not track it.
MADE = (
    ".lab",
    ".venv",
    ".salt",
    "roster",
    "known_hosts",
    "pillar/mattermost.sls",
    "pillar/vagrant.sls",
    "salt/mattermost/local",
)


def commands(path):
    """Return the lines of a page's shell blocks and its inline code."""
    text = repository.text(path)
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    return blocks + "\n" + "\n".join(re.findall(r"`([^`\n]+)`", text))


def test_the_settings_page_is_the_schemas():
    made = settings_page.page(SCHEMA)
    assert repository.text(Path("docs/settings.md")) == made, "Run: make docs"


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_link_leads_somewhere(path):
    broken = []
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", repository.text(path)):
        if not link.startswith("http") and not (repository.ROOT / path.parent / link).exists():
            broken.append(link)
    assert broken == []


def anchors(text):
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"(?ms)^ *```.*?^ *```$", "", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_heading_that_is_linked_exists(path):
    missing = []
    for page, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", repository.text(path)):
        target = (repository.ROOT / path.parent / page) if page else repository.ROOT / path
        if anchor not in anchors(target.read_text(encoding="utf-8")):
            missing.append(f"{page}#{anchor}")
    assert missing == []


def test_the_anchor_of_a_heading_is_what_github_makes_of_it():
    assert anchors("# A renewal: that fails, and\n```sh\n# not one\n```\n") == {"a-renewal-that-fails-and"}


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_make_target_that_is_named_exists(path):
    assert [name for name in re.findall(r"\bmake ([a-z][a-z-]*)", commands(path)) if name not in TARGETS] == []


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_sls_that_is_named_exists(path):
    missing = []
    for name in set(SLS.findall(commands(path))):
        place = repository.ROOT / "salt" / name.replace(".", "/")
        if not place.with_name(place.name + ".sls").exists() and not (place / "init.sls").exists():
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_file_of_the_tree_that_is_named_exists(path):
    tops = {entry.parts[0] for entry in repository.tracked() if len(entry.parts) > 1}
    named = [word.rstrip("/") for word in re.findall(r"(?<![\w/.~-])[\w.][\w./-]+", commands(path))]
    missing = []
    for name in named:
        inside = name.split("/")[0] in tops and "/" in name
        if inside and not name.startswith(MADE) and not list(repository.ROOT.glob(name)):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_setting_that_is_named_exists(path):
    wrong = []
    for key in re.findall(r"\bmattermost:[a-z0-9_:]+", repository.text(path)):
        part = SCHEMA
        for name in key.rstrip(":").split(":")[1:]:
            part = part.get("properties", {}).get(name) if part else None
        if part is None:
            wrong.append(key)
    assert wrong == []


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_yaml_examples_are_valid_settings(path):
    form = pytest.importorskip("mattermost_settings_form")
    for block in re.findall(r"```yaml\n(.*?)```", repository.text(path), re.DOTALL):
        loaded = yaml.safe_load(block)
        if "mattermost" in loaded:
            assert form.faults(SCHEMA, loaded["mattermost"]) == []


def test_the_example_of_the_pillar_is_valid_with_and_without_its_comments():
    form = pytest.importorskip("mattermost_settings_form")
    text = repository.text(Path("pillar/mattermost.sls.example"))
    everything = re.sub(r"^  # (?=[a-z_ ]+:|  )", "  ", text, flags=re.MULTILINE)
    for example in (text, everything):
        assert form.faults(SCHEMA, yaml.safe_load(example)["mattermost"]) == []
    assert len(yaml.safe_load(everything)["mattermost"]) > len(yaml.safe_load(text)["mattermost"]) + 3


def test_every_entry_of_the_roster_example_is_a_roster_entry():
    core = pytest.importorskip("mattermost_settings_core")
    text = repository.text(Path("roster.example"))
    assert len(yaml.safe_load(text)) == 1
    entries = re.findall(r"^# ([\w.]+:\n(?:#   .*\n)+)", text, re.MULTILINE)
    assert len(entries) == 3
    for entry in entries:
        ((_, values),) = yaml.safe_load(re.sub(r"^# ", "", entry, flags=re.MULTILINE)).items()
        assert {"host", "user"} <= set(values)
        assert core.from_roster(values.get("minion_opts", {}))[1] == []


def test_the_platform_table_names_what_is_supported():
    platforms = yaml.safe_load(repository.text(Path("salt/mattermost/platforms.yaml")))
    names = [entry["name"] for entry in platforms.values() if "name" in entry]
    table = repository.text(Path("README.md")).partition("\n## Platforms\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| ([^|]+?) \| yes", table, re.MULTILINE)) == sorted(names)


def claimed(table):
    """Return the platforms whose row says that a deploy to a host was tried."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in re.findall(r"(?m)^\|.*\|$", table)[2:]]
    return {row[0].split(" (")[0].split(",")[0] for row in rows if {row[2], row[3]} - {"–", "not yet"}}


def made_by(source):
    """Return the lab's platforms of the hosts that a scenario's *source* makes: ``lab.host(name, platform=…)``."""
    tree = ast.parse(source)
    params = {
        value.value
        for call in ast.walk(tree)
        if isinstance(call, ast.keyword) and call.arg == "params"
        for value in ast.walk(call.value)
        if isinstance(value, ast.Constant)
    }
    found = set()
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("lab.host", "self.lab.host"):
            given = {one.arg: one.value for one in call.keywords}.get("platform")
            if given is None:
                found.add(inspect.signature(Lab.host).parameters["platform"].default)
            else:
                found |= {given.value} if isinstance(given, ast.Constant) else params
    return found


def unmade(table, sources):
    made = set().union(*map(made_by, sources))
    return sorted(name for name in claimed(table) if name.lower().replace("centos", "el").replace(" ", "") not in made)


def test_the_preflight_counts_as_tried_what_the_platform_table_claims():
    table = repository.text(Path("README.md")).partition("\n## Platforms\n")[2].partition("\n## ")[0]
    core = pytest.importorskip("mattermost_settings_core")
    platforms = yaml.safe_load(repository.text(Path("salt/mattermost/platforms.yaml")))
    merged = (core.platform(platforms, name) for name in platforms)
    tried = {entry["name"].split(" (")[0].split(",")[0] for entry in merged if entry["tried"]}
    assert tried == claimed(table)


def test_the_platform_table_claims_no_host_that_no_scenario_makes():
    table = repository.text(Path("README.md")).partition("\n## Platforms\n")[2].partition("\n## ")[0]
    sources = [path.read_text() for path in (repository.ROOT / "tests/scenarios").glob("*.py")]
    assert claimed(table)
    assert unmade(table, sources) == []
    assert unmade(table.replace("| Ubuntu 24.04 | yes | – | not yet", "| Ubuntu 24.04 | yes | – | yes"), sources) == [
        "Ubuntu 24.04"
    ]
    without = [text for text in sources if not made_by(text) & {"debian12", "el7"}]
    assert unmade(table, without) == ["CentOS 7", "Debian 12"]


def test_every_stage_is_in_the_picture():
    picture = repository.text(Path("docs/architecture.svg"))
    stages = [chunk["__id__"] for chunk in compiler.orchestration("mattermost.ssl") if chunk["__id__"] != "report"]
    assert [name for name in stages if not re.search(rf">{name},?<", picture)] == []


def test_every_make_target_has_its_line_of_help():
    assert [name for name in PHONY if not TARGETS.get(name)] == []
    assert [name for name, line in TARGETS.items() if line and name not in PHONY] == []
    shown = repository.run("make", "help").stdout
    assert [name for name in PHONY if f"make {name} " not in shown] == []


def test_make_alone_prints_the_help():
    assert repository.run("make").stdout == repository.run("make", "help").stdout


@pytest.mark.exhaustive
def test_the_classic_layout_is_what_the_page_makes(tmp_path):
    """The page's own commands, with its places moved below a temporary folder; then Salt reads the roster there."""
    folder = classic.lay_out(tmp_path)
    made = yaml.safe_load((folder / "master").read_text())
    assert [value for value in places(made) if not value.startswith(f"{tmp_path}/")] == []
    present = (f"{tmp_path}/srv/", f"{tmp_path}/etc/salt/log_handlers")
    assert [value for value in places(made) if value.startswith(present) and not Path(value).exists()] == []
    if shutil.which(str(repository.BIN / "salt-ssh")):
        shown = repository.run(str(repository.BIN / "salt-ssh"), "-c", str(folder), "*", "--hosts")
        assert "chat.example.com" in shown.stdout, shown.stdout + shown.stderr


def places(config):
    """Return every value of a master configuration that is a path."""
    for key, value in config.items():
        if key.endswith(("_dir", "_dirs", "_roots", "_file")):
            values = value.values() if isinstance(value, dict) else [value]
            yield from (item for part in values for item in (part if isinstance(part, list) else [part]))
        elif key == "ssh_options":
            yield from (option.split("=")[1] for option in value if "/" in option or "known_hosts" in option)
        elif isinstance(value, dict):
            yield from places(value)


# The settings page is made of the schema's descriptions.
OF_USERS = [path for path in PAGES if path.parts[0] == "docs" or str(path) == "README.md"]
WIDEST = 240  # characters of a cell: a phrase, perhaps with a link; more is a paragraph below the table


def cells_of(page):
    """Return the cells of a page's tables."""
    text = re.sub(r"(?ms)^ *```.*?^ *```$", "", page)
    return [cell.strip() for line in text.splitlines() if line.startswith("|") for cell in line.split("|")]


@pytest.mark.parametrize("path", OF_USERS, ids=str)
def test_a_page_begins_with_what_it_is_for(path):
    heading, empty, first = repository.text(path).split("\n", 3)[:3]
    if heading.startswith("<!--"):
        heading, empty, first = repository.text(path).split("\n", 4)[1:4]
    assert heading.startswith("# ")
    assert empty == ""
    assert re.match(r"[A-Z`]", first), first
    assert not first.startswith("```")


@pytest.mark.parametrize("path", [path for path in OF_USERS if path.name != "settings.md"], ids=str)
def test_a_cell_of_a_table_holds_a_phrase(path):
    assert [cell for cell in cells_of(repository.text(path)) if len(cell) > WIDEST] == []


def test_a_planted_paragraph_in_a_table_is_found():
    page = f"# X\n\nText.\n\n| a | {'word ' * 60}|\n|---|---|\n\n```\n| {'code ' * 60} |\n```\n"
    assert [len(cell) > WIDEST for cell in cells_of(page)].count(True) == 1
