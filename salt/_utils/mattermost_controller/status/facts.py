"""What mattermost.status asks of a host beyond the probe: the script to send, and the facts in its answer.

The script is ``salt/mattermost/scripts/status.sh``; it goes after the probe through the same connection.
"""

from __future__ import annotations

import mattermost_json
from mattermost_release_facts import numbers

from mattermost_controller.hosts import bounded, probe, scripts

SCRIPT = "mattermost/scripts/status.sh"


def script(file_roots: list[str], settings: dict) -> str:
    """Return the script with the values of *settings* put before it. Raises FileNotFoundError when no root has it."""
    values = {
        "PORT": str(settings["server"]["port"]),
        "SITE_PATH": settings["server"]["path"],
        "REPOSITORY": probe.local_repository(settings),  # another one's address may hold a password
        "PG_DATA": settings["platform"].get("postgresql", {}).get("data_dir", ""),
    }
    return scripts.build(file_roots, (SCRIPT,), values)


def parse(text: str) -> dict:
    """Return the probe's facts, with the further ones in ``status``. What was not told is None or empty.

    Raises ProbeError as the probe does.
    """
    facts = probe.parse(text)
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, tab, value = line.partition("\t")
        if tab and key.startswith("s.") and value.strip():
            found.setdefault(key[2:], []).append(value.strip())

    def one(key, default=""):
        return found.get(key, [default])[0]

    service = dict(line.partition("=")[::2] for line in found.get("service", []))
    uptime = _number(one("uptime"))
    taken = {name: _kib(size) for name, size in map(_split, found.get("taken", [])) if size}
    schema, _, migration = one("schema").partition(" ")
    client = mattermost_json.texts(one("client"))
    client = client if "Version" in client else {}  # an error is JSON too
    facts["status"] = {
        "complete": "end" in found,
        "uptime": int(uptime) if uptime else None,
        "nginx": one("nginx") or None,
        "service": service,
        "server_uptime": _since(uptime, service),
        "client": client,
        "running": _running(client, one("version_id")),
        "ping": mattermost_json.texts(one("ping")),
        "postgresql_uptime": bounded.whole(one("pg_started")),
        "database_bytes": bounded.whole(one("database_bytes")),
        "databases": {name: bounded.whole(size) for size, name in map(_split, found.get("aside_database", []))},
        "schema": bounded.whole(schema),
        "migration": migration or None,
        "users": bounded.whole(one("users")),
        "disks": {name: {**disk, "taken": taken.get(name)} for name, disk in map(_disk, found.get("disk", []))},
        "logs": taken.get("logs"),
        "backup": dict(line.partition("=")[::2] for line in found.get("backup", [])),
        "releases": sorted(found.get("release", []), key=numbers),
        "aside": dict(map(_aside, found.get("aside", []))),
        "clusters": found.get("cluster", []),
        "reboot": one("reboot") == "yes",
        "security_packages": bounded.whole(one("security_packages")),
        "postgresql_waits": one("postgresql_waits") or None,
        "patches": dict(line.partition("=")[::2] for line in found.get("patches", [])),
    }
    return facts


def _split(line: str) -> tuple[str, str]:
    first, _, rest = line.partition(" ")
    return first, rest.strip()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _kib(text: str) -> int | None:
    size = bounded.whole(text)
    return None if size is None else size * 1024


def _since(uptime: float | None, service: dict) -> int | None:
    """Return the seconds since the service became active, None while it is not."""
    began = bounded.whole(service.get("ActiveEnterTimestampMonotonic", ""))
    if not uptime or not began or service.get("ActiveState") != "active":
        return None
    return max(0, int(uptime - began / 1_000_000))


def _running(client: dict, version_id: str) -> str | None:
    """Return the version of the server that answers, None when none does."""
    return client.get("Version") or ".".join(version_id.split(".")[:3]) or None


def _disk(line: str) -> tuple[str, dict]:
    name, size, used, free, mount, path = line.split(" ", 5)
    size_bytes, used_bytes, free_bytes = (int(number) * 1024 for number in (size, used, free))
    if max(map(abs, (size_bytes, used_bytes, free_bytes))) >= 2**64:
        raise ValueError(f"no disk has the size that it reports for {name}")
    # as df reckons it: what root alone may fill counts as taken
    percent = -(-used_bytes * 100 // (used_bytes + free_bytes)) if used_bytes + free_bytes else 0
    place = {"path": path, "mount": mount}
    return name, {**place, "size": size_bytes, "used": used_bytes, "free": free_bytes, "used_percent": percent}


def _aside(line: str) -> tuple[str, int | None]:
    """Turn ``KIB PATH`` into path and bytes; the size is missing where it could not be told in time."""
    if line.startswith("/"):
        return line, None
    size, path = _split(line)
    return path, _kib(size)
