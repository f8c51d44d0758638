"""What releases change for the people of a site, by version: what the preflight says before an upgrade. Pure.

Sources: the vendor's changelogs of versions 11 and 12, its important upgrade notes, and the server's own migration files.
Settings with which a version does not start are in ``mattermost_config_keys.BLOCKING``.
"""

from __future__ import annotations

from mattermost_release_facts import numbers

LAST = "12.0"  # the newest line whose changes are listed here
# first version that has it -> what it is, in a sentence or two
CHANGES = (
    ("11.0.0", "Signing in with GitLab and the plugin Playbooks are gone from Team Edition, and the number of active users is limited."),
    ("11.0.0", "Each password gets a new hash at the next sign-in. People with a new hash cannot sign in after a return to a version before 11."),
    ("11.6.0", "A migration adds indexes to channelmembers, channels and users in one transaction. This migration locks channels and channelmembers for as long as "
               "PostgreSQL needs to read channelmembers once."),
    ("11.8.0", "A migration runs ANALYZE on posts. With 100 million rows this takes minutes."),
    ("11.9.0", "A migration deletes orphaned thread memberships in one statement. This migration may take long and cannot be reverted. "
               "The server refuses and removes expired personal access tokens."),
    ("11.11.0", "This is the last release line for RHEL 7 and 8, Debian 11 and Ubuntu 20.04. If PostgreSQL is too old, the server starts, but logs an error."),
    ("12.0.0", "A migration widens the message columns of posts, drafts, scheduledposts and temporaryposts under an exclusive lock. With 12 million posts this took "
               "about 10 minutes. The lock waits for every older transaction, also for a pg_dump."),
    ("12.0.0", "The import of Slack exports by API and `mattermost import slack` are gone. Posts made with a personal access token lose override_username and the "
               "other from_webhook properties. Scripts that set these properties need a bot or a webhook."),
    ("12.0.0", "Web plugins that were not rebuilt for React 19 may stay inactive. Upgrade your own plugins first."),
    ("12.0.0", "PostgreSQL before 15 is not supported any more, and the server needs glibc 2.34."),
)  # fmt: skip


def between(installed: str, wanted: str) -> list[str]:
    """Return what an upgrade brings, oldest first, each with its version; nothing where nothing is upgraded."""
    old, new = numbers(installed), numbers(wanted)
    if not old or new <= old:
        return []
    found = [f"{version}: {text}" for version, text in CHANGES if old < numbers(version) <= new]
    if new[:2] > numbers(LAST):
        found.append(
            f"The changes after {LAST} are not in this bundle's list. Read the vendor's changelog of {wanted} first."
        )
    return found
