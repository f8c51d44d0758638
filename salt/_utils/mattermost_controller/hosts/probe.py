"""What one look at a host by plain ssh tells: the script to send and the facts in its answer.

The script is ``salt/mattermost/scripts/probe.sh``: POSIX sh, so that it runs before Salt or Python are there.
"""

from __future__ import annotations

import ipaddress
import os
import re
import struct

import mattermost_config_keys as config_keys
import mattermost_database_plan as database_plan
import mattermost_json
from mattermost_lines import lines_of

from mattermost_controller.hosts import scripts

SCRIPT = "mattermost/scripts/probe.sh"
UNREADABLE = "mattermost/deploy/common/unreadable.sh"
_FAMILIES = {"debian": "Debian", "ubuntu": "Debian", "rhel": "RedHat", "fedora": "RedHat", "centos": "RedHat"}
# os-release ID -> Salt's grain `os`
_NAMES = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "centos": "CentOS",
    "rhel": "RedHat",
    "almalinux": "AlmaLinux",
    "rocky": "Rocky",
    "ol": "OEL",
    "fedora": "Fedora",
}


class ProbeError(ValueError):
    """The answer is not that of a whole probe."""


def local_repository(settings: dict) -> str:
    """Return the directory of the backups, "" where they go to another machine."""
    repository = settings["backup"]["repository"]
    return repository if repository.startswith("/") else ""


def script(file_roots: list[str], settings: dict) -> str:
    """Return the probe with the values of *settings* put before it. Raises FileNotFoundError when no root has it."""
    paths, database = settings["paths"], settings["database"]
    values = {
        "INSTALL": paths["install"],
        "STATE": paths["state"],
        "SETTINGS": paths["settings"],
        "WORK": paths["work"],
        "DATABASE": database["name"],
        "ROLE": database["user"],
        "ROLE_RECORD": database_plan.MARK,
        "DATABASE_PORT": database["port"],
        "ACCOUNT": settings["server"]["user"],
        "RUN": paths["run"],
        "WEBROOT": paths["webroot"],
        "NAME": settings["name"],
        "REPOSITORY": local_repository(settings),
        "CONFIG_KEYS": " ".join(config_keys.ASKED),
    }
    return scripts.build(file_roots, (scripts.TOOLS, UNREADABLE, SCRIPT), values)


