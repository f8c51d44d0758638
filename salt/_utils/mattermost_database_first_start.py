"""The first start of a cluster: with our settings from the beginning, not with the package's own before. It saves a start and a restart."""

from __future__ import annotations

import contextlib
import os

import mattermost_database_cluster as host
import mattermost_database_owned_files as owned_files
import mattermost_database_setup as setup

HOLD = "/run/systemd/system/{unit}.service.d/mattermost-first-start.conf"
CONDITION = """# The package does not start PostgreSQL, since a deploy is about to, as long as that process lives.
[Unit]
ConditionPathExists=!/proc/{pid}
"""


def hold(cluster: host.Cluster) -> None:
    """Have a package that is about to be installed not start the cluster. It ends with `start`, with this process, and at boot."""
    if cluster.is_installed() or os.path.exists(cluster.data["data_dir"]):
        return
    path = _hold(cluster)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(CONDITION.format(pid=os.getpid()))
    host.systemctl("daemon-reload")


def start(cluster: host.Cluster, wanted: dict[str, str]) -> list[str]:
    """Start the cluster and wait until it takes connections; return the files that were written before, of a cluster that never ran.

    wanted: settings by name. Such a cluster that does not start with them is started without: who sets them then says what is
    wrong. Raises DatabaseError with the log's reason.
    """
    path = _hold(cluster)
    if os.path.exists(path):
        os.unlink(path)
        os.rmdir(os.path.dirname(path))
        host.systemctl("daemon-reload")
    # PostgreSQL writes it when it starts
    if not os.path.exists(os.path.join(cluster.data["data_dir"], "postmaster.opts")):
        fresh = {"config_file": os.path.join(cluster.data["config_dir"], "postgresql.conf"), "files": []}
        with contextlib.suppress(host.DatabaseError):
            texts = setup.texts(fresh, wanted)
            with owned_files.on_trial(texts):
                setup.start(cluster)
            return sorted(texts)
    setup.start(cluster)
    return []


def _hold(cluster: host.Cluster) -> str:
    return HOLD.format(unit=cluster.data["service"])
