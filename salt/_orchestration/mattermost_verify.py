"""Look at the finished site as the world sees it, and at its host. Runs on the controller and changes nothing.

site-is-verified:
  mattermost_verify.passed:
    - site: ssl
"""

from __future__ import annotations

import time

import mattermost_progress
from mattermost_controller import findings
from mattermost_controller.hosts import collect as run
from mattermost_controller.hosts import roster
from mattermost_controller.verify import checks as judge
from mattermost_controller.verify import observe as look

PREFLIGHT = "mattermost_preflight"  # where mattermost_preflight.passed left the hosts, already logged in
SITES = ("ssl", "non-ssl")


def passed(name, site=""):
    """Check every host of this run and its site; all findings at once.

    name: only the state's name. site: ``ssl`` or ``non-ssl``; empty means the one that is deployed.
    result is False when any check fails. Under ``test=True`` nothing is failed, because the changes that would mend it
    were not made: result None says that it would be verified. The returned ``findings`` are data, by host.
    """
    ret = {"name": name, "changes": {}, "result": True, "comment": "", "findings": {}}
    if site and site not in SITES:
        return ret | {"result": False, "comment": f"site is {site}; it must be one of {', '.join(SITES)}."}
    started = time.monotonic()
    before = __context__.get(PREFLIGHT) or {}
    try:
        hosts = [entry["host"] for entry in before.values()] or roster.targets(__opts__, __pillar__)
    except roster.TargetError as err:
        return ret | {"result": False, "comment": str(err)}
    logins = run.log_in(hosts)
    settings, faults = run.early_settings(hosts)
    if faults:
        return ret | {"findings": findings.as_data(faults)} | judge.report(faults, [one.id for one in hosts], False)
    looks, seen = look.everything(__opts__, hosts, logins, settings, site)
    words = [f"{host.id} ({host.address})" for host in hosts]
    if __opts__["test"] and all(one.facts and not one.facts["current"] for one in looks.values()):
        return ret | {"result": None, "comment": f"Would verify {', '.join(words)}: nothing is deployed there yet."}
    found = {}
    for host in hosts:
        facts, fault = looks[host.id].facts, looks[host.id].fault
        if fault or host.id not in seen:
            found[host.id] = [
                fault or findings.refusal("installed", "No site is deployed there.", "run mattermost.ssl.")
            ]
            continue
        found[host.id] = judge.judge(host.settings(facts["grains"]), facts, seen[host.id], site or facts["site"])
    mattermost_progress.say("verify", f"took {time.monotonic() - started:.1f} s")
    return ret | {"findings": findings.as_data(found)} | judge.report(found, words, __opts__["test"])
