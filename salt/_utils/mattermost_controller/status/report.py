"""What mattermost.status tells of one host as data: the keys are described in docs/status.md and stay. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from mattermost_plural import plural
from mattermost_release_facts import listed, user_limit

from mattermost_controller import findings
from mattermost_controller.findings import REFUSAL, Finding, ok, refusal, skipped, warning
from mattermost_controller.hosts import bounded
from mattermost_controller.preflight.edition import license_lasts
from mattermost_controller.releases.look import Look
from mattermost_controller.status import releases, upkeep
from mattermost_controller.verify.tls import load, validity

LETS_ENCRYPT = "acme-v02.api.letsencrypt.org"
STAGING = "acme-staging-v02.api.letsencrypt.org"
USERS_NEAR = 200  # from here on Mattermost itself warns


def host_data(
    settings: dict, facts: dict, observed: dict | None, drift: dict, data: dict, found: list[Finding], news: Look
) -> dict:
    """Return the host's data, with ``well`` and ``attention`` from the findings.

    settings: merged, for the host's own grains. facts: of ``status.facts.parse``. observed: what the controller saw
    of the site, None without one. drift: of ``status.drift``. data: of ``mattermost_settings_data.load``: checksums and the bundle.
    found: what verify found. news: what the release sources say of the installed version.
    """
    status = facts["status"]
    running = status["running"]
    version = running or facts["current"]
    postgresql = facts["postgresql"].get(settings["database"]["port"], "")
    status = {
        "reached": True,
        "name": settings["name"],
        "platform": facts["platform"],
        "uptime": status["uptime"],
        "site": facts["site"] or None,
        "moved": facts.get("moved") or None,
        "bundle": {
            "deployed": facts["bundle"]["version"] if facts["bundle"] else None,
            "checkout": data["bundle"]["version"],
        },
        "mattermost": _mattermost(settings, facts, running),
        "postgresql": {
            "version": postgresql or None,
            "uptime": status["postgresql_uptime"],
            "database_bytes": status["database_bytes"],
            "schema": status["schema"],
            "migration": status["migration"],
        },
        "nginx": {"version": status["nginx"], "state": _state(facts, settings["platform"]["nginx"]["service"])},
        "certificate": certificate(settings, facts, observed) if facts["site"] == "ssl" else None,
        "backup": _backup(facts),
        "patches": {
            name: status["patches"].get(name) for name in ("unattended", "result", "reason", "to", "ended", "stopped")
        },
        "disks": status["disks"],
        "logs": {"bytes": status["logs"], "days": settings["kept"]["log_days"]},
        "users": {"active": status["users"], "limit": user_limit(version, settings["release"]["edition"])},
        "drift": drift,
        "newer": releases.newer(
            listed(data["releases"]) | set(news.listed.values()),
            facts["current"],
            facts["glibc"],
            postgresql,
        ),
        "releases": {
            "sources": news.sources,
            "live": news.is_live,
            "table_date": data["releases"]["date"],
            **{name: news.values.get(name) or None for name in ("newest", "newest_line", "ends", "security")},
        },
        "aside": {
            "databases": status["databases"],
            "directories": status["aside"],
            "clusters": status["clusters"],
            "releases": [name for name in status["releases"] if name != facts["current"]],
            "bounds": {"versions": settings["release"]["keep"], "days": settings["kept"]["days"]},
        },
    }
    judged = [
        *found,
        backups(status),
        patches(status["patches"]),
        disks(settings, status),
        users(status),
        drifted(drift),
        *news.findings,
    ]
    if settings["server"]["license"]:
        judged.append(license_lasts(settings["server"]["license"], facts["time"]))
    judged += upkeep.findings(settings, facts, postgresql, data["releases"])
    return with_attention(status, findings.soften(judged, settings["status"]["ignore"], "mattermost:status:ignore"))


def unreached(fault: Finding) -> dict:
    """Return the data of a host that could not be looked at."""
    return with_attention({"reached": False}, [fault])


def with_attention(status: dict, found: list[Finding]) -> dict:
    """Return *status* with what needs somebody, and all findings."""
    data = findings.as_data({"": found})[""]
    attention = [one for one in data if one["level"] == REFUSAL]
    return {"well": not attention, "attention": attention, **status, "findings": data}


def _mattermost(settings: dict, facts: dict, running: str | None) -> dict:
    status, release = facts["status"], settings["release"]
    client, service = status["client"], status["service"]
    ready = client.get("BuildEnterpriseReady")
    return {
        "running": running,
        "set": (release["line"] or release["version"]) if release["pinned"] else None,
        "installed": facts["current"] or None,
        "edition": {"false": "team", "true": "enterprise"}.get(str(ready).lower()) if ready is not None else None,
        "build": {
            "number": client.get("BuildNumber"),
            "date": client.get("BuildDate"),
            "hash": client.get("BuildHash"),
            "enterprise_ready": ready,
        }
        if client
        else None,
        "health": status["ping"].get("status"),
        "state": service.get("ActiveState"),
        "uptime": status["server_uptime"],
        "restarts": bounded.whole(service.get("NRestarts", "")),
    }


def _state(facts: dict, unit: str) -> str | None:
    return facts["units"].get(f"{unit}.service", {}).get("ActiveState")


def _backup(facts: dict) -> dict:
    status, good = facts["status"]["backup"], facts["backup"]["good"]
    return {
        "last_good": _time(good) if good else None,
        "age_hours": max(0, (facts["time"] - good) // 3600) if good else None,
        "result": status.get("result"),
        "reason": None if status.get("result") == "done" else facts["backup"]["failed"] or status.get("reason"),
        "snapshot": status.get("snapshot"),
        "bytes": bounded.whole(status.get("bytes", "")),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def certificate(settings: dict, facts: dict, observed: dict | None) -> dict:
    """Return what is known of the certificate: the one served, or the one on disk where none is shown."""
    source = settings["certificate"]["source"]
    known = {"kind": issuer_kind(settings), "issuer": None, "served": False, "not_after": None, "days_left": None}
    known["renewal"] = _renewal(facts["renewal"]) if source == "letsencrypt" else None
    try:
        if observed and observed["tls"].certificate:
            parsed, known["served"] = load(observed["tls"].certificate), True
        else:
            parsed = load(facts["certificates"][settings["certificate"]["chain_file"]].encode(), is_pem=True)
    except (KeyError, ValueError):
        return known
    _, last = validity(parsed)
    names = {attribute.oid.dotted_string: attribute.value for attribute in parsed.issuer}
    known["issuer"] = names.get("2.5.4.10") or names.get("2.5.4.3") or parsed.issuer.rfc4514_string()
    if parsed.issuer == parsed.subject:
        known["kind"] = "self-signed"
    elif source == "letsencrypt" and "2.5.4.3" in names and known["issuer"] != names["2.5.4.3"]:
        known["issuer"] = f"{known['issuer']}, {names['2.5.4.3']}"
    known["not_after"] = last.strftime("%Y-%m-%dT%H:%M:%SZ")
    known["days_left"] = (last - datetime.fromtimestamp(facts["time"], timezone.utc)).days
    return known


def _renewal(record: dict) -> dict:
    """Return how the renewal goes; a failed try counts while no newer certificate came. record: of mattermost-certificate."""
    tried = record.get("attempted", "")
    return {
        "timer": record.get("timer"),
        "attempt": record.get("attempt"),
        "attempted": _time(int(tried)) if re.fullmatch("[0-9]{1,10}", tried) else None,
        "reason": record.get("reason"),
    }


def issuer_kind(settings: dict) -> str:
    """Return, by the settings, where certificates come from: ``own files``, ``Let's Encrypt``, its ``staging``, ``other CA``."""
    if settings["certificate"]["source"] == "files":
        return "own files"
    directory = settings["letsencrypt"]["directory_url"]
    if STAGING in directory:
        return "Let's Encrypt staging"
    return "Let's Encrypt" if LETS_ENCRYPT in directory else "other CA"


