"""The server's data in the wanted major of PostgreSQL, brought over from another one where that is needed.

All that can be done while the server goes on is done here: packages, the new cluster, pg_upgrade's own check. The change
itself is the work of the host program ``mattermost-postgresql``, which undoes it when anything fails.
"""

from __future__ import annotations

import os
import subprocess

import mattermost_config_file as config_file
import mattermost_database_cluster as host
import mattermost_database_major_cluster as ready
import mattermost_database_major_core as core
import mattermost_database_major_in_use as majors
import mattermost_database_plan as plan
import mattermost_engine as engine
import mattermost_release_tree as releases
import mattermost_service_core as service_core
import mattermost_subprocess
from mattermost_answer import answer as _ret
from mattermost_release_facts import effective
from salt.exceptions import CommandExecutionError

PROGRAM = "/usr/local/sbin/mattermost-postgresql"
UNIT = "mattermost-postgresql"


def upgraded(name, cluster, port, release, paths, superuser_password="", share=False):
    """Bring the data to the major that *cluster* describes, unless it is there.

    name: database. cluster: the branch ``platform.postgresql`` of the settings. port: TCP port of both clusters.
    release, paths: branches of the settings. Mattermost must run on the new major.
    share: databases of others in the cluster are brought over too; without it they are a refusal.
    False, with the server on its old cluster, when it is refused or fails. The old cluster is kept, stopped.
    """
    wanted, folder = int(cluster["version"]), os.path.join(paths["work"], majors.FOLDER)
    testing = __opts__["test"]
    if os.path.exists(os.path.join(folder, "journal")):
        if testing:
            return _ret(name, None, "Would wait until an earlier upgrade of PostgreSQL has ended.")
        subprocess.run([PROGRAM, "wait"], capture_output=True)
    found = majors.inspect(cluster["template"], paths["work"])
    serving = majors.in_use(found)
    version = effective(release, releases.current(paths["install"]))
    fault = core.refusal(serving, wanted, found.retained, engine.command(engine.DEPLOY, __opts__, paths["work"]))
    fault = fault or plan.too_old(wanted, version, engine.command(engine.POSTGRESQL, __opts__, paths["work"]))
    if fault:
        return _ret(name, False, fault)
    if serving == wanted:
        kept = (
            f" Stopped, but kept on this host: PostgreSQL {', '.join(map(str, sorted(found.retained)))}. To see its directory and size, run on the host: mattermost-postgresql status"
            if found.retained
            else ""
        )
        return _ret(name, True, f"The server's data is in PostgreSQL {wanted}.{kept}")
    old, new = (
        host.Cluster(majors.cluster(cluster, serving), superuser_password),
        host.Cluster(cluster, superuser_password),
    )
    try:
        need, free = ready.disk_space(old)
        fault = core.too_little_room(need, free, cluster["data_dir"])
        if fault:
            return _ret(name, False, fault)
        seen = ready.inspect(old)
        of_others = core.others(seen["databases"] or [], name)
        if of_others and not share:
            return _ret(name, False, core.not_shared(of_others))
        if wanted in found.retained:
            raise host.DatabaseError(
                f"The stopped cluster in {cluster['data_dir']} is from an upgrade that was rolled back. Messages that were posted after that "
                "upgrade may exist only there. Copy by hand what you need. To delete that cluster, run on the host: mattermost-postgresql "
                f"forget {wanted}. Then start the upgrade again."
            )
        if new.is_initialised() and found.pending != wanted:
            raise host.DatabaseError(
                f"{cluster['data_dir']} already contains a cluster that this bundle did not create. Remove that "
                f"cluster, or set mattermost:database:version to {serving} to stay with PostgreSQL {serving}."
            )
        changes = {"postgresql": {"old": serving, "new": wanted}}
        if testing:
            comment = f"Would upgrade {need // 1024} MiB of data from PostgreSQL {serving} to {wanted}. During the upgrade the server would be stopped."
            return _ret(name, None, comment, changes)
        gone = _make_ready(old, new, seen, port, folder)
        _write_conf(name, old, new, port, paths)
    except (host.DatabaseError, OSError) as err:
        return _ret(name, False, f"{host.sentence(str(err))} The server stays with PostgreSQL {serving}.")
    return _do(name, changes, gone)


def _make_ready(old, new, seen, port, folder):
    wanted = new.data["version"]
    reason = "The host's package repositories do not contain these packages."
    try:
        with ready.NoClusterOfTheirOwn():
            __salt__["pkg.install"](pkgs=new.data["packages"], refresh=True, install_recommends=False)
    except CommandExecutionError as err:
        reason = host.sentence(" ".join(str(err).split())[:600])
    if not new.is_installed():
        raise host.DatabaseError(
            f"The packages {', '.join(new.data['packages'])} could not be installed. {reason} Check whether the host "
            f"reaches its package repositories, or set mattermost:database:version back to {old.data['version']}."
        )
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if new.is_initialised() and not ready.drop(new):
        raise host.DatabaseError(
            f"The cluster of an earlier attempt in {new.data['data_dir']} could not be removed. Run on the host: {' '.join(new.data['remove'])}. Then start the upgrade again."
        )
    # from here on the cluster is ours to remove, and no deploy takes it for the one at work
    config_file.write(os.path.join(folder, "next"), f"{wanted}\n")
    try:
        gone = ready.create(new, seen, old, port)
        ready.check_upgrade(old, new)
    except host.DatabaseError:
        if ready.drop(new):  # else the next run takes it for ours and tries again
            os.unlink(os.path.join(folder, "next"))
        raise
    return gone


def _write_conf(name, old, new, port, paths):
    values = {
        "work": paths["work"],
        "settings": paths["settings"],
        "service": "mattermost.service",
        "database": name,
        "socket_dir": new.data["socket_dir"],
        "port": port,
        "new_logs": new.data["logs"],
        "new_remove": " ".join(new.data["remove"]),
    }
    for side, cluster in (("old", old), ("new", new)):
        facts = cluster.data
        values |= {
            f"{side}_version": facts["version"],
            f"{side}_bin": facts["bin_dir"],
            f"{side}_config": facts["config_dir"],
            f"{side}_data": facts["data_dir"],
            f"{side}_service": facts["service"],
            f"{side}_enable": facts["enable"],
        }
    config_file.write(os.path.join(paths["settings"], "postgresql-upgrade.conf"), core.conf(values))
    if not host.systemctl("daemon-reload") or not host.systemctl("enable", UNIT):
        raise host.DatabaseError(f"{UNIT}.service could not be enabled. See on the host: systemctl status {UNIT}")


def _do(name, changes, gone):
    done = mattermost_subprocess.run([PROGRAM, "upgrade"])
    report = service_core.report(done.stdout)
    comment = service_core.comment(report, done.stderr.strip() or done.stdout.strip())
    if done.returncode:
        return _ret(name, False, comment)
    if "outage" in report:
        changes = {**changes, "seconds": int(report["outage"]) / 100}
    changes = {**changes, "kept": report.get("advice", "")}
    if gone:
        comment += (
            f" Settings of the old cluster that do not exist in the new version were left out: {', '.join(gone)}."
        )
    return _ret(name, True, comment, changes)
