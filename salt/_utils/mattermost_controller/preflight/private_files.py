"""Files of this machine that hold passwords or keys, and that other accounts of it can read."""

from __future__ import annotations

import os
import pwd
import re
import stat
from pathlib import Path

from mattermost_controller.findings import Finding, ok, warning

# of no use to a reader: what a template looks up, what is encrypted
CLOSED = rb"""(?!["']?\{\{|[|>][-+0-9]*[ \t]*\n\s*-----BEGIN PGP MESSAGE)"""
# a password that is set, in the roster's or the pillar's YAML
SECRET = re.compile(
    rb"^[ \t]*[\w.]*(pass|secret|token|_key)\w*[ \t]*:[ \t]*" + CLOSED + rb"[^\s#]", re.IGNORECASE | re.MULTILINE
)
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
LONGEST = 2**20  # bytes looked at


def inspect(opts: dict, entry: dict, roots: list[str]) -> dict:
    """Return ``readable``: the paths of such files, sorted. opts: Salt's own. entry: a host's of the roster. roots: what ``salt://`` stands for."""
    texts = [Path(opts.get("roster_file") or "roster")]
    texts += [path for root in opts.get("pillar_roots", {}).get("base", []) for path in Path(root).rglob("*.sls")]
    keys = [Path(os.path.expanduser(str(name))) for name in (entry.get("priv"), opts.get("ssh_priv")) if name]
    keys += [path for root in roots for path in Path(root, "mattermost/local").rglob("*")]
    found = {path for path in texts if _has(path, SECRET)} | {path for path in keys if _has(path, PRIVATE_KEY)}
    return {"readable": sorted(str(path) for path in found if _others_can_read(path.resolve()))}


def _has(path: Path, pattern: re.Pattern) -> bool:
    try:
        with path.open("rb") as file:
            return bool(pattern.search(file.read(LONGEST)))
    except OSError:
        return False


def _others_can_read(path: Path) -> bool:
    """Everybody, or a group that is not its owner's own; and the way to it is open to all."""
    seen = path.stat()
    if not seen.st_mode & stat.S_IROTH and not (seen.st_mode & stat.S_IRGRP and seen.st_gid != _own_group(seen.st_uid)):
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)


def _own_group(uid: int) -> int | None:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return None


def readable_secrets(settings, facts, outside) -> Finding:
    if outside.get("by_minion"):
        return ok(
            "readable-secrets",
            "It was not checked who can read this pillar, because a master's pillar can come from anywhere. Make sure that only the master's user can read it.",
        )
    readable = outside.get("readable", [])
    if readable:
        sentence = (
            f"Other accounts on the controller can read {', '.join(readable)}, which may contain passwords or keys."
        )
        return warning("readable-secrets", sentence, f"run on the controller: chmod go= {' '.join(readable)}")
    return ok("readable-secrets", "Other accounts on the controller cannot read the files with passwords or keys.")