def backups(made: dict) -> Finding:
    """The last backup that was tried was made; how old the last good one is, verify asks."""
    result, reason = made["backup"]["result"], made["backup"]["reason"]
    if result in ("failed", "refused"):
        return refusal(
            "backup-result",
            f"The last backup failed{f': {reason}' if reason else '.'}",
            "see the details on the host: journalctl -u mattermost-backup. Correct the cause, then run: salt-run state.orchestrate mattermost.backup",
        )
    return ok("backup-result", "The last backup succeeded." if result == "done" else "No backup has run yet.")


def patches(made: dict) -> Finding:
    """The host goes to patches by itself, where it should, and the last try did not fail."""
    if made["unattended"] != "patches":
        return ok("unattended-patches", "Unattended patches are off.")
    if made["stopped"]:
        return refusal(
            "unattended-patches",
            f"Unattended patches are stopped: {made['stopped']}",
            "correct the cause. Then run mattermost-patches resume on the host, or deploy the patch that failed, or a newer one.",
        )
    if made["result"] == "failed":
        why = f": {made['reason']}" if made["reason"] else "."
        return refusal(
            "unattended-patches",
            f"The last run of unattended patches failed{why}",
            "read the reason on the host: journalctl -u mattermost-patches",
        )
    return ok("unattended-patches", made["reason"] or "Unattended patches are on. No window has opened yet.")


