"""Bring a cluster up and its settings to what Mattermost needs; the old files come back when that fails.

The order: look (one query), write, let PostgreSQL itself judge the files, then restart or reload, as little as will do.
"""

from __future__ import annotations

import os

import mattermost_database_cluster as host
import mattermost_database_files as files
import mattermost_database_owned_files as owned_files
from mattermost_lines import lines_of

DROP_IN = os.path.join("conf.d", "mattermost.conf")
LOOPBACK = ("localhost", "127.0.0.1", "::1", "")
NOT_YET = "setting could not be applied"  # what PostgreSQL says of a setting that waits for a restart

FACTS_QUERY = """SELECT json_build_object(
 'config_file', current_setting('config_file'),
 'loaded', extract(epoch FROM pg_conf_load_time()),
 'current', (SELECT json_object_agg(name, current_setting(name)) FROM pg_settings WHERE name IN ({names}) OR name IN ({ours})),
 'at_start', (SELECT json_agg(name) FROM pg_settings WHERE context = 'postmaster' AND (name IN ({names}) OR name IN ({ours}))),
 'pending', (SELECT json_agg(name) FROM pg_settings WHERE pending_restart AND name IN ({names})),
 'files', (SELECT json_agg(json_build_object('name', name, 'value', setting, 'file', sourcefile) ORDER BY seqno)
   FROM pg_file_settings WHERE name IN ({names}) OR name IN ({ours})));
"""
# what our file sets now, also what it is about to set no longer
OURS = "SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%/conf.d/mattermost.conf'"
ERRORS_QUERY = """SELECT format('%s line %s: %s%s', sourcefile, sourceline, name || ': ', error) FROM pg_file_settings
 WHERE error IS NOT NULL AND NOT (error = '{not_yet}' AND name IN ({names}))
 AND error NOT LIKE 'parameter "%" cannot be changed without restarting the server';
"""


def _names(names) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _drop_in(facts: dict) -> str:
    return os.path.join(os.path.dirname(facts["config_file"]), DROP_IN)


def managed(facts: dict, wanted: dict[str, str], by_user=()) -> dict[str, str]:
    """Return the settings that are ours to set: *wanted* less those that the administrator chose in another file.

    by_user: names that the user's settings say, which are ours in any case.
    """
    others = {entry["name"]: entry["value"] for entry in facts["files"] or [] if entry["file"] != _drop_in(facts)}
    return files.without_others(wanted, others, by_user)


def overruled(facts: dict) -> dict[str, tuple[str, str]]:
    """Return ``{name: (file, value)}`` for settings of ours that a file read later sets again."""
    last, ours = {}, set()
    for entry in facts["files"] or []:
        last[entry["name"]] = (entry["file"], entry["value"])
        if entry["file"] == _drop_in(facts):
            ours.add(entry["name"])
    return {name: found for name, found in last.items() if name in ours and found[0] != _drop_in(facts)}


def no_longer_set(facts: dict, wanted: dict[str, str], by_user=()) -> set[str]:
    """Return the names that our file sets and shall set no longer, where nothing read later sets them."""
    ours = {entry["name"] for entry in facts["files"] or [] if entry["file"] == _drop_in(facts)}
    return ours - set(managed(facts, wanted, by_user)) - set(overruled(facts))


def conflicts(facts: dict, wanted: dict[str, str]) -> list[str]:
    """Return a sentence for each setting that must hold and that a file read later takes away."""
    faults = []
    for name, (path, value) in overruled(facts).items():
        if name not in wanted:
            continue
        harmless = value == wanted[name] or name not in (*files.ESSENTIAL, "max_connections")
        if name == "listen_addresses":
            harmless = all(part.strip() in LOOPBACK for part in value.split(","))
        elif name == "max_connections":
            harmless = value.isdigit() and int(value) >= int(wanted[name])
        if not harmless:
            how = (
                f"run in psql: ALTER SYSTEM RESET {name}"
                if path.endswith("postgresql.auto.conf")
                else "remove that line from the file"
            )
            faults.append(
                f"{path} sets {name} to {value} and overrides this bundle's file, but this bundle needs {wanted[name]}. On the host, {how}."
            )
    return faults


def differences(facts: dict, wanted: dict[str, str], names, by_user=()) -> dict[str, dict]:
    """Return ``{name: {old, new}}`` for those of *names* that are ours and not in force.

    A value that the user wrote in another way than PostgreSQL prints it (``4096MB``, ``4GB``) is told by the file alone.
    """
    current, lost, set_by_us = facts["current"], overruled(facts), {}
    for entry in facts["files"] or []:
        if entry["file"] == _drop_in(facts):
            set_by_us[entry["name"]] = entry["value"]
    found = {}
    for name, value in managed(facts, wanted, by_user).items():
        if name not in names or name in lost or current.get(name) == value:
            continue
        if name not in by_user or set_by_us.get(name) != value or name in (facts.get("pending") or []):
            found[name] = {"old": current.get(name), "new": value}
    for name in no_longer_set(facts, wanted, by_user) & set(names):
        found[name] = {"old": current.get(name), "new": "not set by us"}
    return found


