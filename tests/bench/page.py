"""The tables of docs/measurements.md that ``make bench WRITE=1`` makes from what it measured. Pure."""

from __future__ import annotations

import re

from tests.bench.result import MEASURED, shown
from tests.bench.upgrades import COLUMNS

PATH = "docs/measurements.md"
# of the sides that the page shows; how it was before is for the day of the change alone
TITLES = {"script": "script by hand", "smaller": "smaller script", "bundle": "`mattermost.ssl`"}


def deploy_table(found: dict) -> str:
    """Return the table of a deploy. found: of `result.summarise`."""
    sides, ratios = found["sides"], found["ratios"]
    lines = [
        "| | first deploy | again | preflight | lost requests while run again |",
        "|---|---|---|---|---|",
    ]
    for side, title in TITLES.items():
        part = sides[side]
        cells = [shown(part[key]) for key in MEASURED] + [f"{part['lost']} of {part['requests']}"]
        lines.append(_row(title, cells))
    for side in ("script", "smaller"):
        lines.append(_row(f"ratio to the {TITLES[side]}", [shown(ratios[f"fresh / {side}"], "", 2), "", "", ""]))
    return "\n".join(lines)


def upgrade_table(rows: list[dict]) -> str:
    """Return the table of upgrades. rows: of `upgrades.summarise`."""
    lines = [
        "| | chat is down | beyond a restart of the server | of that the safety copy | from the failure to the old version healthy |",
        "|---|---|---|---|---|",
    ]
    return "\n".join(lines + [_row(row["case"], [shown(row[key]) for key in COLUMNS]) for row in rows])


def engines_table(found: dict) -> str:
    """Return the table of many hosts by each engine. found: of `engines.measure`."""
    lines = [
        "| hosts | wall time | ratio to one host | CPU seconds of the controller | connections (jobs) per host |",
        "|---|---|---|---|---|",
    ]
    for engine, title in (("ssh", "over ssh"), ("minion", "by minions")):
        for row in found[engine]:
            cells = [f"{row['wall']:.1f} s", f"{row['ratio']:.2f}", f"{row['cpu']:.1f}", f"{row['connections']:.0f}"]
            lines.append(_row(f"{row['hosts']} {title}", cells))
    return "\n".join(lines)


def _row(head: str, cells: list[str]) -> str:
    return f"| {head} | {' | '.join(cells)} |".replace("  |", " |")


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
