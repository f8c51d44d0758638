"""A login by ssh as root's own ``ssh NAME`` here: its key, user, port and host key are what root's files in ``.ssh`` say."""

from __future__ import annotations

import subprocess

from mattermost_controller.hosts import bounded, login_shell, roster

_OPTIONS = {
    "BatchMode": "yes",  # an error where ssh would ask
    "ConnectTimeout": "20",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "4",
    "ClearAllForwardings": "yes",
    "LogLevel": "ERROR",
}


def command(name: str, script: str = "") -> list[str]:
    """Return the command that runs a POSIX sh *script* on *name* as root (by sudo for another user), without one its standard input."""
    shell = login_shell.in_sh(script) if script else "/bin/sh -s"
    as_root = login_shell.in_sh(f'if [ "$(id -u)" = 0 ]; then exec {shell}; else exec sudo -n {shell}; fi')
    return ["ssh", "-T", *flags(_OPTIONS), "--", name, as_root]


def flags(options: dict[str, str]) -> list[str]:
    """Return *options* of ssh_config as arguments of ``ssh``."""
    return [part for name, value in options.items() for part in ("-o", f"{name}={value}")]


class Login:
    """A host that this one logs in to, as `transfer.Endpoint` needs one. name: what ``ssh`` takes, and messages call it."""

    def __init__(self, name: str):
        self.id = name

    def run(self, script: str, timeout: float = 60, is_private: bool = False) -> roster.Result:
        """Run a POSIX sh *script* there, which may hold secrets. timeout: seconds."""
        return ran(command(self.id), (roster.PATH + script).encode(), timeout)

    def exchange(self, script: str, data: bytes, timeout: float, limit: int) -> subprocess.CompletedProcess:
        """Run a POSIX sh *script* there, which holds none, with *data* on its standard input."""
        return bounded.run(self.stream(script)[0], data, timeout, limit)

    def stream(self, script: str) -> tuple[list[str], bytes]:
        """Return the command that runs a POSIX sh *script* there, and the bytes to write to it first."""
        return command(self.id, roster.PATH + script), b""


def ran(argv: list[str], data: bytes, timeout: float) -> roster.Result:
    """Run *argv* here with *data* on its standard input; never raises for a failure. timeout: seconds."""
    try:
        done = bounded.run(argv, data, timeout)
    except subprocess.TimeoutExpired as late:
        return roster.Result(
            roster.TIMEOUT_RC, bounded.text(late.stdout or b""), f"The host gave no answer within {timeout:g} s."
        )
    except bounded.TooLong as err:
        return roster.Result(roster.TIMEOUT_RC, "", str(err))
    return roster.Result(done.returncode, bounded.text(done.stdout), bounded.text(done.stderr))
