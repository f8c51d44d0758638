"""Programs of the host that are run for their effect: what they say when they fail is never lost."""

from __future__ import annotations

import subprocess

import mattermost_baseline_record as records
import mattermost_subprocess

STOP_SECONDS = 120  # for a unit of ours; stop_unit of tools.sh has it too


def failure(*command: str) -> str:
    """Run *command*; return "" when it succeeded, else a sentence with the command and its own reason."""
    ended = mattermost_subprocess.run(command)
    if ended.returncode == 0:
        return ""
    reason = (ended.stderr or ended.stdout).strip() or f"exit status {ended.returncode}"
    return f"{' '.join(command)} failed: {reason.rstrip('.')}."


def stop_ours(unit: str) -> None:
    """Stop a unit of ours; kill what still runs then: the server may ask systemd for ever more time (EXTEND_TIMEOUT_USEC)."""
    try:
        subprocess.run(
            ["systemctl", "stop", unit],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=STOP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        failure("systemctl", "kill", "-s", "KILL", unit)


def switch_unit(unit: str, enabled: bool, active: bool) -> str:
    """Have a systemd unit so; return what systemctl said when it is not so afterwards, else "".

    A command may fail without harm: to disable a unit that is gone, to enable one that is static.
    """
    sentences = [
        failure("systemctl", "enable" if enabled else "disable", unit),
        failure("systemctl", "start" if active else "stop", unit),
    ]
    is_so = records.unit(unit) == {"enabled": enabled, "active": active}
    return "" if is_so else " ".join(filter(None, sentences))
