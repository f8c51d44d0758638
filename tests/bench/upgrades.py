"""How long an upgrade, its undo and going back take chat away: seen from outside by the steady probe, on one host in turn."""

from __future__ import annotations

import re
import sys
import time

from tests.bench.result import AIM_BEYOND, judged, shown, spread
from tests.probe import Probe, Target
from tests.scenarios.deployment import ROOT, Deployment
from tests.scenarios.upgrading import Upgrading

RESTART = "`systemctl restart mattermost`, for comparison"
BEYOND = ("upgrade", "going back")  # measured right after a restart
# what is rolled back, and the new version's fault
FAULTS = {
    "rolled back: does not start": "FAIL_START=1",
    "rolled back: a migration fails": "FAIL_MIGRATION=1",
    "rolled back: runs and stays unhealthy": "UNHEALTHY=1",
}
COLUMNS = ("outage", "beyond", "copy", "undo")
RATE = 50  # requests a second; an outage is known no better than the time between two
LIMIT = 1800  # seconds that one switch may take
FILL = """
cd /; runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 -d mattermost <<'END'
CREATE TABLE filler AS SELECT n, repeat(md5(n::text), 30) AS text FROM generate_series(1, GIGABYTES * 950000) n;
CHECKPOINT;
END
"""
SIZE = "cd /; runuser -u postgres -- psql -XAtc \"SELECT pg_database_size('mattermost')\""
BACK = "mattermost-switch back overwrite"
LOG = "journalctl -u mattermost-switch -o short-unix --no-pager --since @{:.0f}"


class Upgraded:
    """A host with the older of two releases deployed from the checkout *tree*, on which a server is replaced and put back.

    releases: two, the older first. gigabytes: how much to put into the database first.
    """

    def __init__(self, lab, name: str, releases, platform: str, gigabytes: float, tree=ROOT):
        self.host = lab.host(name, platform, fresh=True)
        try:
            self.host.wait_booted()
            self.site = Deployment(lab, self.host, releases[0], f"{name}.example.test", tree)
            done = self.site.orchestrate(timeout=LIMIT)
            if done.rc != 0:
                raise RuntimeError(str(done))
            if gigabytes:
                self.site.ssh(FILL.replace("GIGABYTES", str(gigabytes)), timeout=LIMIT)
            self.upgrading = Upgrading(self.site, *releases)
            self.size = int(self.site.ssh(SIZE))
        except BaseException:
            self.host.remove()
            raise

    def there_and_back(self) -> list[dict]:
        """Return the rows of a restart of the server, an upgrade and going back."""
        self.upgrading.reset()
        return [
            self._row(RESTART, lambda: self.site.ssh("systemctl restart mattermost")),
            self._row("upgrade", self._switch),
            self._row("going back", lambda: self.site.ssh(BACK, timeout=LIMIT)),
        ]

    def rolled_back(self) -> list[dict]:
        """Return a row for each fault of the new version."""
        rows = []
        for case, fault in FAULTS.items():
            self.upgrading.reset()
            self.upgrading.break_new(fault)
            rows.append(self._row(case, self._switch))
            self.upgrading.mend_new()
        return rows

    def _switch(self):
        self.host.ssh(f"mattermost-switch to {self.upgrading.new.version}", check=False, timeout=LIMIT)

    def _row(self, case, act) -> dict:
        self.site.wait_until_healthy()
        since = float(self.site.ssh("date +%s.%N"))
        with Probe(Target(self.site.name, self.host.address, ca_file=str(self.site.lab.ca_file))) as probe:
            time.sleep(2)
            act()
            self.site.wait_until_healthy()
            time.sleep(1)
        records = parsed(self.site.ssh(LOG.format(since)))
        row = {"case": case, "outage": outage(probe.report), **spans(records, since)}
        print(f"{self.site.name}: {row}", file=sys.stderr, flush=True)
        return row


