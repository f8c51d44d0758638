"""``make bench``: every way on fresh hosts, in turn and in one run, then an upgrade and its undos, then many hosts by each engine; prints tables, writes .lab/bench.json.

Exit status 1 when a deployment failed or the bundle's second run lost a request. Times depend on the machine: they are
printed beside their aims and decide nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path

from tests.bench import contenders, engines, large, page, result, sized, upgrades
from tests.lab import archives
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.scenarios.deployment import standins

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 3  # how often a round runs each side again


def measure(lab, archive, platform: str, number: int, kinds: dict) -> dict:
    """Run one round and return its numbers by side; who begins changes from round to round.

    kinds: by side its `contenders.Contender`.
    """
    turn = number % len(kinds)
    order = [*kinds][turn:] + [*kinds][:turn]
    found, made = {side: {"again": [], "preflight": []} for side in kinds}, {}
    try:
        for side in order:
            made[side] = kinds[side](lab, f"bench-{side}", archive, platform)
            found[side]["fresh"] = [made[side].timed()]
        for _ in range(PAIRS):
            for side in order:
                found[side]["again"].append(made[side].timed())
                if isinstance(made[side], contenders.Bundle):
                    found[side]["preflight"].append(made[side].timed("mattermost.preflight"))
            order.reverse()
        for side in order:
            report = made[side].watched()
            found[side] |= {"lost": len(report.lost), "requests": report.scheduled, "probe": report.as_dict()}
            print(f"round {number + 1}: {made[side].title}: {brief(found[side])}", file=sys.stderr, flush=True)
    finally:
        for contender in made.values():
            contender.remove()
    return found


def brief(part: dict) -> str:
    times = (f"{key} {' '.join(f'{value:.1f}' for value in part[key])} s" for key in result.MEASURED if part[key])
    return f"{', '.join(times)}, lost {part['lost']} of {part['requests']}"


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split(":")[0])
    parser.add_argument("--platform", default="debian12")
    parser.add_argument(
        "--archive", help="a Team Edition archive; default: the newest stand-in, made as large as a real one"
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--only", choices=("deploy", "upgrade", "engines", "large"), help="one of the parts alone; large: only so"
    )
    parser.add_argument("--gigabytes", type=float, default=0, help="what to put into the database before the upgrades")
    parser.add_argument("--files", type=float, default=0, help="GB of files, for large")
    parser.add_argument("--base", help="a commit whose tree is measured too, in turn with this one")
    parser.add_argument(
        "--write", action="store_true", help="write the tables into docs/measurements.md: on an idle machine"
    )
    given = parser.parse_args()
    was_up = (ROOT / ".lab" / "instance").exists()
    lab = Lab.open(ROOT)
    rounds, rows, releases, by_engine, of_size = [], {}, [], {}, {}
    kinds = {"script": contenders.ByHand, "smaller": contenders.Smaller, "bundle": contenders.Bundle}
    try:
        with contextlib.ExitStack() as stack:
            if given.base:
                tree = stack.enter_context(contenders.checked_out(given.base))
                kinds["base"] = contenders.of_tree(tree, f"mattermost.ssl of {given.base}")
            bundles = {side: kind for side, kind in kinds.items() if issubclass(kind, contenders.Bundle)}
            if given.only in (None, "deploy"):
                archive = chosen(lab, given.archive)
                print(f"archive: {archive.path.stat().st_size / 1e6:.0f} MB", file=sys.stderr, flush=True)
                for kind in bundles.values():
                    contenders.warm_up(lab, kind, archive, given.platform)
                rounds = [measure(lab, archive, given.platform, number, kinds) for number in range(given.rounds)]
            if given.only in (None, "upgrade", "large"):
                releases = [archives.describe(path) for path in archives.available(lab.archives)][-2:]
                if given.only == "large":
                    of_size = large.measure(lab, releases, given.platform, given.gigabytes, given.files)
                elif len(releases) < 2:
                    print("bench: upgrades were not measured: that takes two archives (make standin)", file=sys.stderr)
                else:
                    trees = {side: kind.tree for side, kind in bundles.items()}
                    rows = upgrades.measure(lab, releases, given.platform, trees, given.rounds, given.gigabytes)
            if given.only in (None, "engines"):
                by_engine = engines.measure(lab)
    except (LabError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if not was_up:
            Lab.down(ROOT)
    found = result.summarise(rounds) if rounds else {}
    titles, tables = {side: kind.title for side, kind in kinds.items()}, {}
    if rounds:
        print(f"Mattermost {archive.version} on {given.platform}, rounds: {given.rounds}")
        print(result.text(found, titles))
        tables["deploy"] = page.deploy_table(found)
    if rows:
        print(upgrades.text(rows, releases[1].version, given.platform, titles))
        found["upgrades"] = rows
        tables["upgrade"] = page.upgrade_table(rows["bundle"])
    if by_engine:
        print(engines.text(by_engine))
        found["engines"] = by_engine
        tables["engines"] = page.engines_table(by_engine)
    if of_size:
        print(large.text(of_size))
        found["large"] = of_size
    if given.write:
        (ROOT / page.PATH).write_text(page.written((ROOT / page.PATH).read_text(), tables))
    (ROOT / ".lab" / "bench.json").write_text(json.dumps(found, indent=1) + "\n")
    return 1 if rounds and found["sides"]["bundle"]["lost"] else 0


def chosen(lab, given: str | None) -> archives.Archive:
    """Return the archive to deploy, the file *given* or the newest stand-in made as large as a real one, as hosts find it. Raises LabError."""
    if given:
        path = Path(given).resolve()
        if not path.is_file() or archives.version_of(path.name) is None:
            raise LabError(f"ARCHIVE {path} does not exist, or is not named like a Team Edition archive.")
        return contenders.offered(lab, path)
    if not (found := standins(lab.archives)):
        raise LabError("There is no archive to deploy: run make standin first, or give one (ARCHIVE=).")
    return contenders.offered(lab, sized.ensure(found[-1].path, lab.cache / "bench"))


if __name__ == "__main__":
    sys.exit(main())
