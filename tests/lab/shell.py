"""Run programs with a time limit and readable failures."""

from __future__ import annotations

import subprocess
import time

from tests.lab.errors import LabError


def run(command, *, timeout=60, check=True, input=None, cwd=None, env=None):
    """Run *command* (a list) to its end and return the CompletedProcess, text streams.

    timeout: seconds. Raises LabError when it is over, or, with *check*, when the
    command fails; the message has the command and both streams.
    """
    command = [str(part) for part in command]
    try:
        done = subprocess.run(
            command,
            timeout=timeout,
            capture_output=True,
            text=True,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            cwd=cwd,
            env=env,
        )
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed here.") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(command)} did not end within {timeout} s.") from None
    if check and done.returncode:
        raise LabError(f"{' '.join(command)} ended with {done.returncode}.\n{done.stdout}{done.stderr}".rstrip())
    return done


def wait_until(condition, what, *, timeout=30, pause=0.05):
    """Call *condition* until it returns something true, and return that.

    what: a phrase for the error, as in "WHAT did not happen". timeout: seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {timeout} s.")
        time.sleep(pause)
