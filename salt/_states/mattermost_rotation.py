"""New values for the secrets that were born on this host; none is ever in arguments, output or changes.

Not rotated, for what they lock would be lost: ``AtRestEncryptKey`` (values in the database) and ``PublicLinkSalt`` (links that
were given away) of config.json. The keys of the certificate change with its renewal.
"""

from __future__ import annotations

import os
import shutil

import mattermost_atomic_file as atomic
import mattermost_config_file as files
import mattermost_database_cluster as host
import mattermost_database_plan as plan
import mattermost_engine as engine
import mattermost_rotation_core as rotation
import mattermost_secret_core as core
import mattermost_subprocess
from mattermost_answer import answer as _ret

PROGRAM = "/usr/local/sbin/mattermost-new-backup-password"
DATABASE_PROGRAM = "/usr/local/sbin/mattermost-new-database-password"
UNIT = "mattermost-rotate"
UNTOUCHED = (
    "AtRestEncryptKey and PublicLinkSalt stay unchanged. New ones would make stored values and public links unreadable."
)


def database_password(name, auth, given, database, cluster, paths, superuser_password=""):
    """Replace the database's password: in the database, in the server's environment file and in the store, or nowhere.

    name: directory of the store. auth: peer (there is no password) or password. given: the settings name one.
    database, paths: branches of the settings. cluster: ``platform.postgresql``.
    The server is restarted. When it is not healthy with the new password the host puts the old one back, with no controller;
    False then.
    """
    if given:
        return _ret(
            name,
            True,
            f"The database password is set in mattermost:database:password. Change the password there, then deploy. {UNTOUCHED}",
        )
    if auth == "peer":
        return _ret(
            name,
            True,
            f"The database has no password, because the server logs in over the socket with its own account. {UNTOUCHED}",
        )
    changes = {"database-password": "replaced"}
    if __opts__["test"]:
        said = "Would replace the database password and restart the server."
        return _ret(name, None, said, changes)
    try:
        _make_ready(name, database, host.Cluster(cluster, superuser_password), paths)
    except (host.DatabaseError, core.SecretError, OSError) as err:
        return _ret(name, False, f"The database password cannot be replaced: {err}")
    done = mattermost_subprocess.run([DATABASE_PROGRAM])
    if done.returncode:
        return _ret(name, False, f"{done.stdout} {done.stderr}".strip())
    return _ret(name, True, f"{done.stdout.strip()} {UNTOUCHED}", changes)


def _make_ready(store, database, cluster, paths):
    for command in (["daemon-reload"], ["enable", "--quiet", UNIT]):
        done = mattermost_subprocess.run(["systemctl", *command])
        if done.returncode:
            raise host.DatabaseError(done.stderr.strip())
    done = mattermost_subprocess.run([DATABASE_PROGRAM, "wait"])  # what a run that was cut short left open
    if done.returncode:
        raise host.DatabaseError(done.stderr.strip())
    role = cluster.query(plan.facts_query(database["name"], database["user"]))["role"]
    if not role:
        raise host.DatabaseError(
            f"PostgreSQL has no role {database['user']}. Run first: {engine.command(engine.DEPLOY, __opts__, paths['work'])}"
        )
    with open(os.path.join(paths["settings"], "environment"), encoding="utf-8") as file:
        text = file.read()
    core.fix_permissions(store, "database-password")
    draft, place = os.path.join(store, "rotation.new"), os.path.join(store, "rotation")
    shutil.rmtree(draft, ignore_errors=True)
    os.mkdir(draft, 0o700)
    for part, value in rotation.made_ready(database, role["verifier"], text, core.generate()).items():
        files.write(os.path.join(draft, part), value)
    atomic.rename(draft, place)


def backup_password(name, given=False):
    """Replace the password of the backups' repository, whose old one opens nothing afterwards.

    name: directory of the store. given: the settings name one, which is left alone.
    """
    if given:
        how = "run on the host `mattermost-backup restic key passwd`, then set the same password in mattermost:backup:password, and deploy"
        return _ret(
            name, True, f"The password of the backup repository is set in the settings. To change that password, {how}."
        )
    if not os.path.exists(core.path(name, "backup-password")):
        return _ret(name, True, "This host has no backup password yet. A deploy generates one.")
    changes = {"backup-password": "replaced"}
    if __opts__["test"]:
        return _ret(name, None, "Would replace the password of the backup repository.", changes)
    done = mattermost_subprocess.run([PROGRAM])
    if done.returncode:
        return _ret(name, False, done.stderr.strip(), {} if done.returncode == 2 else changes)
    keep = f"copy {core.path(name, 'backup-password')} to a safe place outside this host"
    return _ret(name, True, f"{done.stdout.strip()} Now {keep}.", {"backup-password": f"replaced; {keep}"})
