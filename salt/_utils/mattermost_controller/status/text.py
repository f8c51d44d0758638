"""The status of hosts as a person reads it: one screen each. Pure."""

from __future__ import annotations

from mattermost_controller.stages.backup import size

UNKNOWN = "unknown"


def render(hosts: dict[str, dict]) -> str:
    """Return what needs somebody, and the screens of all hosts.

    hosts: data of ``status.report`` with ``address``, by host ID.
    """
    needed = [line for host_id, made in hosts.items() for line in _attention(host_id, made)]
    return "\n".join([*needed, "State:", screens(hosts)]) if needed else screens(hosts)


def screens(hosts: dict[str, dict]) -> str:
    """Return the screens of all hosts. hosts: as of `render`."""
    return "\n\n".join("\n".join(_host(host_id, made)) for host_id, made in hosts.items())


def _attention(host_id: str, made: dict) -> list[str]:
    """Return what needs somebody on a host, each with what to do."""
    lines = []
    for one in made["attention"]:
        lines.append(f"{host_id}: {one['check']}: {one['sentence']}")
        if one["todo"]:
            lines.append(f"  To do: {one['todo']}")
    return lines


def _host(host_id: str, made: dict) -> list[str]:
    count = len(made["attention"])
    verdict = (
        "healthy, nothing to do"
        if made["well"]
        else f"{count} {'finding needs' if count == 1 else 'findings need'} attention"
    )
    where = ", ".join(filter(None, [f"{host_id} ({made['address']})", made.get("platform")]))
    lines = [f"{where}: {verdict}."]
    lines += [f"  warning: {one['check']}: {one['sentence']}" for one in made["findings"] if one["level"] == "warning"]
    if not made["reached"]:
        return lines
    moved = f"; the server was moved to {made['moved']}" if made["moved"] else ""
    rows = {
        "host": f"up {period(made['uptime'])}{moved}",
        "bundle": _bundle(made),
        "Mattermost": _mattermost(made["mattermost"]),
        "PostgreSQL": _postgresql(made["postgresql"]),
        "nginx": f"{made['nginx']['version'] or UNKNOWN}, {made['nginx']['state'] or 'no such service'}",
        "certificate": _certificate(made["certificate"]),
        "backup": _backup(made["backup"]),
        "disk": "; ".join(_disk(name, disk) for name, disk in made["disks"].items()) or UNKNOWN,
        "logs": f"{_bytes(made['logs']['bytes'])}; rotated logs are deleted after {made['logs']['days']} days",
        "users": _users(made["users"]),
        "drift": _drift(made["drift"]),
        "patches": _patches(made["patches"]),
        "newer": _newer(made["newer"], made["releases"]),
        "support": _support(made["releases"]),
        "kept": _aside(made["aside"]),
    }
    return lines + [f"  {name:<12} {text}" for name, text in rows.items()]


def _bundle(made: dict) -> str:
    """Return which version of this bundle deployed the host."""
    deployed, checkout = made["bundle"]["deployed"], made["bundle"]["checkout"]
    if not made["site"]:
        return f"this checkout is {checkout}"
    return f"deployed by {deployed or 'a version before 1.0.0'}" + (
        "" if deployed == checkout else f"; this checkout is {checkout}"
    )


def period(seconds: int | None) -> str:
    """Return a time that went by as a person says it: 40 s, 12 min, 5 h, 3 days."""
    if seconds is None:
        return UNKNOWN
    for unit, length in (("days", 2 * 86400), ("h", 2 * 3600), ("min", 120)):
        if seconds >= length:
            return f"{seconds * 2 // length} {unit}"
    return f"{seconds} s"


def _mattermost(one: dict) -> str:
    if not one["running"]:
        state = one["state"] or "not there"
        return f"does not answer ({state}); {one['installed'] or 'no version'} is installed; pillar: {one['set'] or 'no version'}"
    edition = {"team": "Team Edition", "enterprise": "Enterprise Edition"}.get(one["edition"], "edition unknown")
    build = "{number}, {date}, {hash}".format(**one["build"]) if one["build"] else UNKNOWN
    sentences = f"{one['running']}, {edition}, {one['health'] or 'health unknown'}, up {period(one['uptime'])}"
    return f"{sentences}; build {build}; pillar: {one['set'] or 'no version, so the host keeps the installed one'}"