def texts(facts: dict, wanted: dict[str, str], by_user=()) -> dict[str, str]:
    """Return ``{path: text}`` for the files that have to change."""
    return owned_files.changed(
        {
            _drop_in(facts): lambda text: files.drop_in(managed(facts, wanted, by_user)),
            facts["config_file"]: files.with_include,
        }
    )


class Setup:
    """Settings for one running cluster.

    wanted: settings by name. by_user: names of *wanted* that the user's settings say. Raises DatabaseError.
    """

    def __init__(self, cluster: host.Cluster, wanted: dict[str, str], by_user=()):
        self.cluster, self.wanted, self.by_user = cluster, wanted, tuple(by_user)
        self.facts = self.inspect()
        self.at_start = {*files.AT_START, *(self.facts["at_start"] or [])}
        self.texts = texts(self.facts, wanted, self.by_user)
        names = {*wanted, *self.at_start} if _drop_in(self.facts) in self.texts else self.at_start
        self.differences = differences(self.facts, wanted, names, self.by_user)

    def inspect(self) -> dict:
        """Return what the cluster has, see `FACTS_QUERY`."""
        return self.cluster.query(FACTS_QUERY.format(names=_names(self.wanted), ours=OURS))

    def is_unread(self) -> bool:
        """Say whether a file is newer than what PostgreSQL has read."""
        return owned_files.newer((_drop_in(self.facts), self.facts["config_file"]), self.facts["loaded"])

    def refusal(self) -> str | None:
        """Return why nothing may be changed, None when it may."""
        faults = conflicts(self.facts, self.wanted)
        port = self.differences.get("port")
        if port and host.is_taken(int(port["new"])):
            faults.append(port_is_taken(port["new"]))
        return " ".join(faults) or None

    def apply(self) -> str:
        """Write, judge, and have it read; return what the cluster needed: "", "reloaded" or "restarted"."""
        unread = self.is_unread()
        try:
            with owned_files.on_trial(self.texts):
                if self.texts:
                    self.judge()
                if {
                    *self.differences,
                    *differences(self.facts, self.wanted, self.at_start, self.by_user),
                } & self.at_start:
                    self.restart()
                    return "restarted"
        except host.DatabaseError:
            if not self.cluster.running():
                self.cluster.systemctl("restart")
            raise
        if self.texts or unread:
            self.cluster.psql("SELECT pg_reload_conf();")
            return "reloaded"
        return ""

    def judge(self) -> None:
        """Let PostgreSQL read the files on trial. Raises DatabaseError with what it says about them."""
        sql = ERRORS_QUERY.format(not_yet=NOT_YET, names=_names(self.at_start))
        faults = [host.sentence(fault) for fault in lines_of(self.cluster.psql(sql))]
        self.facts = self.inspect()
        faults += conflicts(self.facts, self.wanted)
        if faults:
            raise host.DatabaseError(
                f"{' '.join(faults)} The files were restored. Correct mattermost:database:settings if the file is conf.d/mattermost.conf, else correct that file."
            )

    def restart(self) -> None:
        """Restart the cluster and wait for it. Raises DatabaseError with the log's reason when it stays down."""
        if not self.cluster.systemctl("restart"):
            raise host.DatabaseError(
                f"PostgreSQL did not start with the new settings. The old settings were restored. {self.cluster.log_tail()} "
                "Check mattermost:database:settings, max_connections and tune.".replace("  ", " ")
            )


def port_is_taken(port) -> str:
    """Return the refusal of a port that another program holds."""
    return (
        f"PostgreSQL needs port {port} of 127.0.0.1, but another program or cluster uses it (see `ss -ltnp` and "
        "`pg_lsclusters`). Set mattermost:database:port to a free port."
    )


def start(cluster: host.Cluster) -> None:
    """Start the cluster and wait until it takes connections. Raises DatabaseError with the log's reason."""
    # restart: the unit may count as active, or as failed too often to be started, while nothing runs
    host.systemctl("reset-failed", cluster.data["service"])
    if not cluster.systemctl("restart"):
        raise host.DatabaseError(
            f"{cluster.data['service']} was started, but its PostgreSQL cluster does not answer. {cluster.log_tail()} "
            f"See on the host: systemctl status {cluster.data['service']}".replace("  ", " ")
        )


def not_at_boot(cluster: host.Cluster) -> str | None:
    """Return what keeps the cluster from starting at boot, None when nothing does.

    Debian asks start.conf beside the unit: auto, manual or disabled.
    """
    text = owned_files.read(os.path.join(cluster.data["config_dir"], "start.conf")) or "auto"
    words = [line.split()[0] for line in lines_of(text) if line.strip() and not line.startswith("#")]
    if words and words[0] != "auto":
        return f"start.conf is set to {words[0]}"
    return None if host.systemctl("is-enabled", cluster.data["enable"]) else f"{cluster.data['enable']} is disabled"


def set_at_boot(cluster: host.Cluster) -> None:
    """Have the cluster started at boot."""
    path = os.path.join(cluster.data["config_dir"], "start.conf")
    if os.path.exists(path):
        owned_files.replace(path, "auto\n")
    if not host.systemctl("enable", cluster.data["enable"]):
        raise host.DatabaseError(
            f"The unit {cluster.data['enable']} could not be enabled. See on the host: systemctl status {cluster.data['enable']}"
        )