def parse(text: str) -> dict:
    """Return the facts in the probe's answer.

    Raises ProbeError when its last line is missing: a killed shell or a login banner must not pass for an empty host.
    """
    found: dict[str, list[str]] = {}
    for line in lines_of(text):
        key, tab, value = line.partition("\t")
        if tab:
            found.setdefault(key, []).append(value.strip())
    if "end" not in found:
        tail = " / ".join(text.split("\n")[-3:]).strip() or "nothing"
        raise ProbeError(f"The inspection of the host was interrupted after this output: {tail.rstrip('.')}.")

    def one(key, default=""):
        return found.get(key, [default])[0]

    release = dict(_assignment(line) for line in found.get("os", []))
    return {
        "grains": grains(release, one("arch")),
        "platform": release.get("PRETTY_NAME") or "an unknown system",
        "time": _moment(one("time")),
        "uid": int(one("uid", "-1") or -1),
        "glibc": one("glibc").replace("glibc", "").strip(),
        "init": one("init"),
        "systemd": int(one("systemd") or 0),
        "locale": one("locale").partition("=")[2].strip("\"'"),
        "selinux": {"1": "enforcing", "0": "permissive"}.get(one("selinux"), "disabled"),
        "pythons": dict(_pair(line) for line in found.get("python", [])),
        "programs": found.get("program", []),
        "memory_kb": {name: int(size) for name, size in map(_pair, found.get("memory", []))},
        "disks": [_disk(*pair) for pair in zip(found.get("place", []), found.get("disk", []))],
        "mounts": dict(_pair(line) for line in found.get("mount", [])),
        "listeners": listeners(found.get("listen", []), found.get("holder", [])),
        "addresses": list(filter(_is_address, one("addresses").split())),
        "current": os.path.basename(one("current").rstrip("/")),
        "switching": one("switching").split()[:2],
        "edition": ("enterprise" if one("edition") == "enterprise" else "team") if one("current") else "",
        "users": int(one("users")) if one("users").isdigit() else None,
        "config": config(found.get("config", [])) if "config_read" in found else None,
        "files": found.get("file", []),
        "bundle": bundle(found.get("bundle", [])),
        "modes": {path: {"mode": int(mode, 8), "user": user} for mode, user, path in map(_mode, found.get("mode", []))},
        "lock": one("lock"),
        "units": units(found.get("unit", [])),
        "postgresql": {int(port): version(number) for port, number in map(_pair, found.get("postgresql", []))},
        "other_databases": {int(port): int(count or 0) for port, count in map(_pair, found.get("others", []))},
        "stopped_databases": {path: int(count) for path, count in map(_pair, found.get("stopped", []))},
        "database": _database(one("database")),
        "unreadable": found.get("unreadable", []),
        "invalid_indexes": found.get("invalid_index", []),
        "migration_lock": _expiry(one("migration_lock")),
        "account": _account(one("account")),
        "group": bool(one("group")),
        "programs_account": _account(one("programs_account")),
        "programs_group": bool(one("programs_group")),
        "account_files": list(map(_pair, found.get("account_file", []))),
        "foreign_role": one("role_is_ours") == "f",
        "account_units": found.get("account_unit", []),
        "unit_user": one("unit_user"),
        "foreign": list(map(_pair, found.get("foreign", []))),
        "directories": directories(found.get("directory", []), found.get("no_directory", []), found.get("entry", [])),
        "loose": {path: list(rest.partition("//")[::2]) for path, rest in _parted(found.get("loose", []))},
        "real": dict(_parted(found.get("real", []))),
        "run_owner": one("run_owner"),
        "run_unit": one("run_unit"),
        "nginx_sites": found.get("nginx_site", []),
        "moved": one("moved"),
        "ufw": one("ufw") == "yes",
        "aside": one("aside"),
        "backup": {
            "good": _moment(one("backup")),
            "since": _moment(one("backup_since")),
            "failed": one("backup_failed"),
        },
        "site": one("site"),
        "certificates": certificates(found.get("certificate", [])),
        "refused_values": [_pair(line) for line in found.get("refused", [])],
        "unanswered": [_pair(line) for line in found.get("unanswered", [])],
        "renewal": dict(_assignment(line) for line in found.get("renewal", [])),
    }


def _moment(text: str) -> int:
    """Return seconds since 1970, 0 for none. Raises ProbeError for what no clock shows: dates are made of it."""
    seconds = int(text or 0)
    if not 0 <= seconds < 2**33:
        raise ProbeError(
            f"The host reports the time {seconds}, of its clock or of a backup, which is not a possible time. Set the host's clock (timedatectl)."
        )
    return seconds