def _postgresql(one: dict) -> str:
    if not one["version"]:
        return "does not answer"
    schema = f"schema {one['schema']} ({one['migration']})" if one["schema"] is not None else "no schema"
    space = size(one["database_bytes"]) if one["database_bytes"] is not None else UNKNOWN
    return f"{one['version']}, up {period(one['uptime'])}; database {space}, {schema}"


def _certificate(one: dict | None) -> str:
    if one is None:
        return "none: the site is plain HTTP, or not deployed"
    if one["days_left"] is None:
        return f"{one['kind']}; {UNKNOWN}"
    shown = "" if one["served"] else " (read from the disk; the site serves none)"
    tried = one["renewal"] or {}
    failed = f"; the last renewal failed: {tried['reason']}" if tried.get("attempt") == "failed" else ""
    return f"{one['kind']} ({one['issuer']}), {one['days_left']} days left, to {one['not_after'][:10]}{shown}{failed}"


def _backup(one: dict) -> str:
    last = f"last good backup {one['age_hours']} h old" if one["last_good"] else "none yet"
    sentences = [last, f"last attempt: {one['result']}" if one["result"] else ""]
    sentences.append(f"{size(one['bytes'])}" if one["bytes"] is not None else "")
    sentences.append(one["reason"] or "")
    return ", ".join(filter(None, sentences))


def _disk(name: str, one: dict) -> str:
    taken = f"{size(one['taken'])}, " if one["taken"] is not None else ""
    return f"{name} {taken}on {one['mount']} ({one['used_percent']} % full, {size(one['free'])} free)"


def _users(one: dict) -> str:
    if one["active"] is None:
        return UNKNOWN
    return f"{one['active']} active" + (f" of {one['limit']}" if one["limit"] else "")


def _drift(one: dict) -> str:
    if not one["looked"]:
        return f"not checked: {one['reason']}"
    if not one["drifted"]:
        return "no"
    names = ", ".join(f"{each['state']} ({each['stage']})" for each in one["states"])
    return f"yes: {names}"


def _patches(one: dict) -> str:
    if one["unattended"] != "patches":
        return "unattended patches are off"
    last = f"{one['ended'][:16]}: {one['reason']}" if one["ended"] else "no window has opened yet"
    return f"unattended; {last}"


def _newer(one: dict, releases: dict) -> str:
    limit = (
        ""
        if releases["live"]
        else f" (no release source answered, so this is from the bundle's table of {releases['table_date']})"
    )
    return _newer_known(one) + limit


def _newer_known(one: dict) -> str:
    if not one["newest"]:
        return "none is known that this host could run"
    sentences = [
        f"{one['line']} in the same line" if one["line"] else "none in the same line",
        f"the newest of all is {one['newest']}",
    ]
    if one["next"] != one["newest"]:
        sentences.append(f"upgrade to {one['next']} first" if one["next"] else "not reachable in one step")
    return ", ".join(sentences)


def _support(one: dict) -> str:
    return f"to {one['ends']}" if one["ends"] else UNKNOWN


def _aside(one: dict) -> str:
    sentences = [f"database {name} ({_bytes(number)})" for name, number in one["databases"].items()]
    sentences += [f"{path} ({_bytes(number)})" for path, number in one["directories"].items()]
    sentences += [f"old PostgreSQL {line}" for line in one["clusters"]]
    sentences += [f"release {name}" for name in one["releases"]]
    limit = f"limits: {one['bounds']['versions']} for old versions and for copies from before upgrades, {one['bounds']['days']} days for other copies"
    return f"{', '.join(sentences) or 'nothing'}; {limit}"


def _bytes(number: int | None) -> str:
    return size(number) if number is not None else UNKNOWN
