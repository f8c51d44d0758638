"""What a stage of an orchestration is, and what a host's run says about it. Pure."""

from __future__ import annotations

import mattermost_progress
from mattermost_lines import lines_of

from mattermost_controller.reporting import words

SITE = "mattermost_site"  # where in ``__context__`` a run that serves a host's site as it is keeps which one that is
IN_PLACE = (
    "mattermost_in_place"  # where an import into the host that its source is on keeps what is known of the source
)

FAILHARD = "salt://mattermost/scripts/failhard.conf"  # with which a minion's run ends at the first failed state
NOT_SERVED = (
    f"The master's file server has no {FAILHARD}, so it does not serve this bundle. Add the folder salt/ of this bundle to the master's "
    "file_roots (docs/salt-master.md)."
)
NO_RESULTS = "The host returned no results. Check that the host still answers, then start the same command again."

# by SLS that several stages include: those stages, in running order; its states run with the first of them that is there
SHARED = {"mattermost.deploy.notify": ("letsencrypt", "backup", "releases")}


def chain(lowstate, name: str, site: str, in_place: bool = False) -> list[dict]:
    """Return the stages that can be one host run, from stage *name* on: neighbours of the same kind in running order.

    lowstate: the orchestration's chunks, with ``state``, ``name``, ``order`` and ``sls``. site: ``ssl`` or ``non-ssl``; stages
    of the other one alone are passed over. in_place: whether the run is an import into the host that its source is on; stages that
    are for one of the two alone say so by the same word.
    """
    found, on = [], False
    for chunk in sorted(lowstate, key=lambda chunk: chunk.get("order", 0)):
        is_stage = chunk["state"] == "mattermost_stage" and chunk["fun"] == "applied"
        on = on or (is_stage and chunk["name"] == name)
        if on and not is_stage:
            break
        if on and chunk.get("only_site") in (None, site) and chunk.get("in_place") in (None, in_place):
            found.append({"name": chunk["name"], "sls": chunk["apply"]})
    return found


def stage_of(sls: str, stages: list[dict]) -> str:
    """Return the name of the stage that a state of *sls* belongs to; those that all share belong to the first."""
    includers = [f"mattermost.deploy.{name}" for name in SHARED.get(sls, ())]
    for stage in stages:
        if sls == stage["sls"] or sls.startswith(stage["sls"] + ".") or stage["sls"] in includers:
            return stage["name"]
    return stages[0]["name"]


def verification(lowstate, last: str) -> dict | None:
    """Return the chunk of the verification that follows the stage *last* in running order, None for another step."""
    chunks = sorted(lowstate, key=lambda chunk: chunk.get("order", 0))
    names = [chunk["name"] if chunk["state"] == "mattermost_stage" else None for chunk in chunks]
    following = chunks[names.index(last) + 1 :]
    return following[0] if following and following[0]["state"] == "mattermost_verify" else None


def share(outcome: dict, name: str, stages: list[dict]) -> dict:
    """Return what belongs to the stage *name* of each host's results, or why it has none. outcome: Salt's answer by host ID."""
    found = {}
    for host, answer in outcome.items():
        results = results_of(answer)
        if results is None:
            found[host] = no_results_reason(answer)
        else:
            found[host] = [part for part in results if stage_of(part["__sls__"], stages) == name]
    return found


def results_of(answer) -> list[dict] | None:
    """Return the same as `state_results` of a host's *answer*, which may have them in what its job says of itself."""
    return state_results(answer.get("return") if isinstance(answer, dict) else answer)


def state_results(returned) -> list[dict] | None:
    """Return a host's state results in running order, or None when it returned something else."""
    if not isinstance(returned, dict) or not returned or not all(map(_is_result, returned, returned.values())):
        return None
    return in_order(returned)


def in_order(results: dict) -> list[dict]:
    """Return *results* of states, by their tags, in running order, each with its ``function``."""
    found = []
    for tag, part in results.items():
        names = tag.split("_|-")
        found.append({"__id__": names[1], **part, "function": f"{names[0]}.{names[-1]}"})
    return sorted(found, key=lambda part: part["__run_num__"])


def _is_result(tag, part) -> bool:
    """Say whether *part* is what Salt sends of the state *tag*: a host may send anything."""
    return (
        isinstance(tag, str)
        and tag.count("_|-") >= 3
        and isinstance(part, dict)
        and type(part.get("__run_num__")) is int
        and isinstance(part.get("__sls__"), str)
        and {"result", "comment"} <= set(part)
        and isinstance(part.get("__id__", ""), str)
        and isinstance(part.get("changes"), dict)
        and isinstance(part.get("duration") or 0, (int, float))
        and abs(part.get("duration") or 0)
        < mattermost_progress.MOST_SECONDS * 1000  # neither NaN, nor more than a float holds
        and isinstance(part.get("warnings") or [], list)
    )


def no_results_reason(answer) -> str:
    """Return, in words, why a host gave no state results.

    answer: what Salt's ssh client returned for the host.
    """
    if isinstance(answer, dict):
        inner = answer.get("return", answer)
        if isinstance(inner, list):
            said = " ".join(str(line).strip() for line in inner)
            if "is running as PID" in said:
                return f"Another job of Salt is running on the host: {said.rstrip('.')}. When that job has ended, start the same command again."
            return f"The states do not compile: {said}"
        if isinstance(inner, dict):
            for key in ("stderr", "stdout", "_error", "error"):
                text = str(inner.get(key) or answer.get(key) or "").strip()
                if text:
                    return _last_lines(text)
        answer = inner
    return _last_lines(str(answer)) if answer else NO_RESULTS


def _last_lines(text: str, count: int = 6) -> str:
    lines = [line.strip() for line in lines_of(text) if line.strip()]
    return "\n".join(lines[-count:])


def stage_result(stage: str, hosts: dict, test: bool) -> dict:
    """Return ``result, changes, comment`` of one stage, and its ``report`` (``reporting.build``).

    hosts: per host ID the list of this stage's state results, or a string that says why there are none. An empty list is a
    failure too: every stage has states on every host.
    """
    failures, changes, unchanged, report = [], {}, [], {}
    for host, results in hosts.items():
        if not results or isinstance(results, str):
            reason = results or NO_RESULTS
            failures.append(f"Stage {stage} failed on {host}: {reason}")
            report[host] = {"failed": [words.broken_off(reason)]}
            continue
        wrong = [part for part in results if part["result"] is False]
        failures += [
            f"Stage {stage} failed on {host} at {part['__id__']} ({part['function']}): {words.comment_of(part)}"
            for part in wrong
        ]
        touched = [part for part in results if words.is_change(part)]
        if touched:
            changes[host] = {part["__id__"]: part["changes"] or part["comment"] for part in touched}
        else:
            unchanged.append(host)
        report[host] = {
            "said": words.changes([part for part in touched if part not in wrong], test),
            "failed": [words.failure(part) for part in wrong],
            "warnings": words.warnings(results),
            "seconds": round(sum(float(part.get("duration") or 0) for part in results) / 1000, 1),
        }
    if failures:
        return {"result": False, "changes": changes, "comment": "\n".join(failures), "report": report}
    count = sum(len(part) for part in changes.values())
    sentences = []
    if count:
        sentences.append(f"{count} states {'would change' if test else 'changed'} on {', '.join(changes)}.")
    if unchanged:
        sentences.append(f"No changes on {', '.join(unchanged)}.")
    would = test and any(part["result"] is None for results in hosts.values() for part in results)
    return {"result": None if would else True, "changes": changes, "comment": " ".join(sentences), "report": report}
