"""Hosts in batches (``mattermost:batch``): so many at a time pass all of their stages and the verification, then the next ones."""

from __future__ import annotations

from typing import NamedTuple

import mattermost_progress

from mattermost_controller.findings import REFUSAL
from mattermost_controller.hosts.roster import TargetError
from mattermost_controller.stages import stage

DONE = "mattermost_stage.done"  # where ``__context__`` keeps what the steps that ran in batches came to, by their names


class Batch(NamedTuple):
    """size: hosts at a time. failures: failed hosts after which no further batch begins."""

    size: int
    failures: int


def of(pillar: dict) -> Batch | None:
    """Return what ``mattermost:batch`` says, None where all hosts run side by side. pillar: the orchestration's. Raises TargetError."""
    settings = pillar.get("mattermost") or {}
    given = settings.get("batch") if isinstance(settings, dict) else None
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) - set(Batch._fields):
        raise TargetError(
            "mattermost:batch must be a map that has only the keys size and failures. Correct it (docs/settings.md)."
        )
    found = Batch(given.get("size", 0), given.get("failures", 1))
    for key, least in (("size", 0), ("failures", 1)):
        value = getattr(found, key)
        if type(value) is not int or value < least:
            raise TargetError(f"mattermost:batch:{key} is {value!r}. It must be a whole number of at least {least}.")
    return found if found.size else None


def run(batch: Batch, hosts: list, apply, verify) -> tuple[dict, list]:
    """Return Salt's answer by host ID, and the IDs of the hosts that were not begun.

    apply: called with the hosts of a batch, returns their answers. verify: called with the IDs of those whose states all passed,
    returns the IDs of those that failed.
    """
    outcome, failed = {}, 0
    batches = [hosts[first : first + batch.size] for first in range(0, len(hosts), batch.size)]
    for number, members in enumerate(batches, 1):
        if failed >= batch.failures:
            break
        names = ", ".join(host.id for host in members)
        mattermost_progress.say("batch", f"{number} of {len(batches)}: {names}")
        answers = apply(members)
        outcome |= answers
        passed = [host_id for host_id, answer in answers.items() if not _has_failed(answer)]
        failed += len(answers) - len(passed)
        failed += len(verify(passed)) if passed else 0
    return outcome, [host.id for host in hosts if host.id not in outcome]


def _has_failed(answer) -> bool:
    results = stage.results_of(answer)
    return results is None or any(part["result"] is False for part in results)


def refused(verified: dict, hosts: list) -> list:
    """Return which of *hosts* failed. verified: what a verification of them returned."""
    if verified["result"]:
        return []
    found = verified["findings"].items()
    return [host for host, several in found if any(one["level"] == REFUSAL for one in several)] or hosts


def judged(stages: list, outcome: dict, not_begun: list) -> dict[str, dict]:
    """Return what each stage came to, by its name: a host that failed is in no later stage."""
    found, going = {}, dict(outcome)
    for one in stages:
        share = stage.share(going, one["name"], stages)
        found[one["name"]] = stage.stage_result(one["name"], share, False)
        failed = [host for host, part in found[one["name"]]["report"].items() if part.get("failed")]
        going = {host: answer for host, answer in going.items() if host not in failed}
    if not_begun:
        first = found[stages[0]["name"]]
        first["not_begun"] = not_begun
        first["comment"] += f"\nNot begun: {', '.join(not_begun)}."
    return found


def joined(parts: list[dict]) -> dict:
    """Return the verifications of the batches as one. parts: what each returned."""
    merged = {key: {} for key in ("changes", "findings", "sites")}
    for part in parts:
        for key in merged:
            merged[key].update(part.get(key) or {})
    comment = "\n".join(part["comment"] for part in parts)
    return {"result": all(part["result"] for part in parts), "comment": comment, **merged}


def reached(steps: list[dict], done: dict) -> list[dict]:
    """Return *steps* of an orchestration with what came of those that Salt did not reach, because a step before failed on other hosts.

    done: what ``__context__`` keeps as ``DONE``.
    """
    return [
        {**step, **done[step["name"]], "__state_ran__": True}
        if step.get("__state_ran__") is False and step.get("name") in done
        else step
        for step in steps
    ]
