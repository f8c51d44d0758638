"""Look at the finished site as the world sees it, and at its host. Runs on the controller and changes nothing; what a round trip makes
(mattermost:verify:round_trip) is deleted.

site-is-verified:
  mattermost_verify.passed:
    - site: ssl
"""

from __future__ import annotations

from mattermost_answer import answer as _ret
from mattermost_controller import findings
from mattermost_controller.hosts import collect, roster
from mattermost_controller.stages import batch
from mattermost_controller.verify import checks, observe, round_trip
from mattermost_controller.verify import site as sites_of

PREFLIGHT = "mattermost_preflight"  # where mattermost_preflight.passed left the hosts, already logged in
SITES = ("ssl", "non-ssl")


def passed(name, site=""):
    """Check every host of this run and its site; all findings at once.

    name: only the state's name. site: ``ssl`` or ``non-ssl``; empty means the one that is deployed.
    result is False when any check fails. Under ``test=True`` nothing is failed, because the changes that would mend it
    were not made: result None says that it would be verified. The returned ``findings`` and ``sites``
    (``verify.site.summary``) are data, by host.
    """
    if site and site not in SITES:
        return _ret(name, False, f"The argument site must be ssl, non-ssl or empty, not {site}.", findings={})
    if done := __context__.get(batch.DONE, {}).get(name):  # batch by batch
        return _ret(name, **done)
    before = __context__.get(PREFLIGHT) or {}
    try:
        hosts = [entry["host"] for entry in before.values()] or roster.targets(__opts__, __pillar__, __low__["__sls__"])
    except roster.TargetError as err:
        return _ret(name, False, str(err), findings={})
    logins = collect.log_in(hosts)
    settings, faults = collect.early_settings(hosts)
    if faults:
        judged = checks.report(faults, [one.id for one in hosts], False)
        return _ret(name, **judged, findings=findings.as_data(faults))
    host_facts, observed = observe.hosts_and_sites(__opts__, hosts, logins, settings, site)
    words = [f"{host.id} ({host.address})" for host in hosts]
    if __opts__["test"] and all(one.facts and not one.facts["current"] for one in host_facts.values()):
        where = "this host" if len(hosts) == 1 else "these hosts"
        said = f"Would verify {', '.join(words)}. At present nothing is deployed on {where}."
        return _ret(name, None, said, findings={})
    found, sites = {}, {}
    for host in hosts:
        facts, fault = host_facts[host.id].facts, host_facts[host.id].fault
        if fault or host.id not in observed:
            found[host.id] = [
                fault
                or findings.refusal(
                    "installed", "No site is deployed on this host.", "salt-run state.orchestrate mattermost.ssl"
                )
            ]
            continue
        try:
            merged, served = host.settings(facts["grains"]), site or facts["site"]
        except ValueError as err:
            found[host.id] = collect.settings_faults(err)
            continue
        found[host.id] = checks.run(merged, facts, observed[host.id], served)
        if merged["verify"]["round_trip"] and not __opts__["test"]:
            place, roots = observe.site_of(merged, served), __opts__["file_roots"]["base"]
            found[host.id].append(round_trip.finding(host, merged, place, roots, found[host.id]))
        sites[host.id] = sites_of.summary(merged, facts, observed[host.id], served)
    return _ret(name, **checks.report(found, words, __opts__["test"]), findings=findings.as_data(found), sites=sites)
