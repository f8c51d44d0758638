"""Whether what a deploy creates or changes on a host is free: absent, empty, or carrying our record. Pure.

Each check takes the merged settings, the facts of ``hosts.probe.parse`` and what the controller saw from outside. A setting that takes
over (``server:adopt``), an import in place and a move let stand what is there.
"""

from __future__ import annotations

import fnmatch
import re
import shlex

import mattermost_settings_rules_paths as rules
from mattermost_database_files import SQL_ACCOUNT
from mattermost_remove_core import is_ours as is_our_unit
from mattermost_remove_files import STATE

from mattermost_controller.findings import NOTE, OK, REFUSAL, WARNING, Finding, note, ok, refusal, warning
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
    "work": ("before.json", "bundle", "engine", "downloads", "switch", "aside", "moved", "move-target", "received"),
    "webroot": (".well-known",),
}  # fmt: skip
RESTIC = ("config", "data", "index", "keys", "locks", "snapshots")
ADOPTED = ("paths:install", "paths:state", "paths:webroot")  # where another installation may have been
EMPTY = ("lost+found",)
PREFIXES = ("mattermost-.service", "mattermost-.timer")  # drop-ins for all units that are called so
COMING = ".coming"  # beside paths:install, for the releases of an import in place
FOR_A_TYPE = 244  # systemd's first version with drop-ins for all services


def _let(check: str, sentence: str, fix: str, adopts: bool, outside: dict) -> Finding:
    """Return what is found in the way: a refusal, unless a setting (adopts) or the run takes it over."""
    if outside.get("in_place"):
        return note(check, f"{sentence} The import takes over the installation on this host, so nothing is to be done.")
    if adopts:
        return note(check, f"{sentence} mattermost:server:adopt is set, so the deploy takes over what is there.")
    if outside.get("moving"):
        return warning(check, sentence, fix)
    return refusal(check, sentence, fix)


def is_ours(facts: dict, settings: dict) -> bool:
    """Say whether a run of this tree was at work there; a directory that only has the name of ours is no sign of it."""
    work = facts.get("directories", {}).get(settings["paths"]["work"]) or []
    known = [path for path in facts["files"] if path != settings["paths"]["work"]]
    return release.is_ours({**facts, "files": known}, settings) or _has(work, RECORDS["work"])


def account(settings, facts, outside) -> Finding:
    """The accounts of the server and of the host programs are new or made by us, and nothing on the host is meant for those names."""
    found, ours = _servers_account(settings, facts, outside), is_ours(facts, settings)
    if found.check != "account":
        return found
    files = facts.get("account_files", [])
    if files:
        paths = list(dict.fromkeys(path for _, path in files))
        accounts = list(dict.fromkeys(name for name, _ in files))
        names = f"the account{'s' if len(accounts) > 1 else ''} {' and '.join(accounts)}"
        sentence = f"{' and '.join(paths[:SHOWN])} {'gives' if len(paths) == 1 else 'give'} sudo rights or cron jobs to {names}, which this bundle uses."
        fix = f"remove the lines about {names} from these files, or set mattermost:server:adopt: True to keep those lines."
        told = (
            note("account", sentence) if ours else _let("account", sentence, fix, settings["server"]["adopt"], outside)
        )
        found = _joined(found, told)
    if _is_strange(facts, ours):
        sentence = f"The host has an account or group {SQL_ACCOUNT} that this bundle did not create, but this bundle needs that name."
        found = _joined(
            found, refusal("account", sentence, f"remove or rename the account and the group {SQL_ACCOUNT}.")
        )
    return found


def _joined(first: Finding, second: Finding) -> Finding:
    """Return one finding for two of the same check, with the level of the worse."""
    if first.level == OK:
        return second
    worse = min(first, second, key=lambda each: (REFUSAL, WARNING, NOTE).index(each.level))
    fixes = dict.fromkeys(each.fix.rstrip(".") for each in (first, second) if each.fix and each.level == worse.level)
    return worse._replace(sentence=f"{first.sentence} {second.sentence}", fix=f"{'; '.join(fixes)}." if fixes else "")


def _is_strange(facts: dict, ours: bool) -> bool:
    """Say whether the account of the host programs is somebody else's: not as each deploy makes it."""
    found = facts.get("programs_account")
    if not found:
        return bool(facts.get("programs_group")) and not ours
    as_made = found["home"] == "/nonexistent" and found["shell"].endswith(NO_LOGIN)
    return found["uid"] == 0 or not as_made and not ours


