"""Which engine applies a state to this host: salt-ssh, a master's orchestration, a minion without one, or the host itself (masterless)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex

import mattermost_config_file as files

NAME = "engine"  # of the note; commands.sh reads it
DEPLOY = "mattermost.ssl (or .non-ssl)", "mattermost"
UPGRADE = "mattermost.ssl (or .non-ssl)", "mattermost.deploy.server"
POSTGRESQL = "mattermost.postgresql", "mattermost.deploy.postgresql"


def is_over_ssh(opts: dict) -> bool:
    """Return whether salt-ssh brought the state, which sets no option that says so. opts: ``__opts__`` of the state."""
    return os.path.basename(opts["root_dir"]) == "running_data"


def name(opts: dict) -> str:
    """Return ``ssh``, ``master`` (an orchestration, by the minion), ``minion`` or ``masterless``. opts: ``__opts__`` of the state."""
    if is_over_ssh(opts):
        return "ssh"
    if opts.get("mattermost_orchestrated"):  # of scripts/failhard.conf, which each orchestration by minions brings
        return "master"
    return "masterless" if opts["file_client"] == "local" else "minion"


def has_orchestrations(opts: dict, work: str) -> bool:
    """Return whether an orchestration reaches this host: one is at work, or was (`note`). opts, work: as for `note`."""
    return name(opts) in ("ssh", "master") or (name(opts) == "minion" and _read(work) == f"master {opts['id']}\n")


def apply_command(sls: str, opts: dict) -> str:
    """Return the command that applies the deploy state *sls* to this host. opts: ``__opts__`` of the state."""
    if name(opts) == "masterless":
        return f"salt-call --local state.apply {sls}"
    return f"{'salt-ssh' if is_over_ssh(opts) else 'salt'} {shlex.quote(opts['id'])} state.apply {sls}"


def command(what: tuple[str, str], opts: dict, work: str) -> str:
    """Return the command that does *what* to this host. what: DEPLOY, UPGRADE or POSTGRESQL. opts, work: as for `note`."""
    orchestration, sls = what
    return f"salt-run state.orchestrate {orchestration}" if has_orchestrations(opts, work) else apply_command(sls, opts)


def note(work: str, opts: dict) -> None:
    """Note which engine is at work on this host, for the sentences of its programs; a full disk does not stop a run here.

    work: ``paths.work`` of the settings. opts: ``__opts__`` of the state. A state that a minion applies without an orchestration leaves
    the note of its master's orchestrations.
    """
    if name(opts) == "minion" and has_orchestrations(opts, work):
        return
    text = f"{name(opts)} {opts['id']}\n"
    with contextlib.suppress(OSError):
        os.makedirs(work, mode=0o700, exist_ok=True)
        if _read(work) != text:
            files.write(os.path.join(work, NAME), text)


def _read(work: str) -> str:
    """Return the note, empty when there is none."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return pathlib.Path(work, NAME).read_text(encoding="utf-8")
    return ""
