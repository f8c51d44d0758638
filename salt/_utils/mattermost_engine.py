"""Which engine applies a state to this host: salt-ssh, a master by its minion, or the host itself (masterless)."""

from __future__ import annotations

import os
import shlex


def is_over_ssh(opts: dict) -> bool:
    """Return whether salt-ssh brought the state, which sets no option that says so. opts: ``__opts__`` of the state."""
    return os.path.basename(opts["root_dir"]) == "running_data"


def apply_command(sls: str, opts: dict) -> str:
    """Return the command that applies the deploy state *sls* to this host. opts: ``__opts__`` of the state."""
    host_id = shlex.quote(opts["id"])
    if is_over_ssh(opts):
        return f"salt-ssh {host_id} state.apply {sls}"
    return (
        f"salt-call --local state.apply {sls}"
        if opts["file_client"] == "local"
        else f"salt {host_id} state.apply {sls}"
    )
