"""The pillar and the roster as files: their faults, before Salt renders them.

What only a renderer can tell, of a template or another backend, is left to Salt.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re

import mattermost_settings_data as data

from mattermost_controller.given import text

# what Salt 3008 takes from an entry of a roster: the arguments of salt.client.ssh.Single and what it reads from the rest
ENTRY = (
    "host user passwd port sudo sudo_user tty priv priv_passwd timeout minion_opts thin_dir cmd_umask ssh_options ssh_pre_flight ssh_pre_hook"
    " ssh_pre_flight_args set_path identities_only remote_port_forwards grains mine mine_functions disable_wipe winrm mods keepalive"
    " keepalive_interval keepalive_count_max"
).split()


TEXTS = "host user passwd priv priv_passwd sudo_user thin_dir".split()
NUMBERS = ("passwd", "priv_passwd")  # Salt takes a whole number there for its digits
TRUTHS = "sudo tty identities_only keepalive".split()
COUNTS = "timeout keepalive_interval keepalive_count_max".split()
# what ssh, or a shell on the host, would read as more than a name
FORMS = {
    "host": (re.compile(r"[A-Za-z0-9_]([\w.-]*\w\.?)?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?", re.ASCII), "a host name or an address alone, such as 192.0.2.10; write the port on another line, as `port: 22`"),
    "user": (re.compile(r"[\w.][\w.@+$\\-]*", re.ASCII), "the name of an account"),
    "sudo_user": (re.compile(r"[\w.][\w.@+$-]*", re.ASCII), "the name of an account"),
    "thin_dir": (re.compile(r"/[\w.@+-]+(/[\w.@+-]+)+", re.ASCII), "an absolute path of two names or more, such as /home/USER/salt, without blanks"),
}  # fmt: skip
OURS = "mattermost"


def wrong(opts: dict, host_id: str = "*") -> str:
    """Return the first fault of the pillar's files for *host_id* ("*": of those for every host, and of the roster); "" for none.

    opts: the master's.
    """
    try:
        for root in opts.get("pillar_roots", {}).get("base", []):
            _pillar(str(root), host_id, opts)
        if host_id == "*" and opts.get("roster") in (None, "flat"):
            _roster(opts.get("roster_file") or "roster")
    except text.TextError as err:
        return str(err)
    return ""


def _first_level(opts: dict) -> dict:
    """Return the schema of the settings of the first level, {} where this machine has none."""
    try:
        return data.load(opts.get("file_roots", {}).get("base", []))["schema"]["properties"]
    except FileNotFoundError:
        return {}


def _pillar(root: str, host_id: str, opts: dict) -> None:
    top = os.path.join(root, "top.sls")
    if not os.path.lexists(top):
        return
    found = text.parse(top)
    names = [["mattermost"]] if found is None else []
    if isinstance(found, dict):
        targets = found.get("base")
        if isinstance(targets, dict):
            names = _names(top, targets, host_id)
        elif "base" in found or not any(isinstance(part, dict) for part in found.values()):
            raise text.TextError(
                f"{top}:1: this file has no mapping `base:`. Write this file like the original pillar/top.sls of this bundle."
            )
    seen: set[str] = set()
    for part in names:
        for name in part if isinstance(part, list) else []:
            _sls(root, name, seen, opts)


def _names(top: str, targets: dict, host_id: str) -> list:
    """Return what the top file gives *host_id*, a list for each of its targets."""
    for target, part in targets.items():
        if not isinstance(part, (list, dict)):
            raise text.TextError(
                f"{top}: {str(target)!r} has no list below it. Write the name of each pillar file on a separate line, as `- {OURS}`."
            )
    return [part for target, part in targets.items() if _is_of(str(target), host_id)]


def _is_of(target: str, host_id: str) -> bool:
    return target == "*" or fnmatch.fnmatchcase(host_id, target)


def _sls(root: str, name, seen: set[str], opts: dict) -> None:
    if not isinstance(name, str) or name in seen:
        return
    seen.add(name)
    path = os.path.join(root, *name.split("."))
    for file in (f"{path}.sls", os.path.join(path, "init.sls")):
        if os.path.lexists(file):
            branch = text.parse(file)
            if isinstance(branch, dict):
                if name == OURS and OURS not in branch:
                    _top_level(file, branch, _first_level(opts))
                included = branch.get("include") or []
                if not isinstance(included, list):
                    raise text.TextError(
                        f"{file}: include is not a list. Write the name of each included pillar file on a separate line, as `- NAME`."
                    )
                for each in included:
                    _sls(root, next(iter(each), "") if isinstance(each, dict) else each, seen, opts)
            elif branch is not None:
                raise text.TextError(
                    f"{file}:1: this file contains no mapping of settings. Begin it with the line `mattermost:`."
                )
            return


def _top_level(file: str, branch: dict, settings) -> None:
    """Refuse settings that nothing reads, because `mattermost:` is not above them. settings: names of the first level."""
    for name in map(str, branch):
        if difflib.get_close_matches(name.strip().lower(), [OURS], n=1, cutoff=0.85):
            raise text.TextError(f"{file}: the key {name!r} is never read. Write `{OURS}:` instead.")
        if name.strip() in settings:
            raise text.TextError(
                f"{file}: the key {name!r} is not below `{OURS}:`. Begin the file with that line, and indent all settings below it."
            )


def _roster(path: str) -> None:
    if not os.path.lexists(path):
        return
    found = text.parse(path)
    if found is None:
        return
    if not isinstance(found, dict):
        raise text.TextError(f"{path}:1: this file contains no mapping of hosts. See an entry in roster.example.")
    for host_id, entry in found.items():
        _entry(path, host_id, entry)


def _entry(path: str, host_id, entry) -> None:
    where, inside = f"{path}: the entry {host_id!r}", f"{path}: in the entry {host_id!r}, the value of"
    if not isinstance(host_id, (str, int)) or isinstance(host_id, bool):
        raise text.TextError(f"{where} has a name that YAML does not read as text. Write it in quotes, '...'.")
    if isinstance(entry, str):
        return  # Salt takes it for the address
    if not isinstance(entry, dict):
        raise text.TextError(f"{where} has no mapping below its name. See an entry in roster.example.")
    if "host" in entry and not entry["host"]:
        raise text.TextError(f"{where} has no address. Write it below the entry, as `host: 192.0.2.10`.")
    for name in TEXTS:
        value = entry.get(name) or ""
        if not isinstance(value, str) and not (name in NUMBERS and type(value) is int):
            raise text.TextError(f"{inside} {name} is not text. Write it in quotes, '...'.")
    for name, (form, words) in FORMS.items():
        value = entry.get(name) or ""
        if value and not value.startswith("sdb://") and not form.fullmatch(value):
            raise text.TextError(f"{inside} {name} must be {words}.")
    for name in TRUTHS:
        if not isinstance(entry.get(name) or False, bool):
            raise text.TextError(f"{inside} {name} must be True or False, without quotes.")
    for name in COUNTS:
        value = entry.get(name)
        if value is not None and not (str(value).isdecimal() and str(value).isascii() and 0 < int(value) < 100000):
            raise text.TextError(f"{inside} {name} must be a whole number of 1 or more.")
    options = entry.get("ssh_options") or []
    if not isinstance(options, list) or not all(isinstance(each, str) for each in options):
        raise text.TextError(f"{inside} ssh_options must be a list. Write `ssh_options: [NAME=VALUE]`.")
    port = str(entry.get("port") or 22)
    if not port.startswith("sdb://") and not (port.isdecimal() and port.isascii() and 0 < int(port) < 65536):
        raise text.TextError(f"{inside} port must be a number from 1 to 65535.")
    if not isinstance(entry.get("minion_opts") or {}, dict):
        raise text.TextError(
            f"{inside} minion_opts must be a mapping. Write its options below it, each as `name: value`."
        )


def doubts(entry: dict) -> list[str]:
    """Return a sentence for each key of a roster's *entry* that Salt does not read and that looks like one that it does."""
    found = []
    for name in sorted(map(str, set(entry) - set(ENTRY))):
        if near := difflib.get_close_matches(name, ENTRY, n=1, cutoff=0.7):
            found.append(f"The roster entry has the key {name}, which nothing reads. Did you mean {near[0]}?")
    return found
