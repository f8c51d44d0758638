"""What a host was like before we came: taken once, before the first change, so that a removal can bring it back.

A host that was deployed before there was such a record has none; a removal then leaves alone what may have been there.
"""

from __future__ import annotations

import glob
import grp
import json
import os
import pwd
import subprocess
import time

import mattermost_config_file as files
import mattermost_firewall_firewalld as firewall
import mattermost_packages as packages
import mattermost_repositories_core as repositories
import mattermost_subprocess
from mattermost_lines import lines_of

FORMAT = 1
NAME = "before.json"
CONTEXTS = "/etc/selinux/*/contexts/files/file_contexts.local"
BOOLEANS = ("/sys/fs/selinux/booleans", "/selinux/booleans")  # the kernel's own, there without any tool


def path(work: str) -> str:
    """Return where the record stands. work: ``paths.work`` of the settings."""
    return os.path.join(work, NAME)


def read(work: str) -> dict | None:
    """Return the record, None when there is none. Raises FileError for one that cannot be read."""
    return files.read_json(
        path(work), "Move it away: without it, a removal keeps the packages and accounts of this host."
    )


def is_needed(record: dict | None, deployed: bool) -> bool:
    """Say whether the host is to be looked at now: never looked at and not deployed, or deployed anew after a removal."""
    return "left" in record if record else not deployed


def is_deployed(paths: dict) -> bool:
    """Say whether a run of ours has changed this host before, record or not."""
    unit_file = "/etc/systemd/system/mattermost.service"
    if os.path.lexists(unit_file) and not is_foreign(unit_file):
        return True
    marks = (
        f"{paths['settings']}/environment",
        f"{paths['install']}/current",
    )
    return any(os.path.lexists(mark) for mark in (*marks, f"{paths['work']}/config.json"))


def is_foreign(unit_file: str) -> bool:
    """Say whether a unit file is there that no deploy wrote: a link to nothing is no file of ours."""
    try:
        return "Managed by Salt (mattermost.deploy.server)" not in _text(unit_file)
    except FileNotFoundError:
        return os.path.islink(unit_file)
    except OSError:
        return False


def ancestors(paths) -> list[str]:
    """Return every directory above *paths*, and themselves, that a deploy may have to make."""
    found = set()
    for each in paths:
        while each not in ("", "/"):
            found.add(each)
            each = os.path.dirname(each)
    return sorted(found)


def without_our_leftovers(now: dict, old: dict | None) -> dict:
    """Return the record to keep: *now*, less what a removal of ours had left there. old: the record of then."""
    left = (old or {}).get("left")
    if not left:
        return now
    joined = dict(now)
    for kind in ("packages", "users", "groups", "directories", "letsencrypt"):
        ours = set(left.get(kind, ())) - set(old[kind])  # an older note knows nothing of certbot's files
        joined[kind] = sorted(set(now[kind]) - ours)
    if left["cluster"]:
        joined["cluster"] = old["cluster"]
        joined["units"] = {
            **now["units"],
            **{name: state for name, state in old["units"].items() if "postgresql" in name},
        }
    return joined


def inspect(platform: dict, paths: dict) -> dict:
    """Look at the host. platform, paths: branches of the settings."""
    nginx, postgresql, certbot = platform["nginx"], platform["postgresql"], platform["certbot"]
    units = (
        nginx["service"],
        postgresql["service"],
        postgresql["enable"],
        certbot["timer"],
        platform["firewall"]["service"],
    )
    own_paths = [*paths.values(), nginx["snippet_dir"], os.path.dirname(nginx["unit_dropin"]), certbot["directory"]]
    own_paths += [postgresql["data_dir"], postgresql["config_dir"], os.path.dirname(nginx["site_dir"])]
    own_paths += [
        "/usr/local/lib/mattermost",
        "/var/backups",
        "/etc/tmpfiles.d",
        "/etc/firewalld/zones",
        "/var/www/html",
        "/var/lib/letsencrypt",
        "/var/lib/nginx",
    ]
    manager = packages.Packages()
    return {
        "format": FORMAT,
        "taken": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "packages": manager.names(),
        "keys": sorted(manager.keys()),
        "users": sorted(account.pw_name for account in pwd.getpwall()),
        "groups": sorted(group.gr_name for group in grp.getgrall()),
        "units": {name: unit(name) for name in sorted({_full(each) for each in units})},
        "directories": [each for each in ancestors(own_paths) if os.path.isdir(each)],
        "default_sites": {each: os.readlink(each) for each in nginx["default_sites"] if os.path.islink(each)},
        "zones": texts(f"{firewall.OWN}/*.xml"),
        "zone": _zone(),
        "letsencrypt": tree(certbot["directory"]),
        "repositories": texts("/etc/yum.repos.d/*.repo"),
        "modules": {name: module(name) for name in platform["repositories"]["modules_off"]},
        "booleans": {name: boolean(name) for name in platform["selinux"]["booleans"]},
        "contexts": contexts(),
        "cluster": os.path.exists(os.path.join(postgresql["data_dir"], "PG_VERSION")),
    }


def tree(folder: str) -> list[str]:
    """Return the paths of all files and links below *folder*."""
    return sorted(os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)


def texts(pattern: str) -> dict[str, str]:
    """Return the texts of the files that match *pattern*; a link to nothing, and a folder, has none."""
    return {name: _text(name) for name in sorted(glob.glob(pattern)) if os.path.isfile(name)}


def _zone() -> dict:
    name = firewall.zone() if firewall.running() else firewall.default_zone()
    return {"name": name, "text": firewall.zone_file(name)}


def write(work: str, record: dict) -> None:
    """Write the record, for root alone; in ASCII, so that names and texts of any bytes come back as they were."""
    os.makedirs(work, mode=0o700, exist_ok=True)
    files.write(path(work), json.dumps(record, indent=4))


def _full(unit_name: str) -> str:
    return unit_name if unit_name.endswith((".service", ".timer")) else f"{unit_name}.service"


def unit(name: str) -> dict:
    """Return ``{"enabled": bool, "active": bool}`` of a systemd unit; both False for one that is not there."""
    asked = {"enabled": "is-enabled", "active": "is-active"}
    return {
        kind: subprocess.run(["systemctl", "--quiet", verb, name], capture_output=True, check=False).returncode == 0
        for kind, verb in asked.items()
    }


def boolean(name: str) -> str:
    """Return ``on`` or ``off`` of a boolean of SELinux, empty where it cannot be asked."""
    for folder in BOOLEANS:
        if os.path.exists(f"{folder}/{name}"):
            return "on" if _text(f"{folder}/{name}").startswith("1") else "off"
    try:
        done = mattermost_subprocess.run(["getsebool", name])
    except FileNotFoundError:
        return ""
    return (done.stdout.split() or [""])[-1] if done.returncode == 0 else ""


def contexts() -> list[str]:
    """Return the patterns of paths that SELinux labels in a way of this host's own."""
    lines = [line for path in glob.glob(CONTEXTS) for line in lines_of(_text(path))]
    return sorted({line.split()[0] for line in lines if line.split() and not line.startswith("#")})


def module(name: str) -> str | None:
    """Return the text in which dnf keeps a module's state, None for one whose state nobody set."""
    return text(repositories.module_file(name))


def text(name: str) -> str | None:
    """Return the text of a file of root's, None when there is none."""
    return _text(name) if os.path.exists(name) else None


def _text(name: str) -> str:
    with open(name, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()
