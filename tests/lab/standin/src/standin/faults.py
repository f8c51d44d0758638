"""The named fault switches: environment variables that make the stand-in misbehave on purpose.

Nothing else in this program knows that it is being tested. Unset means healthy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "STANDIN_FAULT_"


@dataclass(frozen=True)
class Faults:
    """fail_start: exit 1 before anything is touched.
    slow_start: seconds to wait between migrations and READY.
    slow_migration: seconds each pending migration takes.
    fail_migration: let half of the pending migrations (at least one) be applied, then fail.
    fail_down: half of the migrations that are to be taken back are, then one fails.
    missing_down: this version has no statements that take its newest migration back.
    slow_down: seconds that taking each migration back takes.
    unhealthy: ``database_status`` and ``status`` are UNHEALTHY.
    wrong_version: version claimed in X-Version-Id, config/client and the websocket hello.
    crash_after: seconds after READY at which the process dies by SIGKILL.
    slow_stop: seconds that a stop takes.
    post: how a post is shown that is asked for by its ID: ``error`` (500), ``nothing`` (an empty answer), ``other`` (of another channel).
    """

    fail_start: bool = False
    slow_start: float = 0.0
    slow_migration: float = 0.0
    fail_migration: bool = False
    fail_down: bool = False
    missing_down: bool = False
    slow_down: float = 0.0
    unhealthy: bool = False
    wrong_version: str = ""
    crash_after: float | None = None
    slow_stop: float = 0.0
    post: str = ""


def _number(environ: Mapping[str, str], name: str) -> float | None:
    text = environ.get(PREFIX + name, "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{PREFIX}{name}={text!r} is not a number of seconds.") from None


def _flag(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(PREFIX + name, "") not in ("", "0", "false")


def read(environ: Mapping[str, str] = os.environ) -> Faults:
    """Read the switches. Raises ValueError for seconds that are no number."""
    return Faults(
        fail_start=_flag(environ, "FAIL_START"),
        slow_start=_number(environ, "SLOW_START_SECONDS") or 0.0,
        slow_migration=_number(environ, "SLOW_MIGRATION_SECONDS") or 0.0,
        fail_migration=_flag(environ, "FAIL_MIGRATION"),
        fail_down=_flag(environ, "FAIL_DOWN"),
        missing_down=_flag(environ, "MISSING_DOWN"),
        slow_down=_number(environ, "SLOW_DOWN_SECONDS") or 0.0,
        unhealthy=_flag(environ, "UNHEALTHY"),
        wrong_version=environ.get(PREFIX + "WRONG_VERSION", ""),
        crash_after=_number(environ, "CRASH_AFTER_SECONDS"),
        slow_stop=_number(environ, "SLOW_STOP_SECONDS") or 0.0,
        post=environ.get(PREFIX + "POST", ""),
    )