def _servers_account(settings, facts, outside) -> Finding:
    """One with root's number is refused whatever is ignored or adopted."""
    user, found, unit_user = settings["server"]["user"], facts.get("account"), facts.get("unit_user", "")
    adopts = settings["server"]["adopt"]
    choice = "set mattermost:server:user to a name that the host does not have, or set mattermost:server:adopt: True to"
    fix = f"{choice} take over this account."
    if not found:
        if facts.get("group") and not is_ours(facts, settings):
            return _let(
                "account",
                f"The host has a group {user}, but no account of that name (mattermost:server:user).",
                f"{choice} use this group for the account.",
                adopts,
                outside,
            )
        return ok("account", f"No account {user} exists on the host yet.")
    if found["uid"] == 0:
        return refusal(
            "settings",
            f"The account {user} (mattermost:server:user) has the user ID 0 on this host, so it is root.",
            f"set mattermost:server:user to a name that only the server uses, or give {user} a different user ID on the host.",
        )
    can_log_in = not found["shell"].endswith(NO_LOGIN)
    if user == unit_user or (found["home"] == settings["paths"]["state"] and not can_log_in):
        return ok("account", f"The account {user} is Mattermost's own.")
    others = facts.get("account_units", [])
    what = f"The host has an account {user} (mattermost:server:user) that this bundle did not create"
    if others:
        sentence = f"{what}. {', '.join(others[:SHOWN])} {'runs' if len(others) == 1 else 'run'} under this account."
        return _let(
            "account", sentence, "set mattermost:server:user to a name that the host does not have.", False, outside
        )
    if is_ours(facts, settings) and not unit_user:
        return warning("account", f"{what}. A deploy would change its shell and home.", fix)
    if can_log_in:
        return _let(
            "account",
            f"{what}. This account can log in ({found['shell']}), and a deploy would prevent such a login.",
            fix,
            adopts,
            outside,
        )
    if found["uid"] < FIRST_PERSON:
        return _let("account", f"{what}. This account is a system account (UID {found['uid']}).", fix, adopts, outside)
    return _let(
        "account", f"{what}. A deploy would change its home to {settings['paths']['state']}.", fix, adopts, outside
    )


def directories(settings, facts, outside) -> Finding:
    """Each directory is absent, empty (a mount's lost+found does not count) or has what one of ours has, that of backups what restic has."""
    found, coming = _directories_of_the_settings(settings, facts, outside), settings["paths"]["install"] + COMING
    entries = facts.get("directories", {}).get(coming, [])
    if entries is not None and _is_free("install", entries, ours=False):
        return found
    if is_ours(facts, settings) and not outside.get("in_place"):
        return found  # only an import in place uses it, and a removal
    sentence = f"{coming} exists, but this bundle did not create it. An import in place would put files there, and mattermost.remove would delete them."
    return _joined(found, refusal("directories", sentence, f"move {coming} away."))


def _directories_of_the_settings(settings, facts, outside) -> Finding:
    foreign = _foreign_contents(settings, facts) | _foreign_run(settings, facts)
    repository = probe.local_repository(settings)
    places = {f"paths:{name}": settings["paths"][name] for name in RECORDS} | {"backup:repository": repository}
    led = {
        key.removeprefix("mattermost:"): place for key, place in rules.astray(settings, facts.get("real", {})).items()
    }
    exchanged = {key: facts["loose"][path] for key, path in places.items() if path in facts.get("loose", {})}
    found = dict(foreign)
    for key, place in led.items():
        found[key] = (
            f"{places[key]} (mattermost:{key}) points through a link to {place}, which belongs to the system, another program or another setting."
        )
    for key, (above, owner) in exchanged.items():
        who = "every account" if owner == "root" else owner
        found.setdefault(
            key,
            f"{places[key]} (mattermost:{key}) is {'' if rules.holds(above, places[key]) else 'through a link '}below {above}, where {who} can replace that directory.",
        )
    if not found:
        return ok("directories", "The directories are absent, empty or belong to this deployment.")
    keys = " and ".join(f"mattermost:{key}" for key in found)
    fix = f"set {keys} to a directory that is empty or does not exist{'' if facts.get('run_unit') else ', or move away what is there'}."
    if led:
        fix = f"set {keys} to a directory whose path contains no such link, such as one in /srv."
    if exchanged:
        above, owner = next(iter(exchanged.values()))
        command = "chmod o-w" if owner == "root" else "chown root"
        fix = f"set {keys} to a directory in /srv, or in another place where only root can write. Or run on the host: {command} {shlex.quote(above)}"
    there = {key: facts.get("directories", {}).get(places.get(key), []) for key in found}  # None where it is none
    if not foreign and all(there[key] for key in led) and is_ours(facts, settings):
        return warning("directories", " ".join(found.values()), fix)  # it has been there since its deploy
    adopts = settings["server"]["adopt"] and not led and None not in there.values() and set(found) <= set(ADOPTED)
    return _let("directories", " ".join(found.values()), fix, adopts, outside)