def disks(settings: dict, made: dict) -> Finding:
    """No disk that the server, its database or its backups write to is nearly full."""
    full, found = settings["status"]["disk_full"], {}
    for name, disk in made["disks"].items():
        if disk["used_percent"] >= full:
            found.setdefault((disk["mount"], disk["used_percent"]), []).append(name)
    if found:
        said = "; ".join(f"{mount} ({', '.join(names)}) is {used} % full" for (mount, used), names in found.items())
        return refusal(
            "disk",
            f"{said}; the limit is {full} %.",
            "free some space on the host (mattermost-kept list shows old copies), or add a larger disk. mattermost:status:disk_full sets the limit.",
        )
    if not made["disks"]:
        return skipped(
            "disk",
            "It is not known how full the disks are, because the inspection of the host was interrupted. Run mattermost.status again.",
        )
    worst = max(disk["used_percent"] for disk in made["disks"].values())
    return ok("disk", f"The fullest disk is {worst} % full.")


def users(made: dict) -> Finding:
    """The active accounts leave room below the Team Edition's limit."""
    active, most = made["users"]["active"], made["users"]["limit"]
    if active is None:
        return skipped("users", "It is not known how many users are active, because the database does not answer.")
    if most is None:
        return ok("users", f"{active} active users.")
    if active >= most:
        return refusal(
            "users",
            f"{active} users are active, and the Team Edition allows {most}. Nobody can be added or reactivated.",
            "deactivate accounts that are no longer used (System Console, Users).",
        )
    if active >= USERS_NEAR:
        return warning(
            "users",
            f"{active} users are active; the Team Edition allows {most}.",
            "deactivate accounts that are no longer used.",
        )
    return ok("users", f"{active} users are active; the Team Edition allows {most}.")


def drifted(drift: dict) -> Finding:
    """What is on the host is what the settings say."""
    if drift["drifted"]:
        names = ", ".join(one["state"] for one in drift["states"])
        why = f" {drift['reason']}" if drift["reason"] else ""
        return refusal(
            "drift",
            f"{plural(len(drift['states']), 'state')} would change or fail: {names}.{why}"
            if names
            else drift["reason"],
            "to see what would change, run the deploy with test=True. To change the host as the settings say, run it without test=True.",
        )
    if not drift["looked"]:
        return skipped("drift", f"Not checked: {drift['reason']}")
    return ok("drift", "The host matches the settings.")
