"""A folder of a host that has a small disk of its own for a while, and what fills it."""

from __future__ import annotations

import contextlib

CLUSTER = "/var/lib/postgresql/15/main"
POSTGRESQL = "postgresql@15-main"  # the cluster itself: the unit without a number does not wait for it
_MOUNT = """
cd / && set -e
systemctl stop UNITS 2>/dev/null
rm -rf /root/kept && cp -a FOLDER /root/kept
mount -t tmpfs -o size=$(($(du -sm FOLDER | cut -f1) + MORE))m,mode=700 small FOLDER
chown --reference=/root/kept FOLDER
cp -a /root/kept/. FOLDER/
"""


@contextlib.contextmanager
def small_disk(upgrading, folder, more, units=""):
    """Give *folder* a disk that has *more* MiB free; afterwards it is as it was before.

    units: that must not run while it is mounted and unmounted. PostgreSQL and the server run when this is entered.
    """
    upgrading.run(_MOUNT.replace("FOLDER", folder).replace("MORE", str(more)).replace("UNITS", units), timeout=120)
    try:
        upgrading.run(f"systemctl start {POSTGRESQL} && systemctl start mattermost")
        upgrading.deployment.wait_until_healthy()
        yield
    finally:
        upgrading.run(f"systemctl stop mattermost-switch mattermost {POSTGRESQL}; umount {folder}; rm -r /root/kept")
        upgrading.run(f"systemctl start {POSTGRESQL}")


def fill(upgrading, folder, left=0):
    """Fill its disk up to *left* MiB."""
    upgrading.run(
        f"touch {folder}/filler; free=$(df -Pk {folder} | awk 'NR == 2 {{ print $4 }}');"
        f" head -c $((free - {left} * 1024))K /dev/zero >{folder}/filler; true"
    )


def empty(upgrading, folder):
    """Take away what fills it, and start PostgreSQL, which may have ended without room."""
    upgrading.run(f"rm {folder}/filler; systemctl start {POSTGRESQL}")
