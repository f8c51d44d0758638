"""What the host itself shows after a deploy, judged from one look at it (hosts.probe). Pure."""

from __future__ import annotations

from mattermost_release_facts import effective, is_version, numbers, postgresql_minimum

from mattermost_controller.findings import Finding, ok, refusal, warning
from mattermost_controller.hosts.probe import is_loopback
from mattermost_controller.verify.commands import BACKUP, DEPLOY, LOGS

BACKUP_TIMER, WATCH_TIMER = "mattermost-backup.timer", "mattermost-certificate.timer"
CLOCK_SECONDS = 3600  # that the date of a backup may be ahead of the host that is asked
DISABLED = "not enabled at boot"


def installed(settings, facts) -> Finding:
    wanted, current = effective(settings["release"], facts["current"]), facts["current"]
    if current != wanted or not current:
        went_back = is_version(current) and numbers(current) < numbers(wanted)
        return refusal(
            "installed",
            f"{settings['paths']['install']}/current points to {current or 'nothing'}. Expected: {wanted}.",
            f"if you went back to {current}, set mattermost:release:version to {current}. Otherwise: {DEPLOY}"
            if went_back
            else DEPLOY,
        )
    return ok("installed", f"{settings['paths']['install']}/current points to {current}.")


def listeners(settings, facts) -> Finding:
    """The server and the database listen where only their own host reaches them."""
    inner = {settings["server"]["port"], settings["database"]["port"]}
    wrong = [one for one in facts["listeners"] if one["port"] in inner and not is_loopback(one["address"])]
    if wrong:
        held = ", ".join(f"{one['program'] or 'a program'} on {one['address']}:{one['port']}" for one in wrong)
        return refusal(
            "listeners",
            f"A port that should be open on loopback only can be reached from other machines: {held}.",
            f"{DEPLOY} makes the server and PostgreSQL listen on loopback only. If another program uses the port, find it with ss -ltnp and stop it.",
        )
    if not any(one["port"] == settings["server"]["port"] for one in facts["listeners"]):
        return refusal(
            "listeners",
            f"No program listens on port {settings['server']['port']} of the host.",
            f"read the server's log on the host: {LOGS}",
        )
    return ok("listeners", f"Ports {', '.join(map(str, sorted(inner)))} are open on loopback only.")


def services(settings, facts) -> Finding:
    """Every service is running, and comes back after a reboot."""
    platform = settings["platform"]
    database = platform["postgresql"]
    wanted = {
        "mattermost": "mattermost",
        platform["nginx"].get("service", "nginx"): platform["nginx"].get("service", "nginx"),
        database["service"]: database["enable"],
    }
    if settings["firewall"]["manage"]:
        wanted[platform["firewall"]["service"]] = platform["firewall"]["service"]
    wrong = []
    for running, enabled in wanted.items():
        state = _unit(facts, f"{running}.service")
        if state.get("ActiveState") != "active":
            wrong.append((running, state.get("ActiveState", "not there")))
        elif _unit(facts, f"{enabled}.service").get("UnitFileState") not in ("enabled", "enabled-runtime", "static"):
            wrong.append((enabled, DISABLED))
    if wrong:
        first, state = wrong[0]
        return refusal(
            "services",
            f"{', '.join(f'{name} is {state}' for name, state in wrong)}.",
            f"run on the host: systemctl enable {first}"
            if state == DISABLED
            else f"read the reason on the host: systemctl status {first}; journalctl -u {first} -n 50",
        )
    return ok("services", f"{', '.join(wanted)} are active and enabled.")


def renewal(settings, facts) -> Finding:
    name = settings["platform"]["certbot"]["timer"]
    state = _off(facts, name)
    if state:
        return refusal(
            "renewal",
            f"{name} is {state}, so the certificate would expire.",
            f"run on the host: systemctl enable --now {name}",
        )
    due = _unit(facts, name).get("NextElapseUSecRealtime", "")
    if not due or due in ("n/a", "0"):
        return refusal(
            "renewal",
            f"{name} has no time for its next run, so the certificate would expire.",
            f"run on the host: systemctl restart {name}; systemctl list-timers",
        )
    tried = facts["renewal"]
    if tried.get("attempt") == "failed":
        return warning(
            "renewal",
            f"The last renewal failed: {tried.get('reason')}. {name} tries again at {due}.",
            "find the reason on the host: certbot renew --dry-run",
        )
    return ok("renewal", f"{name} runs next at {due}.")


