"""What preflight and verify find on one host, by check."""

from __future__ import annotations

STAGES = {"mattermost.preflight": "hosts-are-fit", "mattermost.verify": "site-is-verified"}


def findings_of(deployment, name, *arguments) -> dict:
    """Run the orchestration *name* and return ``{check: finding}``.

    It changes nothing, and fails when there is a refusal and only then, but for a dry run.
    """
    done = deployment.orchestrate(name, *arguments)
    stage = done.stages[STAGES[name]]
    assert stage["changes"] == {}
    (found,) = stage["findings"].values()
    refused = any(one["level"] == "refusal" for one in found)
    assert (done.rc == 0) == (not refused or "test=True" in arguments), done
    return {one["check"]: one for one in found}


def red(found) -> set:
    """Return the checks that refuse."""
    return {check for check, one in found.items() if one["level"] == "refusal"}
