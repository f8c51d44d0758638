"""What the steps of an orchestration return, captured from real runs of `salt-run --out=json` and made by hand."""

from __future__ import annotations

import json
from pathlib import Path

from mattermost_controller.reporting import build, screen
from mattermost_controller.stages import stage

CAPTURED = Path(__file__).parent / "captured"


def captured(name: str) -> list[dict]:
    """Return the steps of the run that ``captured/NAME.json`` holds, without the report that they ended in."""
    (returned,) = json.loads((CAPTURED / f"{name}.json").read_text())["data"].values()
    return [step for step in stage.in_order(returned) if step["__id__"] != "report"]


def rendered(steps: list[dict], test: bool = False, **style) -> tuple[list[str], list[str]]:
    """Return the lines on standard output and those on what failed."""
    report = build.from_steps(steps, test, only=len(steps) == 1)
    return screen.summary(report, screen.Style(**style), {"chat.example.test": "192.0.2.7"}, "salt.log")


def part(state_id: str, function: str = "file.managed", result=True, changes=None, comment="", name="") -> dict:
    """Return a host's result of one state."""
    return {
        "__id__": state_id,
        "function": function,
        "name": name or f"/etc/{state_id}",
        "result": result,
        "changes": changes or {},
        "comment": comment,
        "duration": 500.0,
    }


def of_stage(name: str, hosts: dict, test: bool = False) -> dict:
    """Return what the stage *name* returns of its hosts' results."""
    judged = stage.stage_result(name, hosts, test)
    return {"__id__": name, "function": "mattermost_stage.applied", "duration": 2000.0, **judged}


def not_reached(name: str) -> dict:
    """Return what Salt says of a step whose requisite failed."""
    comment = "One or more requisite failed: mattermost.ssl.x"
    step = {"__id__": name, "function": "mattermost_stage.applied", "duration": 0.01, "changes": {}, "result": False}
    return {**step, "comment": comment, "__state_ran__": False}


def checked(found: dict, result=True, name: str = "preflight") -> dict:
    """Return what a preflight or verification returns. found: by host, (check, level, sentence, todo)."""
    findings = {
        host: [dict(zip(("check", "level", "sentence", "todo"), one)) for one in several]
        for host, several in found.items()
    }
    function = f"mattermost_{name}.passed"
    step = {"__id__": name, "function": function, "duration": 700.0, "changes": {}, "comment": ""}
    return {**step, "result": result, "findings": findings}