def certificate_watch(settings, facts) -> Finding:
    """The host itself looks at its certificate, and tells somebody."""
    state = _off(facts, WATCH_TIMER)
    if state:
        return refusal(
            "certificate-watch",
            f"{WATCH_TIMER} is {state}, so nobody would be notified of a failed renewal.",
            f"{DEPLOY}; if the timer is to stay off, set mattermost:certificate:watch: False before that run.",
        )
    return ok("certificate-watch", f"{WATCH_TIMER} checks the certificate every day.")


def backup_age(settings, facts) -> Finding:
    """A backup is made by the clock, and the last good one is young enough."""
    if not settings["platform"]["backup"]["by_clock"]:
        return warning(
            "backup-age",
            f"No backups are scheduled, because {settings['platform']['name']} has no restic package.",
            f"install restic on the host by hand and set mattermost:platform:backup:by_clock: True. Then run: {DEPLOY}",
        )
    state, known, limit = _off(facts, BACKUP_TIMER), facts["backup"], settings["backup"]["max_age"]
    if state:
        return refusal("backup-age", f"{BACKUP_TIMER} is {state}.", DEPLOY)
    if known["good"] > facts["time"] + CLOCK_SECONDS:
        return refusal(
            "backup-age",
            "The last good backup has a date in the future, so a restore of the latest backup skips it. The clock of the host was ahead.",
            f"check on the host that its clock is right and synchronised: timedatectl. Then run: {BACKUP}",
        )
    counted_from = max(known["good"], known["since"])
    hours = max(0, (facts["time"] - counted_from) // 3600)
    if hours >= limit:
        how_old = f"The last good backup is {hours} h old" if known["good"] else f"No backup was made in {hours} h"
        why = f" The last attempt failed: {known['failed']}" if known["failed"] else ""
        return refusal(
            "backup-age",
            f"{how_old}; backup:max_age is {limit} h.{why}",
            f"{BACKUP}; to see why no newer backup was made, run on the host: journalctl -u mattermost-backup",
        )
    if not known["good"]:
        return ok("backup-age", "The first backup is not due yet.")
    age = max(0, (facts["time"] - known["good"]) // 3600)
    return ok("backup-age", f"The last good backup is {age} h old.")


def postgresql(settings, facts) -> Finding:
    port = settings["database"]["port"]
    version, minimum = (
        facts["postgresql"].get(port, ""),
        postgresql_minimum(effective(settings["release"], facts["current"])),
    )
    if not version:
        return refusal(
            "postgresql",
            f"PostgreSQL does not answer on the socket of port {port}.",
            f"run on the host: systemctl restart {settings['platform']['postgresql']['service']}. If PostgreSQL does not start, read the reason: journalctl -u 'postgresql*' -n 50",
        )
    if numbers(version)[0] < minimum:
        return refusal(
            "postgresql",
            f"PostgreSQL {version} runs, but Mattermost needs PostgreSQL {minimum} or newer.",
            f"set mattermost:database:version: {minimum}, then: salt-run state.orchestrate mattermost.postgresql",
        )
    return ok("postgresql", f"PostgreSQL {version} answers.")


def private_files(settings, facts) -> Finding:
    """Files with secrets are read by root or the service user alone; the programs belong to root."""
    paths, user = settings["paths"], settings["server"]["user"]
    rules = {
        f"{paths['settings']}/environment": ({"root"}, 0o077),
        f"{paths['settings']}/secrets": ({"root"}, 0o077),
        f"{paths['state']}/config/config.json": ({user}, 0o077),
        f"{paths['state']}/data": ({user}, 0o007),
        f"{paths['install']}/current/bin/mattermost": ({"root"}, 0o022),
    }
    wrong = []
    for path, (owners, forbidden) in rules.items():
        found = facts["modes"].get(path)
        if found and (found["user"] not in owners or found["mode"] & forbidden):
            wrong.append(f"{path} belongs to {found['user']} and has mode {found['mode']:04o}")
    if wrong:
        return refusal("private-files", f"The owner or the mode is wrong: {'; '.join(wrong)}.", DEPLOY)
    return ok("private-files", "Files with secrets are private, and programs belong to root.")


def _off(facts: dict, timer: str) -> str:
    """Say in which state a timer is that should start things, now and after a boot; "" when it does."""
    unit = _unit(facts, timer)
    if unit.get("ActiveState") == "active" and unit.get("UnitFileState") == "enabled":
        return ""
    return f"{unit.get('ActiveState', 'not there')}, {unit.get('UnitFileState') or 'not enabled'}"


def _unit(facts: dict, name: str) -> dict:
    return facts["units"].get(name, {})