def measure(lab, releases, platform: str, trees: dict, rounds: int = 1, gigabytes: float = 0) -> dict:
    """Return by side what `summarise` makes of its rows, and the database's ``size`` in bytes.

    trees: by side (``bundle``, and ``base``) a checkout. Each round has a restart, an upgrade and going back, of one side after
    the other; what is rolled back is measured once, of the bundle alone.
    """
    hosts, rows = {}, {side: [] for side in trees}
    try:
        for side, tree in trees.items():
            hosts[side] = Upgraded(lab, f"bench-up-{side}", releases, platform, gigabytes, tree)
        for number in range(rounds):
            for side in trees if number % 2 == 0 else reversed(trees):
                rows[side] += hosts[side].there_and_back()
        rows["bundle"] += hosts["bundle"].rolled_back()
        return {"size": hosts["bundle"].size, **{side: summarise(found) for side, found in rows.items()}}
    finally:
        for one in hosts.values():
            one.host.remove()


def summarise(rows: list[dict]) -> list[dict]:
    """Return one row a case, its seconds as a `result.spread` of all rows of the case, None where there were none.

    rows: each with ``case, outage, undo, copy`` in seconds or None, in running order. ``beyond``: what an upgrade or going back took
    longer than the restart of the server before it.
    """
    restarted, cases = None, {}
    for row in rows:
        if row["case"] == RESTART:
            restarted = row["outage"]
        beyond = row["outage"] - restarted if row["case"] in BEYOND else None
        cases.setdefault(row["case"], []).append({**row, "beyond": beyond})
    return [
        {
            "case": case,
            **{key: spread(one[key] for one in found if one[key] is not None) for key in COLUMNS},
        }
        for case, found in cases.items()
    ]


def outage(report) -> float:
    """Return the seconds from the first to the last request that got no good answer, one interval included."""
    lost = [loss.at for loss in report.lost if loss.source in ("new", "kept")]
    return round(lost[-1] - lost[0] + 1 / RATE, 2) if lost else 0.0


def parsed(log: str) -> list[tuple[float, str]]:
    """Return what the host program wrote, each with its time in seconds, from ``journalctl -o short-unix``."""
    found = []
    for line in log.splitlines():
        match = re.match(r"(\d+\.\d+) \S+ [^:]+: (.*)", line)
        if match:
            found.append((float(match[1]), match[2]))
    return found


def spans(records: list[tuple[float, str]], since: float = 0) -> dict:
    """Return ``undo`` and ``copy`` in seconds, None where there was none. records: of `parsed`. since: older ones do not count."""
    at = {words.split()[0].rstrip(":"): when for when, words in records if when >= since and words.strip()}

    def between(first, last):
        return round(at[last] - at[first], 2) if first in at and last in at else None

    return {"undo": between("undo", "undone"), "copy": between("copying", "copied")}


def text(found: dict, version: str, platform: str, titles: dict[str, str]) -> str:
    """Return the tables. found: of `measure`. titles: by side what the report calls it."""
    lines = [f"Upgrade to {version} on {platform}, database of {found['size'] / 1e9:.2f} GB"]
    heads = ("chat away", "beyond restart", "copy", "undo")
    for side in (side for side in titles if side in found):
        lines.append("".join([f"{titles[side]:50}", *(f"{head:>22}" for head in heads)]))
        for row in found[side]:
            lines.append(
                "".join([f"{row['case']:50}", *(f"{shown(row[key], digits=2):>22}" for key in COLUMNS)]).rstrip()
            )
    lines.append("beyond restart: longer than a restart of the server took just before")
    lines.append("undo: from the failure that was seen to the old version proved healthy again")
    beyond = next(row["beyond"] for row in found["bundle"] if row["case"] == "upgrade")
    lines.append(f"upgrade, beyond restart: {shown(beyond, digits=2)} ({judged(beyond['median'], AIM_BEYOND)})")
    return "\n".join(lines)
