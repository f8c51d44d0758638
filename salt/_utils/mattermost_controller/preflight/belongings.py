"""Whether what a deploy creates or changes on a host is free: absent, empty, or carrying our record. Pure.

Each check takes the merged settings, the facts of ``hosts.probe.parse`` and what the controller saw from outside. A setting that takes
over (``server:adopt``), an import in place and a move let stand what is there.
"""

from __future__ import annotations

import fnmatch

from mattermost_remove_core import is_ours as is_our_unit
from mattermost_remove_files import STATE

from mattermost_controller.findings import Finding, note, ok, refusal, warning
from mattermost_controller.hosts import probe
from mattermost_controller.preflight import release

FIRST_PERSON = 1000  # the lowest number of a person's account
NO_LOGIN = ("nologin", "false")
SHOWN = 3
# what a directory of ours has from its first run on; `state` may also have nothing but what its parts are called
RECORDS = {
    "install": ("current", "[0-9]*.[0-9]*.[0-9]*", ".unpack-*"),
    "state": ("client-plugins",),
    "settings": ("environment", "secrets", "first-admin-login", "certificate", "switch.conf", "backup.conf", "certificate.conf", "notify.conf", "aside.conf"),
    "work": ("before.json", "bundle", "engine", "downloads", "switch", "aside", "moved", "move-target"),
}  # fmt: skip
RESTIC = ("config", "data", "index", "keys", "locks", "snapshots")
ADOPTED = ("install", "state")  # where another installation may have been
EMPTY = ("lost+found",)


def _let(check: str, sentence: str, fix: str, adopts: bool, outside: dict) -> Finding:
    """Return what is found in the way: a refusal, unless a setting (adopts) or the run takes it over."""
    if outside.get("in_place"):
        return note(check, f"{sentence} It belongs to the installation that this import takes over.")
    if adopts:
        return note(check, f"{sentence} mattermost:server:adopt is set, so the deploy takes it over.")
    if outside.get("moving"):
        return warning(check, sentence, fix)
    return refusal(check, sentence, fix)


def is_ours(facts: dict, settings: dict) -> bool:
    """Say whether a run of this tree was at work there; a directory that only has the name of ours is no sign of it."""
    work = facts.get("directories", {}).get(settings["paths"]["work"]) or []
    known = [path for path in facts["files"] if path != settings["paths"]["work"]]
    return release.is_ours({**facts, "files": known}, settings) or _has(work, RECORDS["work"])


def account(settings, facts, outside) -> Finding:
    """The server's account is new or made by us; one with root's number is refused whatever is ignored or adopted."""
    user, found, unit_user = settings["server"]["user"], facts.get("account"), facts.get("unit_user", "")
    adopts = settings["server"]["adopt"]
    fix = "set mattermost:server:user to a name that the host does not have, or set mattermost:server:adopt: True to take over this account."
    if not found:
        if facts.get("group") and not is_ours(facts, settings):
            return _let(
                "account",
                f"The host has a group {user} (mattermost:server:user), but no account.",
                fix,
                adopts,
                outside,
            )
        return ok("account", f"No account {user} exists on the host yet.")
    if found["uid"] == 0:
        return refusal(
            "settings",
            f"mattermost:server:user is {user}, an account with root privileges on this host.",
            "set mattermost:server:user to an account that only the server uses, such as mattermost.",
        )
    can_log_in = not found["shell"].endswith(NO_LOGIN)
    if user == unit_user or (found["home"] == settings["paths"]["state"] and not can_log_in):
        return ok("account", f"The account {user} belongs to the server.")
    others = facts.get("account_units", [])
    what = f"The host has an account {user} (mattermost:server:user) that this bundle did not create"
    if others:
        sentence = f"{what}. {', '.join(others[:SHOWN])} runs under it."
        return _let(
            "account", sentence, "set mattermost:server:user to a name that the host does not have.", False, outside
        )
    if is_ours(facts, settings) and not unit_user:
        return warning("account", f"{what}. A deploy would change its shell and home.", fix)
    if can_log_in:
        return _let(
            "account",
            f"{what}. It can log in ({found['shell']}), and a deploy would prevent that.",
            fix,
            adopts,
            outside,
        )
    if found["uid"] < FIRST_PERSON:
        return _let("account", f"{what}. It is a system account (UID {found['uid']}).", fix, adopts, outside)
    return warning("account", f"{what}. Its home would become {settings['paths']['state']}.", fix)


