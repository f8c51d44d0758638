"""What has to be done to the Mattermost service, and what the host program ``mattermost-switch`` reported. Pure functions."""

from __future__ import annotations

from mattermost_lines import lines_of
from mattermost_release_facts import new_user_limit


def step(wanted: str, installed: str | None, active: bool, reasons: list[str]) -> tuple[str, str] | None:
    """Return what to do as (verb, sentence without full stop), or None when the service is right.

    wanted, installed: versions; installed None on a fresh host. active: the service runs.
    reasons: why a running server must be restarted.
    """
    if not installed:
        return "to", f"start Mattermost {wanted} for the first time"
    if installed != wanted:
        return "to", f"upgrade Mattermost {installed} to {wanted}"
    if not active:
        return "restart", f"start Mattermost {installed}"
    if reasons:
        return "restart", f"restart Mattermost {installed}: {', '.join(reasons)}"
    return None


def too_many_users(
    installed: str, wanted: str, users: int | None, edition: str = "team", installed_edition: str = "team"
) -> str:
    """Return why an upgrade past the user limit must not go on by itself, or nothing.

    users: active accounts of people, None if not counted. edition, installed_edition: of the wanted version and of the installed one.
    """
    limit = new_user_limit(installed, wanted, installed_edition, edition)
    if limit is None:
        return ""
    if users is None:
        return (
            f"The active users could not be counted, and Team Edition {wanted} serves at most {limit} users. To count "
            "them, run on the host: mattermost-switch users. Or set mattermost:preflight:ignore: [user-limit] to upgrade anyway."
        )
    if users <= limit:
        return ""
    return (
        f"Team Edition {wanted} serves at most {limit} users, but {users} are active. After the upgrade no user could be "
        "added or reactivated. Deactivate accounts, stay on a Mattermost before 11.0, or set mattermost:preflight:ignore: "
        "[user-limit] to upgrade anyway."
    )


def due(files: dict[str, float], started: float) -> list[str]:
    """Return which *files* (path -> time of change) are younger than the server's start, as reasons for a restart."""
    return [f"{path} changed" for path, changed in sorted(files.items()) if changed > started]


def announced(running: dict, files) -> list[str]:
    """Return the reasons for a restart that earlier states of this run gave.

    running: results so far, by tag. A state gives one by ``restart: True`` in its changes, or by changing one of *files*.
    """
    found = []
    for result in running.values():
        changes = result.get("changes") or {}
        if isinstance(changes, dict) and changes.get("restart") is True or changes and result.get("name") in files:
            found.append(f"{result.get('name')} changed")
    return sorted(set(found))


def report(text: str) -> dict:
    """Parse the host program's report: ``key=value`` lines; ``log`` lines become a list."""
    found: dict = {"log": []}
    for line in lines_of(text):
        key, sign, value = line.partition("=")
        if sign and key == "log":
            found["log"].append(value)
        elif sign:
            found[key] = value
    return found


def comment(parsed: dict, fallback: str) -> str:
    """Return the report in two or three sentences and its log lines. fallback: what the program said when there is no report."""
    if "result" not in parsed:
        return fallback
    sentences = " ".join(filter(None, [parsed.get("reason", ""), parsed.get("advice", "")]))
    if not parsed["log"]:
        return sentences
    return "\n".join([sentences, "The first errors in the server's log:", *(f"  {line}" for line in parsed["log"])])
