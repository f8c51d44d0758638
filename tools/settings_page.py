"""Write docs/settings.md from salt/mattermost/schema.yaml: ``make docs``."""

from __future__ import annotations

import json
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "salt" / "_utils"))
import mattermost_settings_rules as rules  # noqa: E402

PAGE = ROOT / "docs" / "settings.md"
HEAD = """\
<!-- Written by `make docs` from salt/mattermost/schema.yaml and salt/_utils/mattermost_settings_rules.py; change it there. -->
# Settings

This page lists every setting of this bundle, with its meaning and its default. Write what you want to change below `mattermost:` in the file
`pillar/mattermost.sls` of the checkout, on the controller (git ignores this file). You can start from
[pillar/mattermost.sls.example](../pillar/mattermost.sls.example). Then deploy ([operating.md](operating.md)).
If this page or a message says `mattermost:server:port`, it means this place in the file:

```yaml
mattermost:
  server:
    port: 8066
```

Each section of this page is one key below `mattermost:`, and its table has the keys below that. So `port` in the section [server](#server) is
`mattermost:server:port`. In the column "meaning", `server:port` has this meaning, too; a name without a colon is a setting of the same section, or a section.

| on this page | means |
|---|---|
| controller | the machine with the checkout (the folder with this bundle), or the Salt master |
| run | one command that begins with `salt-run state.orchestrate` |
| list | several values: `[a, b]` |
| mapping | several names, each with a value: `{a: 1, b: 2}` |
| secret | this bundle hides the value wherever it shows settings |
| – | the default is empty |
| `salt://mattermost/local/NAME` | the file `salt/mattermost/local/NAME` of the checkout |

A run refuses an unknown name, a wrong type, a value out of range or a text of several lines before anything is changed. It reports all faults at once.
Some settings depend on each other: [rules between settings](#rules-between-settings), at the end of this page.
If several places set a value, the last of these counts: default, facts of the platform, pillar, the roster's `postgres.*` options ([roster.md](roster.md)).
"""


def cell(text: str) -> str:
    """Return *text* fit for a table's cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


def allowed(part: dict) -> str:
    """Say which values a setting may have."""
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    words = {
        "string": "text",
        "boolean": "`true`, `false`",
        "integer": "whole number",
        "array": "list",
        "object": "mapping",
    }
    text = words[part["type"]]
    if "minimum" in part:
        text += f", {part['minimum']} to {part['maximum']}"
    if "x-unit" in part:
        text += f" ({part['x-unit']})"
    return text + (", secret" if part.get("x-secret") else "")


def default(value) -> str:
    """Show a default as one would write it."""
    if value in ("", [], {}):
        return "–"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def rows(section: dict, trail: str = ""):
    """Yield a table row for each setting of *section*; after an inner section's own row those of its settings, with their whole key."""
    for name, part in section["properties"].items():
        if "properties" in part:
            yield f"| `{trail}{name}:` | {cell(part['description'])} | the settings `{trail}{name}:…` below | |"
            yield from rows(part, f"{trail}{name}:")
        elif part.get("additionalProperties") is not True:
            yield f"| `{trail}{name}` | {cell(part['description'])} | {allowed(part)} | {default(part['default'])} |"


def table(section: dict) -> str:
    return "\n".join(["| setting | meaning | values | default |", "|---|---|---|---|", *rows(section), ""])


def between() -> str:
    """Return the table of the rules between settings."""
    head = ["| rule | if a deployed host breaks the rule |", "|---|---|"]
    return "\n".join([*head, *(f"| {cell(said)} | {on_deployed} |" for said, on_deployed in rules.rows()), ""])


def page(schema: dict) -> str:
    """Return the whole page."""
    sections = {name: part for name, part in schema["properties"].items() if "properties" in part}
    plain = {name: part for name, part in schema["properties"].items() if name not in sections}
    parts = [
        HEAD,
        "## At the top\n",
        table({"properties": {name: plain[name] for name in plain if name != "platform"}}),
    ]
    for name, part in sections.items():
        parts += [f"## {name}\n", cell(part["description"]) + "\n", table(part)]
    platform = schema["properties"]["platform"]["description"]
    parts += [
        "## platform\n",
        f"{cell(platform)} These facts are listed, with comments, in"
        " [salt/mattermost/platforms.yaml](../salt/mattermost/platforms.yaml).\n",
        "## Rules between settings\n",
        "Each row says what must be true. If the settings of a host that is not deployed yet break one of these rules, the run is refused before anything is changed."
        " The second column says what happens on a deployed host.\n",
        between(),
    ]
    return "\n".join(parts)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(yaml.safe_load((ROOT / "salt/mattermost/schema.yaml").read_text())), encoding="utf-8")


if __name__ == "__main__":
    main()
