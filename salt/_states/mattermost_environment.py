"""The server's environment file: how it logs in to its database, the mail password, and what the user adds."""

from __future__ import annotations

import os

import mattermost_config_file as files
import mattermost_environment_core as core
import mattermost_release_tree as releases
from mattermost_answer import answer as _ret


def managed(name, paths, release, database, socket_dir, server, mail_password=""):
    """Hold the environment file, which root alone reads.

    name: absolute path. paths, release, database, server: from the merged settings. socket_dir: folder of
    PostgreSQL's socket. mail_password: SMTP password, empty for none.
    Changes name variables, never values, and hold ``restart: True`` when a running server must be restarted to see them.
    Result False, with nothing changed, for a variable that the server would ignore or that works against a setting.
    """
    test, given = __opts__["test"], server["environment"]
    try:
        tree = releases.wanted(paths["install"], release)
        shipped = files.read_json(os.path.join(tree, "config", "config.json"))
        if shipped is not None:
            found = core.faults(given, shipped, os.path.basename(tree), server["config"], server["insist"])
            if found:
                return _ret(name, False, "\n".join(found))
        elif not test:
            return _ret(
                name,
                False,
                f"Mattermost {os.path.basename(tree)} is not unpacked at {tree}. Apply the state mattermost.deploy.server to this host: that state unpacks Mattermost first.",
            )
        password = _database_password(database, paths)
        if database["auth"] == "password" and not password:
            return _ret(name, None, f"Would write {name} once the database password is generated.")
        text = core.rendered({**_ours(database, socket_dir, password, mail_password, server["license"]), **given})
        old = _read(name)
    except (files.FileError, ValueError, OSError) as err:
        return _ret(name, False, str(err))

    changes, restart = _changes(name, old, text), ""
    # the server reads the file when it starts; one written by a run that was cut short is still unread
    if old is not None and (old != text or files.changed_since_start(name, os.path.join(paths["run"], "local.socket"))):
        restart = f" The server reads {name} only at its start, so it {'would be' if test else 'is'} restarted."
        changes["restart"] = True
    if not changes:
        return _ret(name, True, f"{name} is up to date.")
    if test:
        return _ret(name, None, f"Would write {name}.{restart}", changes)
    if old != text or _mode(name):
        os.makedirs(os.path.dirname(name), mode=0o755, exist_ok=True)
        files.write(name, text)
        return _ret(name, True, f"Wrote {name}.{restart}", changes)
    return _ret(name, True, restart.strip(), changes)


def _ours(database, socket_dir, password, mail_password, license_text) -> dict:
    source = core.data_source(database["name"], database["user"], socket_dir, password or "", database["port"])
    variables = {"MM_SQLSETTINGS_DATASOURCE": source}
    if mail_password:
        variables["MM_EMAILSETTINGS_SMTPPASSWORD"] = mail_password
    if license_text:
        variables["MM_LICENSE"] = license_text.strip()
    return variables


def _database_password(database, paths):
    if database["auth"] != "password":
        return ""
    return database["password"] or __salt__["mattermost_secret.get"](
        "database-password", f"{paths['settings']}/secrets"
    )


def _read(name):
    try:
        with open(name, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _mode(name) -> dict:
    return files.permission_changes(name, 0, 0) if os.path.lexists(name) else {}


def _changes(name, old, text) -> dict:
    """Names of variables only: a diff would show the values."""
    before, after = core.parsed(old or ""), core.parsed(text)
    parts = {
        "added": sorted(after.keys() - before.keys()),
        "changed": sorted(key for key in after.keys() & before.keys() if after[key] != before[key]),
        "removed": sorted(before.keys() - after.keys()),
        "text": "rewritten" if old is not None and old != text and before == after else "",
    }
    return {**{part: names for part, names in parts.items() if names}, **_mode(name)}
