"""What an upgrade takes away or changes, said before it. Pure.

Each check takes the merged settings, the facts of ``hosts.probe.parse`` and what the controller saw from outside.
"""

from __future__ import annotations

from mattermost_release_facts import effective, new_user_limit, numbers

from mattermost_controller.findings import Finding, note, ok, refusal, warning
from mattermost_controller.preflight import config_values
from mattermost_controller.releases import changes as release_changes

GITLAB_GONE = (11,)


def _hop(settings, facts) -> tuple[str, str]:
    """Return the installed version, "" on a fresh host, and the one that the run leaves."""
    return facts["current"], effective(settings["release"], facts["current"])


def user_limit(settings, facts, outside) -> Finding:
    """An upgrade to a release with a user limit leaves room for the accounts that there are."""
    installed, wanted = _hop(settings, facts)
    limit = installed and new_user_limit(
        installed, wanted, facts.get("edition") or "team", settings["release"]["edition"]
    )
    if not limit:
        if not installed:
            return ok("user-limit", "Mattermost is not installed yet, so the users were not counted.")
        return ok("user-limit", f"Mattermost {wanted} brings no new limit on the number of users.")
    go_on = "or set mattermost:preflight:ignore: [user-limit] to upgrade anyway."
    if facts["users"] is None:
        return refusal(
            "user-limit",
            f"The active users could not be counted. Team Edition {wanted} serves at most {limit}.",
            f"run on the host: mattermost-switch users. When that command prints a number, start the run again, {go_on}",
        )
    if facts["users"] > limit:
        return refusal(
            "user-limit",
            f"{facts['users']} users are active, but Team Edition {wanted} serves at most {limit}. After the upgrade nobody could be added or reactivated.",
            f"deactivate accounts, stay at {installed}, {go_on}",
        )
    return ok("user-limit", f"{facts['users']} users are active, and Mattermost {wanted} serves at most {limit}.")


def sign_in(settings, facts, outside) -> Finding:
    """An upgrade takes no way of signing in away that is in use."""
    installed, wanted = _hop(settings, facts)
    had_it = installed and (numbers(installed) < GITLAB_GONE or facts.get("edition") == "enterprise")
    gone = had_it and GITLAB_GONE <= numbers(wanted) and settings["release"]["edition"] == "team"
    if gone and (facts.get("config") or {}).get("GitLabSettings", {}).get("Enable") is True:
        return refusal(
            "sign-in",
            f"People sign in with GitLab (GitLabSettings.Enable). Team Edition {wanted} has no such sign-in, so this upgrade would lock them out.",
            "let them set a password (profile, security). Set GitLabSettings.Enable to false. To upgrade anyway: mattermost:preflight:ignore: [sign-in].",
        )
    return ok("sign-in", "This run removes no way to sign in.")


def changes(settings, facts, outside) -> list[Finding]:
    """What the upgrade changes, and the settings with which the new version would not start."""
    installed, wanted = _hop(settings, facts)
    found = config_values.of_settings(settings, wanted)
    if installed and wanted != installed:
        found += config_values.of_upgrade(settings, facts, installed, wanted) + _interrupted(facts)
    found += [note("upgrade-changes", text) for text in release_changes.between(installed, wanted)]
    return found or [ok("upgrade-changes", "This bundle knows of no change in the release that affects this run.")]


def _interrupted(facts) -> list[Finding]:
    """What an interrupted migration left in the database: a later one takes an invalid index for whole, or waits for a lock."""
    found = []
    if facts.get("invalid_indexes"):
        names = facts["invalid_indexes"]
        found.append(
            warning(
                "upgrade-changes",
                f"An interrupted migration left invalid indexes in the database: {', '.join(names)}. PostgreSQL does not use them, and no migration repairs them.",
                f"run on the host as postgres, in the database of the server, for each index: REINDEX INDEX CONCURRENTLY {names[0]};",
            )
        )
    lock = facts.get("migration_lock")
    if lock is not None and lock > facts["time"]:
        found.append(
            warning(
                "upgrade-changes",
                "The lock of migrations (table db_lock) is held. The new server waits until the lock expires.",
                "make sure that no other server uses this database. The lock then expires by itself.",
            )
        )
    elif lock is not None:
        sentence = "A migration of this database was interrupted. Its lock (table db_lock) has expired, so the new server does not wait for it."
        found.append(note("upgrade-changes", sentence))
    return found
