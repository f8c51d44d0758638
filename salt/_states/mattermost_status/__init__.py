"""Tell how the hosts of this run are, one screen each. Runs on the controller and changes nothing.

hosts-are-healthy:
  mattermost_status.reported: []

It prints its own report, so that it stays the only step: programs read ``.data[][].status``.
"""

from __future__ import annotations

import datetime
import functools
import time

import mattermost_settings_data
import salt.version
from mattermost_answer import answer as _ret
from mattermost_controller.findings import refusal
from mattermost_controller.given import asked
from mattermost_controller.hosts import checkout_lock, collect, relenv_archive, roster, runtime
from mattermost_controller.releases import look as release_look
from mattermost_controller.reporting import finish
from mattermost_controller.stages import apply as stage_run
from mattermost_controller.status import brought, drift, report, text
from mattermost_controller.status import facts as status_facts
from mattermost_controller.verify import checks as verify_checks
from mattermost_controller.verify import observe

OPTIONS = {"drift": True}


def reported(name):
    """Look at every host of this run and tell how it is.

    name: only the state's name. The pillar of the command may say ``{"status": {"drift": False}}``.
    result is False when anything needs somebody (docs/status.md), None under ``test=True``. The returned ``status`` is the
    same as data, by host. Never reports a change.
    """
    try:
        options = _options(__pillar__.get("status") or {})
        hosts = roster.targets(__opts__, __pillar__, __low__["__sls__"])
    except ValueError as err:
        return _ret(name, False, str(err), status={})
    started = time.monotonic()
    logins = collect.log_in(hosts)
    settings, faults = collect.early_settings(hosts)
    usable = [host for host in hosts if host.id not in faults]
    statuses = {host_id: report.unreached(found[0]) for host_id, found in faults.items()}
    known = {}
    if usable:
        looked, known = _look(usable, logins, settings, options)
        statuses |= looked
    found = {host.id: {"address": host.address, **statuses[host.id]} for host in hosts}
    result = None if __opts__["test"] else all(one["well"] for one in statuses.values())
    answer = _ret(name, result, text.render(found), status=found)
    step = {"__id__": name, "function": "mattermost_status.reported", "duration": 1000 * (time.monotonic() - started)}
    if len(__lowstate__) == 1:  # else the results of the others count too
        steps = [{**answer, **step, "text": text.screens(found)}]
        finish.with_report(__opts__, {finish.PREFLIGHT: known}, steps, is_alone=True)
    return answer


def _options(given: dict) -> dict:
    asked.check("status", given)
    found = {**OPTIONS, **given}
    if found["drift"] not in (True, False):
        raise ValueError(f"status:drift must be true or false, not {found['drift']!r}.")
    return found


def _look(hosts: list, logins: dict, settings: dict, options: dict) -> tuple[dict, dict]:
    """Return each host's data, and what is known of it: one look through one connection, then one dry run of the deploy stages."""
    roots = __opts__["file_roots"]["base"]
    data = mattermost_settings_data.load(roots)
    more = {host.id: status_facts.script(roots, settings[host.id]) for host in hosts}
    host_facts, observed = observe.hosts_and_sites(__opts__, hosts, logins, settings, "", more, status_facts.parse)
    statuses, known = {}, {}
    for host in hosts:
        if host_facts[host.id].fault:
            statuses[host.id] = report.unreached(host_facts[host.id].fault)
            continue
        facts = host_facts[host.id].facts
        try:
            merged = host.settings(facts["grains"])
        except ValueError as err:
            statuses[host.id] = report.unreached(collect.settings_fault(getattr(err, "faults", [str(err)])[0]))
            continue
        known[host.id] = {"host": host, "settings": merged, "facts": facts, "runtime": runtime.choose(facts)}
    drifts = _drift(known, options)
    ask = release_look.for_run(__opts__, data["releases"])
    newest_bundle = functools.cache(brought.newest_bundle)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    for host_id, entry in known.items():
        merged, facts = entry["settings"], entry["facts"]
        found = [refusal("installed", "No site is deployed on this host.", "salt-run state.orchestrate mattermost.ssl")]
        if host_id in observed:
            found = verify_checks.run(merged, facts, observed[host_id], facts["site"])
        news = ask(merged["release_sources"], facts["current"])
        found += brought.findings(
            merged, data, salt.version.__version__, newest_bundle(merged["release_sources"]["bundle"]), today
        )
        statuses[host_id] = report.host_data(merged, facts, observed.get(host_id), drifts[host_id], data, found, news)
    return statuses, known


def _drift(known: dict, options: dict) -> dict:
    """Return the drift of each host that could be looked at; hosts of one kind of site share a run."""
    found, groups = {}, {}
    for host_id, entry in known.items():
        facts = entry["facts"]
        if not options["drift"]:
            found[host_id] = drift.unknown("switched off by status:drift.")
        elif not facts["site"]:
            found[host_id] = drift.unknown("no site is deployed on the host.")
        elif facts["lock"]:
            found[host_id] = drift.unknown("another run is in progress on the host.")
        elif drift.service_down(entry["settings"], facts):
            found[host_id] = drift.unknown(f"{drift.service_down(entry['settings'], facts)} is down.")
        else:
            groups.setdefault(facts["site"], []).append(entry["host"])
    if groups:
        try:
            checkout_lock.acquire(__opts__, __low__["__sls__"])
        except checkout_lock.BusyError as err:
            busy = drift.unknown(str(err))
            return found | {host.id: busy for hosts in groups.values() for host in hosts}
    for site, hosts in groups.items():
        found |= _dry_run(site, hosts, known)
    return found


def _dry_run(site: str, hosts: list, known: dict) -> dict:
    mine = {host.id: known[host.id] for host in hosts}
    try:
        asked = drift.stages_of(__opts__["file_roots"]["base"], site)
        answers = stage_run.apply(__opts__, hosts, [stage["sls"] for stage in asked], mine, test=True)
    except (relenv_archive.RelenvError, FileNotFoundError) as err:
        return {host.id: drift.unknown(str(err)) for host in hosts}
    return {host.id: drift.from_dry_run(answers[host.id], asked) for host in hosts}
