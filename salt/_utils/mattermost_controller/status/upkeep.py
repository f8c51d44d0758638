"""Whether the rest of the host is current: support of the platform and of PostgreSQL, a reboot that is due, security packages. Pure."""

from __future__ import annotations

import time
from datetime import date, datetime, timezone

from mattermost_plural import plural

from mattermost_controller.findings import Finding, ok, refusal, skipped, warning

SOON = 90  # days before an end of support that a warning comes


def findings(settings: dict, facts: dict, postgresql: str, table: dict) -> list[Finding]:
    """Return what there is to say.

    settings: merged. facts: of ``status.facts.parse``. postgresql: the version that runs, "" when it does not answer.
    table: releases.yaml, whose ``postgresql`` has the last day of support of each major.
    """
    today = day_of(facts)
    platform, major = settings["platform"], postgresql.partition(".")[0]
    return [
        support("platform-support", platform["name"], platform["support_ends"], today, "move the server to a host with a supported system (docs/move.md)"),
        postgresql_support(major, table["postgresql"], today)
        if major
        else skipped("postgresql-support", "Not checked, because PostgreSQL does not answer."),
        _reboot(facts["status"]["reboot"]),
        _packages(facts["status"]["security_packages"]),
        _postgresql_update(facts["status"]["postgresql_waits"], postgresql),
    ]  # fmt: skip


def day_of(facts: dict) -> date:
    """Return the host's day in UTC, the controller's where the host told none."""
    return datetime.fromtimestamp(facts.get("time") or time.time(), timezone.utc).date()


def postgresql_support(major: str, ends: dict, today) -> Finding:
    """Judge the last day of support of a PostgreSQL. ends: by major."""
    way = "upgrade PostgreSQL to a newer major version (docs/postgresql.md)"
    return support("postgresql-support", f"PostgreSQL {major}", ends.get(major, ""), today, way)


def support(check: str, what: str, ends: str, today, way: str) -> Finding:
    """Judge the last day of support of *what*. ends: "" where it is not known."""
    if not ends:
        return skipped(
            check, f"Not checked, because this bundle does not know when the support of {what} ends. Ask its vendor."
        )
    left = (datetime.strptime(ends, "%Y-%m-%d").date() - today).days
    if left < 0:
        return refusal(check, f"The support of {what} ended on {ends}. {what} gets no more security fixes.", f"{way}.")
    if left <= SOON:
        return warning(check, f"The support of {what} ends on {ends}.", f"{way}.")
    return ok(check, f"{what} is supported until {ends}.")


def _reboot(due: bool) -> Finding:
    if due:
        return warning(
            "reboot", "Installed updates need a reboot of the host.", "reboot the host when nobody needs chat."
        )
    return ok("reboot", "No reboot is known to be due.")


def _packages(count: int | None) -> Finding:
    if count is None:
        return skipped(
            "security-packages", "Not checked, because the package manager of the host did not list its updates."
        )
    if count:
        return warning(
            "security-packages",
            f"{plural(count, 'security update')} of the distribution {'are' if count > 1 else 'is'} waiting.",
            "install these updates on the host (apt or dnf upgrade).",
        )
    return ok(
        "security-packages", "No security update of the distribution is waiting (as of the host's last package list)."
    )


def _postgresql_update(waits: str | None, running: str) -> Finding:
    if waits:
        return warning(
            "postgresql-update",
            f"The update to PostgreSQL {waits} is waiting. The running version is {running or 'unknown'}.",
            "install the update on the host (apt or dnf upgrade) when nobody needs chat, because PostgreSQL restarts.",
        )
    return ok(
        "postgresql-update", "No update of PostgreSQL is known to be waiting (as of the host's last package list)."
    )
