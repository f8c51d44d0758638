"""A stage of an orchestration: one deploy state applied to the hosts, gated, named in progress, result and failure.

Neighbouring stages are one run on each host (a run of its own costs each about 4 s even when nothing changes); every
stage still reports its own states, and the first failed state ends the run, so later stages are not reached.
"""

from __future__ import annotations

import logging

import mattermost_progress
from mattermost_answer import answer as _ret
from mattermost_controller.hosts import checkout_lock, relenv_archive, roster
from mattermost_controller.stages import apply as stage_run
from mattermost_controller.stages import batch
from mattermost_controller.stages import stage as core

log = logging.getLogger("salt.state")
KEY = "mattermost_stage.runs"
PREFLIGHT = "mattermost_preflight"


def applied(name, apply, forward_pillar="", pillar=None, only_site=None, in_place=None):
    """Apply one deploy state to the hosts of this run.

    name: the stage's name, for people. apply: SLS, e.g. ``mattermost.deploy.database``. forward_pillar: key of the
    command's own pillar that the hosts get too (``mattermost_settings.get`` hands it on), empty for none. pillar: further
    pillar for the hosts, a dict. only_site: ``ssl`` or ``non-ssl``, for a stage that belongs to that site alone, in a run that may be
    of either; it says which in ``__context__``. in_place: True or False, for a stage of an import that is for one into the
    host that its source is on alone, or for others alone.
    The hosts are ``mattermost:hosts``, or the only entry of the roster. result is False when a state failed on any host
    or a host returned nothing; the comment names stage, host, state and reason.
    """
    site = __context__.get(core.SITE, "ssl")
    if only_site not in (None, site):
        return _ret(name, True, f"The site is {site}, so this stage has nothing to do.")
    is_in_place = bool(__context__.get(core.IN_PLACE))
    if in_place not in (None, is_in_place):
        return _ret(
            name,
            True,
            "Nothing to do yet: this run stops the old server first, and applies this stage after that."
            if is_in_place
            else "Nothing to do: this stage is only for an import in place, on the host of the old server.",
        )
    runs = __context__.setdefault(KEY, {})
    if name not in runs:
        stages = core.chain(__lowstate__, name, site, is_in_place)
        try:
            outcome = _run(stages, {**(pillar or {}), **_from_command(forward_pillar)})
        except (roster.TargetError, checkout_lock.BusyError, relenv_archive.RelenvError) as err:
            return _ret(name, False, str(err))
        for stage in stages:
            runs[stage["name"]] = {"outcome": outcome, "stages": stages}
    run = runs[name]
    judged = __context__.get(batch.DONE, {}).get(name) or core.stage_result(
        name, core.share(run["outcome"], name, run["stages"]), __opts__["test"]
    )
    answer = _ret(name, **judged)
    if judged["result"] is False and judged["changes"]:
        log.error(answer["comment"])  # of a step that changed something Salt itself tells only that
    return answer


def _from_command(key: str) -> dict:
    return {key: __pillar__[key]} if key and __pillar__.get(key) else {}


def _run(stages: list, pillar: dict) -> dict:
    """Apply the stages' SLS in order on every host of this run; return Salt's answer for each host."""
    checkout_lock.acquire(__opts__, __low__["__sls__"])
    hosts = roster.targets(__opts__, __pillar__, __low__["__sls__"])
    slses = [stage["sls"] for stage in stages]

    def apply(members):
        known = __context__.get(PREFLIGHT) or {}
        progress = mattermost_progress.Run(lambda sls: core.stage_of(sls, stages))
        try:
            return stage_run.apply(__opts__, members, slses, known, __opts__["test"], progress.event, pillar)
        finally:
            mattermost_progress.clear()

    limits = batch.of(__pillar__)
    if not limits or len(hosts) < 2 or __opts__["test"]:
        return apply(hosts)
    return _in_batches(limits, hosts, stages, apply)


def _in_batches(limits, hosts: list, stages: list, apply) -> dict:
    """Apply the stages, and the verification after them, in batches; keep what they came to. Return Salt's answer for each host."""
    check, checked = core.verification(__lowstate__, stages[-1]["name"]), []

    def applied(members):
        try:
            return apply(members)
        except relenv_archive.RelenvError as err:
            return {host.id: {"stderr": str(err)} for host in members}

    def verify(names):
        if not check:
            return []
        every = __context__[PREFLIGHT]
        __context__[PREFLIGHT] = {name: every[name] for name in names}
        try:
            checked.append(__states__["mattermost_verify.passed"](check["name"], check.get("site", "")))
        finally:
            __context__[PREFLIGHT] = every
        return batch.refused(checked[-1], names)

    outcome, not_begun = batch.run(limits, hosts, applied, verify)
    done = batch.judged(stages, outcome, not_begun)
    if checked:
        done[check["name"]] = batch.joined(checked)
    __context__.setdefault(batch.DONE, {}).update(done)
    return outcome
