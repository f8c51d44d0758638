"""The tables of docs/measurements.md that ``make bench WRITE=1`` makes from what it measured. Pure."""

from __future__ import annotations

import re

PATH = "docs/measurements.md"
TITLES = {"script": "script by hand", "bundle": "`mattermost.ssl`"}  # of the contenders


def deploy_table(found: dict) -> str:
    """Return the table of a deploy. found: of `result.summarise`."""
    lines = ["| | first deploy | again | lost requests while run again |", "|---|---|---|---|"]
    for side, title in TITLES.items():
        part = found[side]
        lines.append(
            f"| {title} | {part['fresh']:.1f} s | {part['again']:.1f} s | {part['lost']} of {part['requests']} |"
        )
    lines.append(f"| ratio to the script's first run | {found['fresh_ratio']:.2f} | {found['again_ratio']:.2f} | |")
    return "\n".join(lines)


def upgrade_table(rows: list[dict]) -> str:
    """Return the table of upgrades. rows: of `upgrades.measure`."""
    lines = [
        "| | chat away | of that the safety copy | from the failure to the old version healthy |",
        "|---|---|---|---|",
    ]
    for row in rows:
        cells = (f"{row[key]:.1f} s" if row[key] is not None else "" for key in ("outage", "copy", "undo"))
        lines.append(f"| {row['case']} | {' | '.join(cells)} |".replace("  |", " |"))
    return "\n".join(lines)


def written(page: str, tables: dict[str, str]) -> str:
    """Return *page* with each of *tables* between the lines that name it (``<!-- NAME: ... -->`` and ``<!-- end -->``).

    Raises ValueError for one that the page has no place for.
    """
    for name, table in tables.items():
        places = re.findall(rf"(?s)<!-- {name}: [^\n]* -->\n(.*?)\n<!-- end -->", page)
        if len(places) != 1:
            raise ValueError(f"{PATH} has {len(places)} places for the table {name}; it must have one.")
        page = page.replace(places[0], table)
    return page
