"""Which engine applies a state to this host: salt-ssh, a master by its minion, or the host itself (masterless)."""

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
    """Return ``ssh``, ``minion`` or ``masterless``. opts: ``__opts__`` of the state."""
    if is_over_ssh(opts):
        return "ssh"
    return "masterless" if opts["file_client"] == "local" else "minion"


def apply_command(sls: str, opts: dict) -> str:
    """Return the command that applies the deploy state *sls* to this host. opts: ``__opts__`` of the state."""
    if name(opts) == "masterless":
        return f"salt-call --local state.apply {sls}"
    return f"{'salt-ssh' if is_over_ssh(opts) else 'salt'} {shlex.quote(opts['id'])} state.apply {sls}"


def command(what: tuple[str, str], opts: dict) -> str:
    """Return the command that does *what* to this host. what: DEPLOY, UPGRADE or POSTGRESQL. opts: ``__opts__`` of the state."""
    orchestration, sls = what
    by_state = name(opts) == "masterless" or (
        what is POSTGRESQL and name(opts) == "minion"
    )  # no minion can be reached by it
    return apply_command(sls, opts) if by_state else f"salt-run state.orchestrate {orchestration}"


def note(work: str, opts: dict) -> None:
    """Note which engine is at work on this host, for the sentences of its programs; a full disk does not stop a run here.

    work: ``paths.work`` of the settings. opts: ``__opts__`` of the state.
    """
    place, text = os.path.join(work, NAME), f"{name(opts)} {opts['id']}\n"
    with contextlib.suppress(OSError):
        os.makedirs(work, mode=0o700, exist_ok=True)
        if not os.path.exists(place) or pathlib.Path(place).read_bytes() != text.encode():
            files.write(place, text)
