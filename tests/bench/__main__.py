"""``make bench``: both ways on fresh hosts, in turn and in one run, then an upgrade and its undos; prints tables, writes .lab/bench.json.

Exit status 1 when a deployment failed or the bundle's second run lost a request. Times depend on the machine: they are
printed beside their aims and decide nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.bench import contenders, page, result, upgrades
from tests.lab import archives
from tests.lab.errors import LabError
from tests.lab.lab import Lab

ROOT = Path(__file__).resolve().parents[2]


def measure(lab, archive, platform: str, number: int) -> dict:
    """Run one round and return its numbers; who begins changes from round to round."""
    kinds = [("script", contenders.ByHand), ("bundle", contenders.Bundle)]
    found, made = {}, {}
    try:
        for side, kind in kinds if number % 2 == 0 else reversed(kinds):
            made[side] = kind(lab, f"bench-{side}", archive, platform)
            found[side] = {"fresh": made[side].timed()}
            found[side]["again"] = made[side].timed()
            report = made[side].watched()
            found[side] |= {"lost": len(report.lost), "requests": report.scheduled, "probe": report.as_dict()}
            print(f"round {number + 1}: {made[side].title}: {brief(found[side])}", file=sys.stderr, flush=True)
    finally:
        for contender in made.values():
            contender.remove()
    return found


def brief(part: dict) -> str:
    return f"fresh {part['fresh']:.1f} s, again {part['again']:.1f} s, lost {part['lost']} of {part['requests']}"


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split(":")[0])
    parser.add_argument("--platform", default="debian12")
    parser.add_argument("--archive", help="a Team Edition archive; default: the newest in .lab/archives")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=("deploy", "upgrade"), help="one of the two parts alone")
    parser.add_argument("--gigabytes", type=float, default=0, help="what to put into the database before the upgrades")
    parser.add_argument(
        "--write", action="store_true", help="write the tables into docs/measurements.md: on an idle machine"
    )
    given = parser.parse_args()
    was_up = (ROOT / ".lab" / "instance").exists()
    lab = Lab.open(ROOT)
    try:
        if given.archive:
            archive = archives.admit(Path(given.archive), lab.archives)
        elif not archives.available(lab.archives):
            raise LabError("There is no archive to deploy: run make standin first, or give one (ARCHIVE=).")
        else:
            archive = archives.describe(archives.available(lab.archives)[-1])
        rounds, rows = [], []
        if given.only != "upgrade":
            contenders.warm_up(lab, archive, given.platform)
            rounds = [measure(lab, archive, given.platform, number) for number in range(given.rounds)]
        if given.only != "deploy":
            releases = [archives.describe(path) for path in archives.available(lab.archives)][-2:]
            if len(releases) < 2:
                print("bench: upgrades were not measured: that takes two archives (make standin)", file=sys.stderr)
            else:
                rows = upgrades.measure(lab, releases, given.platform, given.gigabytes)
    except (LabError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if not was_up:
            Lab.down(ROOT)
    found = result.summarise(rounds) if rounds else {}
    tables = {}
    if rounds:
        titles = {"script": contenders.ByHand.title, "bundle": contenders.Bundle.title}
        print(f"Mattermost {archive.version} on {given.platform}, rounds: {given.rounds}")
        print(result.text(found, titles))
        tables["deploy"] = page.deploy_table(found)
    if rows:
        print(upgrades.text(rows, releases[1].version, given.platform))
        found["upgrades"] = rows
        tables["upgrade"] = page.upgrade_table(rows)
    if given.write:
        (ROOT / page.PATH).write_text(page.written((ROOT / page.PATH).read_text(), tables))
    (ROOT / ".lab" / "bench.json").write_text(json.dumps(found, indent=1) + "\n")
    return 1 if rounds and found["bundle"]["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
