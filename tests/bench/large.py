"""How long the operations of a site with much data take, and how much of the disk each needs meanwhile: ``make bench ONLY=large``."""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import time

from tests.bench.upgrades import SIZE, outage
from tests.probe import Probe, Target
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

LIMIT = 6 * 3600  # seconds for one operation
RATE = 5  # requests a second
REPOSITORY = "/var/backups/mattermost"
# posts as a server writes them, of 512 characters that compress to half; one row and its share of the indexes take 1 KB
POSTS = """
cd /; runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 -d mattermost <<'END'
SET ROLE mattermost;
SET maintenance_work_mem = '512MB';
ALTER TABLE posts DROP CONSTRAINT posts_pkey;
DROP INDEX idx_posts_channel_id_delete_at_create_at;
INSERT INTO posts (id, createat, updateat, deleteat, userid, channelid, rootid, message, type, props, fileids, editat)
 SELECT left(md5(n::text), 26), createat - 1000::bigint * n, updateat - 1000::bigint * n, 0, userid, channelid, '', MESSAGE, '', props, fileids, 0
 FROM (SELECT * FROM posts WHERE deleteat = 0 AND type = '' LIMIT 1) one, generate_series(1, (GIGABYTES * 1150000)::int) n;
ALTER TABLE posts ADD PRIMARY KEY (id);
CREATE INDEX idx_posts_channel_id_delete_at_create_at ON posts (channelid, deleteat, createat);
CREATE INDEX idx_posts_user_id ON posts (userid);
CREATE INDEX idx_posts_create_at ON posts (createat);
RESET ROLE;
CHECKPOINT;
END
""".replace("MESSAGE", " || ".join(f"md5((n + {part}00000000)::text)" for part in range(1, 17)))
# what does not compress, in files of 4 MB by day
FILES = """
set -e; cd /var/opt/mattermost/data
for day in $(seq COUNT); do
 mkdir -p "large/$day"
 openssl enc -aes-128-ctr -pass "pass:$day" -nosalt -md sha256 </dev/zero 2>/dev/null | head -c 500000000 | split -b 4M - "large/$day/"
done
chown -R --reference=. large; sync
"""


class Peak:
    """While it is entered: how many bytes more of the disk of *place* were used at most than before."""

    def __init__(self, place):
        self.place, self.bytes, self._done = place, 0, threading.Event()

    def _free(self) -> int:
        return shutil.disk_usage(self.place).free

    def __enter__(self):
        before = self._free()

        def watch():
            while not self._done.wait(1):
                self.bytes = max(self.bytes, before - self._free())

        self._thread = threading.Thread(target=watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


class Large:
    """A host with the older of two releases deployed, and with *gigabytes* in its database and *files* GB of files."""

    def __init__(self, lab, releases, platform: str, gigabytes: float, files: float):
        self.lab, self.releases, self.platform, self.files, self.rows = lab, releases, platform, files, []
        self._make("bench-large")
        try:
            self.orchestrated("mattermost.ssl")
            Chat(self.site).post([1])
            self.site.ssh(POSTS.replace("GIGABYTES", str(gigabytes)), timeout=LIMIT)
            self.site.ssh(FILES.replace("COUNT", str(round(files * 2))), timeout=LIMIT)
            self.size = int(self.site.ssh(SIZE))
        except BaseException:
            self.host.remove()
            raise

    def _make(self, name: str, start=True) -> None:
        self.host = self.lab.host(name, self.platform, fresh=True, start=start)
        self.site = Deployment(self.lab, self.host, self.releases[0], "bench-large.example.test")
        self.site.set(backup={"password": "of the measurement"})

    def orchestrated(self, name: str) -> None:
        run = self.site.orchestrate(name, timeout=LIMIT)
        if run.rc != 0:
            raise RuntimeError(str(run))

    def row(self, case: str, act, watched=True) -> None:
        """Add what *act* takes: seconds, seconds without chat, bytes of the disk at most, and of the repository afterwards."""
        target = Target(self.site.name, self.host.address, ca_file=str(self.lab.ca_file))
        probe = Probe(target, rate=RATE, limit=LIMIT)
        begun = time.monotonic()
        with probe if watched else contextlib.nullcontext(), Peak(self.host.root) as peak:
            act()
            took = time.monotonic() - begun
            if watched:
                self.site.wait_until_healthy()
        repository = int(self.site.ssh(f"du -sB1 {REPOSITORY} 2>/dev/null | cut -f1", timeout=LIMIT) or 0)
        away = outage(probe.report) if watched else None
        self.rows.append({"case": case, "seconds": took, "away": away, "peak": peak.bytes, "repository": repository})
        print(self.rows[-1], file=sys.stderr, flush=True)

    def operated(self) -> None:
        """Add what is done while the site is up. A drill needs the disk for a second site, and is left out without it."""
        for name in ("preflight", "backup", "backup"):
            self.row(name, lambda name=name: self.orchestrated(f"mattermost.{name}"))
        if shutil.disk_usage(self.host.root).free > 1.2 * (self.size + self.files * 1e9):
            self.row("drill", lambda: self.orchestrated("mattermost.drill"))
        self.site.use(self.releases[1])
        self.row("upgrade", lambda: self.orchestrated("mattermost.ssl"))
        self.row("going back", lambda: self.site.ssh("mattermost-switch back overwrite", timeout=LIMIT))

    def restored(self) -> None:
        """Add a restore on a new host that has nothing but the repository. The old host is removed first.

        The repository is renamed in the hosts' own layers: copied, it would need its room twice.
        """
        kept = self.lab.directory / "large-repository"
        self.host.stop()
        self.host.unmount()
        (self.host.directory / "upper" / REPOSITORY[1:]).rename(kept)
        self.host.remove()
        self._make("bench-bare", start=False)
        self.host.unmount()
        place = self.host.directory / "upper" / REPOSITORY[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        kept.rename(place)
        self.host.start()
        self.row("restore on a bare host", lambda: self.orchestrated("mattermost.restore"), watched=False)
        self.row("deploy of the rest", lambda: self.orchestrated("mattermost.ssl"), watched=False)


def measure(lab, releases, platform: str, gigabytes: float, files: float) -> dict:
    """Return the ``rows`` and the database's ``size`` in bytes. gigabytes: of the database. files: GB."""
    site = Large(lab, releases, platform, gigabytes, files)
    try:
        site.operated()
        site.restored()
        return {"size": site.size, "files": files, "rows": site.rows}
    finally:
        site.host.remove()


def text(found: dict) -> str:
    """Return the table. found: of `measure`."""
    lines = [f"Database of {found['size'] / 1e9:.2f} GB, {found['files']:g} GB of files"]
    lines.append(f"{'':26}{'time':>10}{'chat away':>12}{'disk at most':>14}{'repository':>12}")
    for row in found["rows"]:
        away = "" if row["away"] is None else f"{row['away']:.1f} s"
        sizes = [f"{row[key] / 1e9:.1f} GB" for key in ("peak", "repository")]
        lines.append(f"{row['case']:26}{row['seconds']:>8.0f} s{away:>12}{sizes[0]:>14}{sizes[1]:>12}")
    return "\n".join(lines)