def _foreign_contents(settings, facts) -> dict[str, str]:
    """Return a sentence for each directory with what is neither ours nor restic's, by setting."""
    found, ours = {}, is_ours(facts, settings)
    for name in RECORDS:
        path = settings["paths"][name]
        entries = facts.get("directories", {}).get(path, [])
        if entries is None:
            found[f"paths:{name}"] = f"{path} (mattermost:paths:{name}) is not a directory."
        elif not _is_free(name, entries, ours) and not any(each.startswith(f"{path}/") for each in _configs(facts)):
            shown = f"{', '.join(entries[:SHOWN])}{', ...' if len(entries) > SHOWN else ''}"
            found[f"paths:{name}"] = (
                f"{path} (mattermost:paths:{name}) contains files that this bundle did not create: {shown}."
            )
    repository = probe.local_repository(settings)
    stored = facts.get("directories", {}).get(repository, [])
    if stored is None or not (set(stored) <= set(EMPTY) or _has(stored, RESTIC)):
        found["backup:repository"] = (
            f"{repository} (mattermost:backup:repository) contains files that do not belong to a repository of restic."
        )
    return found


def _foreign_run(settings, facts) -> dict[str, str]:
    run, owner = settings["paths"]["run"], facts.get("run_owner", "")
    if facts.get("run_unit"):
        return {
            "paths:run": f"{facts['run_unit']}, a file that this bundle did not create, creates {run} (mattermost:paths:run)."
        }
    if owner not in ("", settings["server"]["user"], facts.get("unit_user", "")):
        return {
            "paths:run": f"{run} (mattermost:paths:run) belongs to the account {owner}, not to the server's account."
        }
    return {}


def _is_free(name: str, entries: list[str], ours: bool) -> bool:
    known = [each for each in entries if each not in EMPTY]
    if name == "webroot" and not ours:  # other web servers' directories have .well-known too
        return all(_has([each], RECORDS[name]) for each in known)
    if not known or _has(known, RECORDS[name]):
        return True
    return name == "state" and all(_has([each], STATE) for each in known)


def _has(entries: list[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(each, pattern) for each in entries for pattern in patterns)


def _configs(facts) -> list[str]:
    """Return the configurations that the check `existing-config` judges, and whose directories it judges with them."""
    return [path for path in facts["files"] if path.endswith(("/config.json", "mmomni.mattermost.env"))]


def unit(settings, facts, outside) -> Finding:
    """A unit, a program, and a file for another program, with a name of ours has our record; nothing of others changes our units alone."""
    ours = is_ours(facts, settings)
    foreign = [(kind, path) for kind, path in facts.get("foreign", []) if _is_called_ours(kind, path)]
    uses_certbot = outside.get("site") == "ssl" and settings["certificate"]["source"] != "files" and not ours
    certificates = [path for kind, path in foreign if kind == "certificate" and uses_certbot]
    dropins = [path for kind, path in foreign if kind == "dropin"]
    policies = [path for kind, path in foreign if kind == "policy" and facts["systemd"] >= FOR_A_TYPE]
    replaced = [path for kind, path in foreign if kind not in ("certificate", "dropin", "policy")]
    sentences = [
        *_told(
            replaced,
            "belongs to an installation that this bundle did not create, and a deploy would replace that file.",
        ),
        *_told(dropins, "changes a unit of this bundle, but this bundle did not create that file."),
        *_told(certificates, "has no renewal file of certbot, so certbot cannot get a certificate of that name."),
    ]
    general = _told(policies, "changes all units of this host, also the units of this bundle.")
    if not sentences + general:
        return ok("unit", "No unit, program or nginx file of another installation is in the way.")
    sentence = " ".join(sentences + general)
    if ours:
        return note("unit", sentence)
    if not sentences:  # what an administrator decided for the whole host
        return warning(
            "unit",
            sentence,
            "check that the settings in these files suit the server: look for limits (such as LimitNOFILE) and a sandbox (such as ProtectSystem).",
        )
    if certificates:
        return _let("unit", sentence, f"move {' and '.join(certificates + replaced + dropins)} away.", False, outside)
    fix = "move the named files away, or set mattermost:server:adopt: True to take them over."
    if any(path.endswith(("/mattermost.service", "/init.d/mattermost")) for path in replaced):
        fix = "remove the named files, or set mattermost:server:adopt: True to replace them. Or keep that server's data: import the server (docs/import.md)."
    return _let("unit", sentence, fix, settings["server"]["adopt"], outside)


def _told(paths: list[str], what: str) -> list[str]:
    more = f" (and {len(paths) - SHOWN} more)" if len(paths) > SHOWN else ""
    return [f"{', '.join(paths[:SHOWN])}{more} {what}"] if paths else []


def _is_called_ours(kind: str, path: str) -> bool:
    """Say whether a deploy uses the name; mattermost-push-proxy, for one, is the vendor's."""
    folder, _, name = path.rpartition("/")
    if kind == "dropin":
        name = folder.rpartition("/")[2].rpartition(".")[0]
    elif kind == "script":
        name += ".service"
    name = re.sub(r"\.(socket|path)$", ".service", name)  # one of them starts the service of its name
    return kind in ("file", "certificate", "policy") or name in ("mattermost.service", *PREFIXES) or is_our_unit(name)
