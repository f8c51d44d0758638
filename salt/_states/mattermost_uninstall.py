"""End of a removal: our files, the accounts that came with us, and the note of what is left on the host."""

from __future__ import annotations

import fnmatch
import grp
import os
import pwd

import mattermost_baseline_record as records
import mattermost_commands as commands
import mattermost_packages as packages
import mattermost_remove_core as core
import mattermost_remove_files as remove_files
from mattermost_answer import answer as _ret
from mattermost_database_files import SQL_ACCOUNT

BACKUP = "/usr/local/sbin/mattermost-backup"


def files(name, paths, purge, repository, password_given):
    """Have our files gone: programs and what a deploy writes anew, or everything.

    purge: the data too. repository: of the backups; while that is elsewhere, or has backups, its password stays even then, unless it is
    among the settings (password_given): nobody could read the backups without it.
    """
    record = records.read(paths["work"]) or {}
    existing = record.get("directories", ())

    def was_created(folder):
        return bool(record) and folder not in existing

    password = f"{paths['settings']}/secrets/backup-password" if _keeps_password(repository, password_given) else ""
    going = remove_files.everything(paths, was_created, password) if purge else remove_files.kept_aside(paths)
    going = [path for path in going if os.path.lexists(path)]
    webroot = paths["webroot"]
    if os.path.isdir(webroot) and was_created(webroot):
        going.append(webroot)
    if purge and record and not remove_files.is_elsewhere(repository):
        if was_created(repository) and _is_empty(repository):  # since the backups in it went
            going.append(repository)
        elif not __opts__["test"]:
            remove_files.prune(repository, existing)
    if not going:
        return _ret(name, True, "No further file of this deployment has to be removed.")
    shown = dict.fromkeys(going, "destroyed" if purge else "removed")
    count = "1 file or directory" if len(going) == 1 else f"{len(going)} files and directories"
    if __opts__["test"]:
        return _ret(name, None, f"Would remove {count}.", shown)
    for path in going:
        remove_files.remove(path)
        remove_files.prune(os.path.dirname(path), existing if record else (os.path.dirname(path),))
    return _ret(name, True, f"{count} {'was' if len(going) == 1 else 'were'} removed.", shown)


def _is_empty(folder):
    is_plain = os.path.isdir(folder) and not os.path.islink(folder) and not os.path.ismount(folder)
    return is_plain and not os.listdir(folder)


def _keeps_password(repository, password_given):
    return _backups_stay(repository) and not password_given


def _backups_stay(repository):
    """Say whether a purge leaves backups: those elsewhere, and those that `mattermost_remove.backups` could not list and so did not destroy."""
    going = __opts__["test"] and os.path.exists(BACKUP)
    return remove_files.is_elsewhere(repository) or (os.path.exists(f"{repository}/config") and not going)


def accounts(name, user, paths, purge, others):
    """Have the accounts gone that came with us, when nothing of theirs is left.

    user: the service user. While the data stay it does, as their owner. others: account or group -> the package that made
    it (a shell pattern), which must be gone. What such an account still owns becomes root's: its number may be somebody
    else's one day.
    """
    record = records.read(paths["work"])
    if not record:
        return _ret(
            name,
            True,
            "No account was removed, because this host has no record of its accounts from before the first deploy.",
        )
    users, groups = {each.pw_name for each in pwd.getpwall()}, {each.gr_name for each in grp.getgrall()}
    try:
        installed = packages.Packages().names()
    except packages.PackageError as err:
        return _ret(name, False, f"No account was removed: {err}")
    gone = [each for each, package in others.items() if not fnmatch.filter(installed, package)]
    gone.append(SQL_ACCOUNT)
    if purge:
        gone.insert(0, user)
    going = [each for each in gone if each in users and each not in record["users"]]
    going_groups = [each for each in gone if each in groups and each not in record["groups"]]
    if not going and not going_groups:
        return _ret(
            name,
            True,
            "No further account of this deployment has to be removed."
            if purge
            else f"The account {user} stays, because it owns the data.",
        )
    shown = {**dict.fromkeys(going, "removed"), **{f"group {each}": "removed" for each in going_groups}}
    if __opts__["test"]:
        return _ret(name, None, f"Would remove {', '.join(shown)}.", shown)
    for each in going:
        remove_files.end_processes(pwd.getpwnam(each).pw_uid)
        remove_files.give_to_root(pwd.getpwnam(each).pw_uid)
    os.sync()  # a power cut brings back no file of theirs, which would be of whoever gets the number next
    for each in going:
        fault = commands.failure("userdel", each)
        if fault:
            return _ret(name, False, fault)
    for each in going_groups:
        fault = commands.failure("groupdel", each)
        if fault and each in {
            group.gr_name for group in grp.getgrall()
        }:  # userdel takes an account's own group with it
            return _ret(name, False, fault)
    return _ret(name, True, f"Accounts and groups that the deploy created were removed: {', '.join(shown)}.", shown)


def recorded(
    name, platform, paths, purge, public_name, database_name, data_dir, repository, password_given, certificates
):
    """End the removal: note what is left for the next deploy, or take the last trace of it away.

    The comment says what stays, where, and how to use it. data_dir: of the database's cluster. certificates: certbot's
    directory. Others: as in the states before.
    """
    record, work = records.read(paths["work"]), paths["work"]
    password = f"{paths['settings']}/secrets/backup-password" if _keeps_password(repository, password_given) else ""
    if purge:
        where = "on another machine" if remove_files.is_elsewhere(repository) else f"in {repository}"
        stays = core.what_stays_of_a_purge(where if _backups_stay(repository) else "", password)
    else:
        places = {"database": f"{database_name} (PostgreSQL in {data_dir})", "files and configuration": paths["state"]}
        places |= {"secrets": paths["settings"], "certificate": certificates, "backups": repository}
        places["version"] = f"{remove_files.kept_version(paths['install'])} ({paths['install']}/current)"
        stays = core.what_stays(public_name, places)
    if not purge:
        if record and "left" not in record:
            if __opts__["test"]:
                return _ret(name, None, stays)
            try:
                now = records.inspect(platform, paths)
            except (packages.PackageError, OSError) as err:
                return _ret(name, False, f"What is left on this host could not be recorded: {err}")
            os.sync()  # what this and the states before removed does not come back by a power cut
            kinds = ("packages", "users", "groups", "directories", "letsencrypt", "cluster")
            records.write(work, {**record, "left": {kind: now[kind] for kind in kinds}})
            return _ret(name, True, stays, {"noted": records.path(work)})
        return _ret(name, True, stays)
    if not os.path.isdir(work):
        return _ret(name, True, stays)
    if __opts__["test"]:
        return _ret(name, None, f"Would remove {work}.", {work: "removed"})
    remove_files.remove(work)
    remove_files.prune(os.path.dirname(work), (record or {}).get("directories") or (os.path.dirname(work),))
    os.sync()  # as above
    return _ret(name, True, stays, {work: "removed"})
