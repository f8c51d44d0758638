"""How long an upgrade, its undo and going back take chat away: seen from outside by the steady probe, on one host in turn."""

from __future__ import annotations

import re
import sys
import time

from tests.probe import Probe, Target
from tests.scenarios.deployment import Deployment
from tests.scenarios.upgrading import Upgrading

# what happens: (for the table, the new version's fault)
CASES = {
    "upgrade": None,
    "rolled back: does not start": "FAIL_START=1",
    "rolled back: a migration fails": "FAIL_MIGRATION=1",
    "rolled back: runs and stays unhealthy": "UNHEALTHY=1",
}
RATE = 50  # requests a second; an outage is known no better than the time between two
LIMIT = 1800  # seconds that one switch may take
FILL = """
cd /; runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 -d mattermost <<'END'
CREATE TABLE filler AS SELECT n, repeat(md5(n::text), 30) AS text FROM generate_series(1, GIGABYTES * 950000) n;
CHECKPOINT;
END
"""
SIZE = "cd /; runuser -u postgres -- psql -XAtc \"SELECT pg_database_size('mattermost')\""
LOG = "journalctl -u mattermost-switch -o short-unix --no-pager --since @{:.0f}"


def measure(lab, releases, platform: str, gigabytes: float = 0) -> list[dict]:
    """Return one row a case: ``case, outage, undo, copy`` in seconds (None where there is none), ``size`` in bytes.

    releases: two, the older first. gigabytes: how much to put into the database first.
    """
    name = "bench-upgrade"
    host = lab.host(name, platform, fresh=True)
    try:
        host.wait_booted()
        site = Deployment(lab, host, releases[0], f"{name}.example.test")
        done = site.orchestrate(timeout=LIMIT)
        if done.rc != 0:
            raise RuntimeError(str(done))
        if gigabytes:
            site.ssh(FILL.replace("GIGABYTES", str(gigabytes)), timeout=LIMIT)
        upgrading = Upgrading(site, *releases)
        size = int(site.ssh(SIZE))
        rows = [
            _row(
                upgrading,
                "`systemctl restart mattermost`, for comparison",
                size,
                lambda: site.ssh("systemctl restart mattermost"),
            )
        ]
        for case, fault in CASES.items():
            upgrading.reset()
            if fault:
                upgrading.break_new(fault)
            rows.append(_row(upgrading, case, size, lambda: host.ssh(_to(upgrading), check=False, timeout=LIMIT)))
            if fault:
                upgrading.mend_new()
            if case == "upgrade":
                rows.append(_row(upgrading, "going back", size, lambda: site.ssh(BACK, timeout=LIMIT)))
        return rows
    finally:
        host.remove()


BACK = "mattermost-switch back overwrite"


def _to(upgrading) -> str:
    return f"mattermost-switch to {upgrading.new.version}"


def _row(upgrading, case, size, act) -> dict:
    site = upgrading.deployment
    site.wait_until_healthy()
    since = float(site.ssh("date +%s.%N"))
    with Probe(Target(site.name, site.host.address, ca_file=str(site.lab.ca_file))) as probe:
        time.sleep(2)
        act()
        site.wait_until_healthy()
        time.sleep(1)
    records = parsed(site.ssh(LOG.format(since)))
    row = {"case": case, "size": size, "outage": outage(probe.report), **spans(records, since)}
    print(f"{case}: {row}", file=sys.stderr, flush=True)
    return row


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


def text(rows: list[dict], version: str, platform: str) -> str:
    """Return the table."""
    size = rows[0]["size"] / 1e9
    lines = [
        f"Upgrade to {version} on {platform}, database of {size:.2f} GB",
        f"{'':40}{'chat away':>12}{'undo':>10}{'copy':>10}",
    ]
    for row in rows:
        cells = [f"{row[key]:.2f} s" if row[key] is not None else "" for key in ("outage", "undo", "copy")]
        lines.append(f"{row['case']:40}{cells[0]:>12}{cells[1]:>10}{cells[2]:>10}")
    lines.append("undo: from the failure that was seen to the old version proved healthy again")
    return "\n".join(lines)
