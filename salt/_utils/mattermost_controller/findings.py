"""What a check found, and how many of them are shown: one line each, the same for preflight and verify."""

from __future__ import annotations

from typing import NamedTuple

# Every check by name; docs/preflight.md and docs/verify.md describe them.
ON_THE_WAY = ("settings", "reachable", "host-key", "ssh-login", "ssh-key", "sudo", "probe")
FITNESS = (  # what mattermost:preflight:ignore may name; user-limit is asked on the host too, right before an upgrade
    "platform", "glibc", "systemd", "transport", "disk", "mounts", "memory", "ports", "postgresql", "existing-config",
    "existing-database", "account", "directories", "unit", "nginx-in-use", "postgresql-in-use", "moved", "aside", "downgrade", "newer-default", "checksum",
    "archive-source", "named-files", "own-certificate", "readable-secrets", "other-run", "clock", "firewall", "email", "public-name", "user-limit",
    "sign-in", "upgrade-changes", "edition", "license", "values",
)  # fmt: skip
ACKNOWLEDGED = ("breaking-changes",)  # never ignored: see mattermost:acknowledged
PREFLIGHT = (*ON_THE_WAY, *FITNESS, *ACKNOWLEDGED)
VERIFY = (
    "installed", "version", "edition", "health", "page", "websocket", "websocket-origin", "site-address", "sign-up",
    "upload-limit", "public-name", "reachable", "closed-ports", "listeners", "redirect", "challenge", "hsts",
    "certificate-trust", "certificate-days", "certificate-served", "tls-protocol", "services", "renewal",
    "certificate-watch", "backup-age", "postgresql", "private-files", "additional-names", "additional-certificates", "additional-redirects",
    "round-trip", "license",
)  # fmt: skip
RELEASES = ("security-patch", "support-end", "release-sources")  # told by preflight, status and the host's daily check
UPKEEP = (
    "platform-support",
    "postgresql-support",
    "reboot",
    "security-packages",
    "postgresql-update",
    "salt",
    "restic",
    "bundle-version",
)
STATUS = ("backup-result", "disk", "users", "drift", "unattended-patches", *UPKEEP)
_NAMES = {*PREFLIGHT, *VERIFY, *RELEASES, *STATUS}

OK, NOTE, SKIPPED, WARNING, REFUSAL = "ok", "note", "skipped", "warning", "refusal"
_SHOWN = {OK: "ok", NOTE: "note", SKIPPED: "skipped", WARNING: "WARNING", REFUSAL: "REFUSED"}


class Finding(NamedTuple):
    """One check's outcome.

    check: kebab-case name. level: ok, note, skipped (could not be asked, because of a refusal), warning or refusal. sentence: what was found, with the values.
    fix: what the operator should do, "" when there is nothing to do.
    """

    check: str
    level: str
    sentence: str
    fix: str = ""


def _finding(check: str, level: str, sentence: str, todo: str = "") -> Finding:
    if check not in _NAMES:
        raise ValueError(f"{check} is not in the list of checks.")
    return Finding(check, level, sentence, todo)


def ok(check: str, sentence: str) -> Finding:
    """Return a finding without a complaint."""
    return _finding(check, OK, sentence)


def note(check: str, sentence: str, fix: str = "") -> Finding:
    """Return something worth knowing that is no fault."""
    return _finding(check, NOTE, sentence, fix)


def skipped(check: str, sentence: str) -> Finding:
    """Return a check that could not be made because of what another one refuses."""
    return _finding(check, SKIPPED, sentence)


def warning(check: str, sentence: str, fix: str = "") -> Finding:
    """Return something that may go wrong; the run goes on."""
    return _finding(check, WARNING, sentence, fix)


def refusal(check: str, sentence: str, fix: str = "") -> Finding:
    """Return a reason not to go on."""
    return _finding(check, REFUSAL, sentence, fix)


def soften(findings: list[Finding], ignored, setting: str = "mattermost:preflight:ignore") -> list[Finding]:
    """Turn the refusals of the checks named in *ignored*, which *setting* holds, into warnings that say so."""
    return [
        one._replace(level=WARNING, sentence=f"{one.sentence} (ignored by {setting})")
        if one.level == REFUSAL and one.check in ignored
        else one
        for one in findings
    ]


def refused(found: dict[str, list[Finding]]) -> list[tuple[str, Finding]]:
    """Return the refusals with the host each belongs to. found: findings by host."""
    return [(host, one) for host, findings in found.items() for one in findings if one.level == REFUSAL]


def table(found: dict[str, list[Finding]], words: dict | None = None) -> list[str]:
    """Return one line per finding: level, host, check, sentence. words: other words for the levels."""
    words = {**_SHOWN, **(words or {})}
    rows = [(words[one.level], host, one.check, one.sentence) for host, findings in found.items() for one in findings]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)) + f"  {row[3]}" for row in rows]


def reasons(found: dict[str, list[Finding]]) -> list[str]:
    """Return one line per refusal: host, check, what is wrong, what to do."""
    return [
        f"{host}: {one.check}: {one.sentence}" + (f" To do: {one.fix}" if one.fix else "")
        for host, one in refused(found)
    ]


def as_data(found: dict[str, list[Finding]]) -> dict[str, list[dict]]:
    """Return the findings as plain dicts by host, for ``--out=json``."""
    return {
        host: [{"check": one.check, "level": one.level, "sentence": one.sentence, "todo": one.fix} for one in findings]
        for host, findings in found.items()
    }