def directories(settings, facts, outside) -> Finding:
    """Each directory is absent, empty (a mount's lost+found does not count) or has what one of ours has, that of backups what restic has."""
    found = {}  # what is in the way, by setting
    for name in RECORDS:
        path = settings["paths"][name]
        entries = facts.get("directories", {}).get(path, [])
        if entries is None:
            found[name] = f"{path} (mattermost:paths:{name}) is not a directory."
        elif not _is_free(name, entries) and not any(each.startswith(f"{path}/") for each in _configs(facts)):
            shown = f"{', '.join(entries[:SHOWN])}{', ...' if len(entries) > SHOWN else ''}"
            found[name] = f"{path} (mattermost:paths:{name}) contains files that this bundle did not create: {shown}."
    repository = probe.local_repository(settings)
    stored = facts.get("directories", {}).get(repository, [])
    if stored is None or not (set(stored) <= set(EMPTY) or _has(stored, RESTIC)):
        found["backup:repository"] = (
            f"{repository} (mattermost:backup:repository) contains files that are not restic's."
        )
    places = {f"paths:{name}": settings["paths"][name] for name in RECORDS} | {"backup:repository": repository}
    exchanged = {key: facts["loose"][path] for key, path in places.items() if path in facts.get("loose", {})}
    for key, (above, owner) in exchanged.items():
        who = "every account" if owner == "root" else owner
        found.setdefault(
            key.removeprefix("paths:"),
            f"{places[key]} (mattermost:{key}) is below {above}, in which {who} can replace it.",
        )
    run, owner = settings["paths"]["run"], facts.get("run_owner", "")
    if owner not in ("", settings["server"]["user"], facts.get("unit_user", "")):
        found["run"] = f"{run} (mattermost:paths:run) belongs to {owner}."
    if facts.get("run_unit"):
        found["run"] = f"{run} (mattermost:paths:run) is created by the unit {facts['run_unit']}."
    if not found:
        return ok("directories", "The directories are absent, empty or belong to this deployment.")
    adopts = settings["server"]["adopt"] and set(found) <= set(ADOPTED)
    keys = " and ".join(f"mattermost:{name}" if ":" in name else f"mattermost:paths:{name}" for name in found)
    fix = f"set {keys} to a directory that is empty or does not exist, or move the contents away."
    if exchanged:
        fix = f"set {keys} to a directory below which root alone writes, such as one in /srv, or give {next(iter(exchanged.values()))[0]} to root."
        if is_ours(facts, settings):
            return warning("directories", " ".join(found.values()), fix)
    return _let("directories", " ".join(found.values()), fix, adopts, outside)


def _is_free(name: str, entries: list[str]) -> bool:
    known = [each for each in entries if each not in EMPTY]
    if not known or _has(known, RECORDS[name]):
        return True
    return name == "state" and all(_has([each], STATE) for each in known)


def _has(entries: list[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(each, pattern) for each in entries for pattern in patterns)


def _configs(facts) -> list[str]:
    """Return the configurations that the check `existing-config` judges, and whose directories it judges with them."""
    return [path for path in facts["files"] if path.endswith(("/config.json", "mmomni.mattermost.env"))]


def unit(settings, facts, outside) -> Finding:
    """A unit, and a site of nginx, with a name of ours is ours."""
    foreign = [
        path
        for path in facts.get("foreign_units", [])
        if path.endswith(("/mattermost.service", ".conf")) or is_our_unit(path.rpartition("/")[2])
    ]
    if not foreign:
        return ok("unit", "No systemd unit or nginx site of another installation is in the way.")
    sentence = (
        f"{foreign[0]} belongs to an installation that this bundle did not create, and a deploy would replace it."
    )
    if is_ours(facts, settings):
        return note("unit", sentence)
    fix = "remove that file, set mattermost:server:adopt: True to replace it, or import its server to another host (mattermost.import)."
    return _let("unit", sentence, fix, settings["server"]["adopt"], outside)
