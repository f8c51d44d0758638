"""The page of the checks names every check that there is, and no other."""

import re
from pathlib import Path

import pytest

from tests import repository

MAKES = re.compile(r'\b(?:ok|note|warning|refusal|skipped)\(\s*"([a-z][a-z0-9-]*)"')
REACH = re.compile(r'^    \(\n        "([a-z-]+)",', re.MULTILINE)  # the table of ssh's words


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
                    f"salt/_utils/mattermost_preflight_{part}.py"
                    for part in ("judge", "machine", "others", "release", "name", "files")
                ),
                "salt/_utils/mattermost_probe_reach.py",
                "salt/_utils/mattermost_probe_run.py",
                "salt/_orchestration/mattermost_preflight.py",
            ],
        ),
        ("Verify", [f"salt/_utils/mattermost_verify_{part}.py" for part in ("judge", "web", "tls", "host")]),
    ],
)
def test_the_page_names_every_check(section, sources):
    assert checks(*sources) == described(section)
