"""Programs of the host that are run for their effect: what they say when they fail is never lost."""

from __future__ import annotations

import subprocess

import mattermost_baseline_record as records

STOP_SECONDS = 120  # for a unit of ours; stop_unit of tools.sh has it too


def failure(*command: str, seconds: float | None = None) -> str:
    """Run *command*; return "" when it succeeded, else a sentence with the command and its own reason.

    seconds: that it may take; what takes longer did not succeed.
    """
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)} did not end within {seconds} s."
    if ended.returncode == 0:
        return ""
    reason = (ended.stderr or ended.stdout).strip() or f"exit status {ended.returncode}"
    return f"{' '.join(command)} failed: {reason}"


def stop_ours(unit: str) -> None:
    """Stop a unit of ours; kill what still runs then: the server may ask systemd for ever more time (EXTEND_TIMEOUT_USEC)."""
    if "did not end" in failure("systemctl", "stop", unit, seconds=STOP_SECONDS):
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
