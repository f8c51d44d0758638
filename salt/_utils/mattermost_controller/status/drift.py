"""Whether a host is still as the settings say: which deploy stages are asked, and what their dry run means. Pure."""

from __future__ import annotations

import os

import yaml
from mattermost_lines import lines_of

from mattermost_controller.reporting import words
from mattermost_controller.stages import stage as stages


def stages_of(file_roots: list[str], site: str) -> list[dict]:
    """Return the deploy stages of the orchestration that made the site: ``name`` and ``sls``, in order.

    site: ``ssl`` or ``non-ssl``. Read from the orchestration itself, so that a new stage is asked too.
    Raises FileNotFoundError when no root has it.
    """
    for root in file_roots:
        path = os.path.join(root, "mattermost", f"{site}.sls")
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                steps = yaml.safe_load(file)
            found = []
            for name, step in steps.items():
                for arguments in step.get("mattermost_stage.applied", []):
                    if "apply" in arguments:
                        found.append({"name": name, "sls": arguments["apply"]})
            return found
    raise FileNotFoundError(
        f"The folders in the controller's file_roots have no mattermost/{site}.sls: {', '.join(map(str, file_roots))}. Add the folder salt/ of this bundle to file_roots."
    )


def unknown(reason: str) -> dict:
    """Return the drift of a host that was not asked. reason: one sentence."""
    return {"looked": False, "drifted": None, "states": [], "reason": reason}


def service_down(settings: dict, facts: dict) -> str:
    """Return the service that is down, "" when all run: a dry run then tells what follows from that, not what drifted."""
    platform = settings["platform"]
    names = {
        "PostgreSQL": platform["postgresql"]["service"],
        "the server": "mattermost",
        "nginx": platform["nginx"]["service"],
    }
    for name, unit in names.items():
        if facts["units"].get(f"{unit}.service", {}).get("ActiveState") != "active":
            return name
    return ""


def from_dry_run(answer, stages_asked: list[dict]) -> dict:
    """Return the drift that a dry run shows: ``looked``, ``drifted``, ``states`` and ``reason``.

    answer: what Salt returned for the host. stages_asked: of ``stages_of``. A state that fails in a dry run would fail the deploy:
    that is drift too, and what comes after it was not looked at. Only names are told, never values.
    """
    results = stages.state_results(answer.get("return") if isinstance(answer, dict) and "return" in answer else answer)
    if results is None:
        return unknown(_sentence(stages.no_results_reason(answer)))
    found, reason = [], ""
    for part in results:
        name, stage = part["__id__"], stages.stage_of(part["__sls__"], stages_asked)
        if part["result"] is False and name == "no-other-run-is-in-progress":
            return unknown("another run is in progress on the host.")
        if part["result"] is False and not _is_follower(part):
            found.append({"state": name, "stage": stage, "fails": True})
            reason = (
                reason
                or f"{name} would fail: {_sentence(str(part['comment']))} The states after {name} were not checked."
            )
        elif part["result"] is None or part["changes"]:
            found.append({"state": name, "stage": stage, "fails": False})
    return {"looked": True, "drifted": bool(found), "states": found, "reason": reason}


def _is_follower(part: dict) -> bool:
    return "requisite failed" in str(part["comment"])


def _sentence(text: str) -> str:
    lines = [line.strip() for line in lines_of(text) if line.strip()]
    joined = words.cut(" ".join(lines), 300)
    return joined if joined.endswith((".", words.CUT)) else f"{joined}."
