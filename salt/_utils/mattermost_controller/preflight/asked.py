"""What the host's own programs said of values that are new to it (``scripts/ask.sh``). Pure."""

from __future__ import annotations

from mattermost_controller.findings import Finding, ok, refusal, warning

AUTHORITY = "letsencrypt:directory_url"  # only a certificate needs it
MOST = 50  # that a host is believed of a kind
OF_REPOSITORY = "backup:password"
TODO = {
    OF_REPOSITORY: "set mattermost:backup:password to the password of that repository, or set another mattermost:backup:repository.",
    "backup:repository": "set mattermost:backup:repository to a new or empty directory, or to an existing repository of restic (docs/backup.md).",
}


def values(facts: dict, site: str, moving: bool = False) -> list[Finding]:
    """Return a refusal for each value that its program does not take, a warning for each service elsewhere that does not answer.

    moving: the host is yet to get the backups' password from another one.
    """

    def told(kind):
        left_out = {AUTHORITY} if site != "ssl" else set()
        left_out |= {OF_REPOSITORY} if moving else set()
        return [(key, words) for key, words in facts.get(kind, []) if key not in left_out][:MOST]

    found = [
        refusal(
            "values",
            f"mattermost:{key}: {words.rstrip('.')}.",
            TODO.get(key, f"correct mattermost:{key} (docs/settings.md)."),
        )
        for key, words in told("refused_values")
    ]
    found += [
        warning(
            "values",
            f"The address in mattermost:{key} does not answer this host: {words.rstrip('.')}.",
            f"correct mattermost:{key}, or find out what blocks the connection from this host. The run continues.",
        )
        for key, words in told("unanswered")
    ]
    return found or [ok("values", "The host's programs refuse no new or changed value of the settings.")]