def _assignment(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value.strip("\"'")


def _expiry(text: str) -> int | None:
    """Return seconds since 1970 of a lock's time: Mattermost before 11.0 writes milliseconds, later ones seconds."""
    if not re.fullmatch("[0-9]{10,16}", text):
        return None
    return int(text) // 1000 if len(text) > 11 else int(text)


def _pair(line: str) -> tuple[str, str]:
    first, _, rest = line.partition(" ")
    return first, rest.strip()


def _parted(lines: list[str]) -> list[tuple[str, str]]:
    """Return ``PATH//REST`` as pairs."""
    return [(path, rest) for path, _, rest in (line.partition("//") for line in lines)]


def _mode(line: str) -> tuple[str, str, str]:
    mode, user, path = line.split(" ", 2)
    return mode, user, path


def _disk(path: str, line: str) -> dict:
    free, mount = _pair(line)
    return {"path": path, "mount": mount, "free_mb": int(free) // 1024}


def _database(line: str):
    owner, tables = _pair(line)
    return {"owner": owner, "tables": int(tables or 0)} if owner else None


def _account(line: str):
    """Return a line of passwd as a dict, None for no account."""
    fields = line.split(":")
    if len(fields) != 7:
        return None
    return {"uid": int(fields[2]), "home": fields[5], "shell": fields[6]}


def directories(paths: list[str], others: list[str], entries: list[str]) -> dict:
    """Return what is in each directory by its path, None for what is none. entries: ``PATH//NAME``."""
    names = [entry.partition("//") for entry in entries]
    return {path: None if path in others else [name for of, _, name in names if of == path] for path in paths}


def config(lines: list[str]) -> dict:
    """Return what the server's config.json holds of the keys that were asked for, nested. lines: ``SECTION.KEY JSON``."""
    found: dict[str, dict] = {}
    for key, value in map(_pair, lines):
        section, _, name = key.partition(".")
        try:
            found.setdefault(section, {})[name] = mattermost_json.parse(value)
        except ValueError:
            continue
    return found


def bundle(lines: list[str]) -> dict | None:
    """Return what a host notes of the bundle that deployed it, ``version`` and ``breaking_changes`` (a number); None without a note."""
    noted = dict(_assignment(line) for line in lines)
    number = noted.get("breaking_changes", "")
    if not noted.get("version") or not number.isdigit():
        return None
    return {"version": noted["version"], "breaking_changes": int(number)}


def grains(release: dict, arch: str) -> dict:
    """Return what Salt's grains will say, from os-release's fields: os, os_family, osmajorrelease (int), cpuarch."""
    name = release.get("ID", "")
    likes = [name, *release.get("ID_LIKE", "").split()]
    family = next((_FAMILIES[like] for like in likes if like in _FAMILIES), name.capitalize())
    major = release.get("VERSION_ID", "").partition(".")[0]
    return {
        "os": _NAMES.get(name, name.capitalize()),
        "os_family": family,
        "osmajorrelease": int(major) if major.isdigit() else major,
        "cpuarch": arch,
    }


def version(number: str) -> str:
    """Turn PostgreSQL's server_version_num into a version: 150020 -> 15.20, 90624 -> 9.6. Empty stays empty."""
    if not number.isdigit():
        return ""
    value = int(number)
    if value >= 100000:
        return f"{value // 10000}.{value % 10000}"
    return f"{value // 10000}.{value // 100 % 100}"


def listeners(sockets: list[str], holders: list[str]) -> list[dict]:
    """Join the kernel's listening sockets (``HEXADDRESS:HEXPORT INODE``) with their holders (``INODE COMM EXE``).

    Returns dicts of address, port, program (the process's name, "" when unknown) and exe, without repeats.
    """
    held = {}
    for line in holders:
        inode, _, rest = line.partition(" ")
        comm, _, exe = rest.partition(" ")
        held.setdefault(inode, (comm, exe.replace(" (deleted)", "").strip()))
    found = []
    for line in sockets:
        place, inode = _pair(line)
        address, port = place.split(":")
        program, exe = held.get(inode, ("", ""))
        entry = {"address": kernel_address(address), "port": int(port, 16), "program": program, "exe": exe}
        if entry not in found:
            found.append(entry)
    return found


def kernel_address(text: str) -> str:
    """Turn /proc/net/tcp's address (32-bit words in the host's little-endian order) into the usual form."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack(f"<{len(words)}I", *words)
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def is_loopback(address: str) -> bool:
    """Say whether a listener's address is reachable from its own host only."""
    return ipaddress.ip_address(address).is_loopback


def units(lines: list[str]) -> dict:
    """Return systemd's units by name, each a dict of its properties, from ``systemctl show``'s lines."""
    found, current = {}, {}
    for line in [*lines, ""]:
        if not line:
            if "Id" in current and current.get("LoadState") not in ("not-found",):
                found[current["Id"]] = current
            current = {}
            continue
        name, _, value = line.partition("=")
        current[name] = value
    return found


def certificates(lines: list[str]) -> dict:
    """Return PEM text (leaf first) by the file that nginx is told to serve."""
    found: dict[str, str] = {}
    for line in lines:
        path, text = _pair(line)
        found[path] = found.get(path, "") + text + "\n"
    return found
