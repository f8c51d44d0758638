"""The page of the checks names every check that there is, and no other."""

import re
from pathlib import Path

import pytest

from tests import repository

MAKES = re.compile(r'(?:\b(?:ok|note|warning|refusal|skipped)\(\s*|^CHECK = )"([a-z][a-z0-9-]*)"', re.MULTILINE)
REACH = re.compile(r'^    \(\n        "([a-z-]+)",', re.MULTILINE)  # the table of ssh's words


PACKAGE = "salt/_utils/mattermost_controller"


def checks(*sources):
    text = "\n".join(repository.text(Path(source)) for source in sources)
    return set(MAKES.findall(text)) | set(REACH.findall(text))


def described(section):
    page = repository.text(Path("docs/checks.md"))
    part = page.split(f"## {section}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}


@pytest.mark.parametrize(
    ("section", "sources"),
    [
        (
            "Preflight",
            [
                *(
                    f"{PACKAGE}/preflight/{part}.py"
                    for part in (
                        "checks",
                        "machine",
                        "other_services",
                        "release",
                        "public_name",
                        "files",
                        "breaking_changes",
                    )
                ),
                f"{PACKAGE}/hosts/ssh_errors.py",
                f"{PACKAGE}/hosts/collect.py",
                "salt/_orchestration/mattermost_preflight.py",
            ],
        ),
        ("Verify", [f"{PACKAGE}/verify/{part}.py" for part in ("checks", "web", "tls", "host")]),
    ],
)
def test_the_page_names_every_check(section, sources):
    assert checks(*sources) == described(section)
