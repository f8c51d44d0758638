"""Refuse a run before anything is changed when the settings or a host do not fit. Runs on the controller.

    hosts-are-fit:
      mattermost_preflight.passed:
        - site: ssl

What was learnt stays for later stages in ``__context__["mattermost_preflight"]``: per host ID a dict of ``host``
(roster.Host, logged in), ``settings``, ``facts`` (hosts.probe.parse), ``first_deploy`` and ``runtime``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import mattermost_progress
import mattermost_settings_data
from mattermost_answer import answer as _ret
from mattermost_controller import findings
from mattermost_controller.given import asked, interrupt
from mattermost_controller.hosts import checkout_lock, collect, minion, probe, questions, roster, runtime, ssh_errors
from mattermost_controller.preflight import checks, files, private_files, release
from mattermost_controller.releases import look as release_look
from mattermost_controller.stages import batch
from mattermost_controller.stages.stage import IN_PLACE, SITE
from mattermost_release_facts import effective

KEY = "mattermost_preflight"
SITES = ("ssl", "non-ssl", "")


OPTIONS = {"site": ""}


def requested(name):
    """Check the same, for somebody who has not started a run yet.

    name: only the state's name. The pillar of the command may say ``{"preflight": {"site": "non-ssl"}}``, the orchestration
    that is meant; else each host is judged for the site that it serves, one that serves none for ``ssl``.
    """
    try:
        options = _options(__pillar__.get("preflight") or {})
    except ValueError as err:
        return _ret(name, False, str(err))
    return passed(name, options["site"], bare="ssl")


def _options(given: dict) -> dict:
    asked.check("preflight", given)
    found = {**OPTIONS, **given}
    if found["site"] not in SITES:
        raise ValueError(f"preflight:site must be ssl or non-ssl, not {found['site']!r}.")
    return found


def passed(name, site="ssl", bare="", another_postgresql=False, moving=False, leave_out=()):
    """Check the settings and every host of this run; nothing is changed, under ``test=True`` neither.

    name: only the state's name. site: ``ssl`` or ``non-ssl``, the orchestration that asks; empty means the run's own (in
    ``__context__``), else the one that is deployed. bare: the site of a host that has none then; with none, nothing is
    asked that only a certificate needs.
    another_postgresql: the run is about to bring the data to another major, so an older one is no fault.
    moving: a host that the server was moved away from is welcome, too.
    leave_out: names of checks that mean nothing to this run.
    The pillar of the command may acknowledge breaking changes of the bundle by name: ``{"acknowledged": ["names-redirect"]}``.
    result is False when any check refuses; the comment is a line for each finding, then the reasons with what to do.
    The returned ``findings`` are the same as data, by host.
    """
    if site not in SITES:
        return _ret(name, False, f"The argument site must be ssl, non-ssl or empty, not {site}.", findings={})
    try:
        checkout_lock.acquire(__opts__, __low__["__sls__"])
        batch.of(__pillar__)
        hosts = roster.targets(__opts__, __pillar__, __low__["__sls__"])
    except (checkout_lock.BusyError, roster.TargetError) as err:
        return _ret(name, False, f"Preflight refused: {err} Nothing was changed.", findings={})
    interrupt.remember([host.id for host in hosts])
    mattermost_progress.say(
        "preflight", "hosts of this run: " + ", ".join(f"{host.id} ({host.address})" for host in hosts)
    )
    site = site or __context__.get(SITE, "")
    data = mattermost_settings_data.load(__opts__["file_roots"]["base"])
    welcome = {
        "another_postgresql": another_postgresql,
        "moving": moving,
        "in_place": __context__.get(IN_PLACE),
        "bundle": data["bundle"],
        "postgresql_ends": data["releases"]["postgresql"],
        "acknowledged": _names(__pillar__.get("acknowledged")),
        "dry_run": __opts__["test"],
    }
    ask = release_look.for_run(__opts__, data["releases"])
    found, known = _check(hosts, site, bare, welcome, ask)
    for host_id, entry in known.items():
        settings = entry["settings"]
        version = effective(settings["release"], entry["facts"]["current"])  # that the run leaves on the host
        found[host_id] += release.newest(ask(settings["release_sources"], version).findings)
    found = {host: [each for each in part if each.check not in leave_out] for host, part in found.items()}
    __context__[KEY] = known
    judged = checks.report(found, [f"{host.id} ({host.address}{_kind(known, host.id)})" for host in hosts])
    return _ret(name, **judged, findings=findings.as_data(found))


def _names(given) -> list:
    """Return what the command acknowledges, a name or a list of them."""
    return [given] if isinstance(given, str) else list(given or [])


def _kind(known: dict, host_id: str) -> str:
    if host_id not in known:
        return ""
    current = known[host_id]["facts"]["current"]
    return ", first deploy" if known[host_id]["first_deploy"] else f", Mattermost {current or 'not yet finished'}"


def _check(hosts: list, site: str, bare: str, welcome: dict, ask) -> tuple[dict, dict]:
    """Return the findings by host, and what later stages may use of the hosts that could be looked at.

    ask: of `releases.look.for_run`.
    """
    logins = collect.log_in(hosts)
    settings, faults = collect.early_settings(hosts)
    if faults:
        return faults, {}
    roots = __opts__["file_roots"]["base"]
    scripts = {
        host.id: probe.script(roots, settings[host.id])
        + questions.script(roots, settings[host.id], isinstance(host, minion.Minion))
        for host in hosts
    }
    pinned = ssh_errors.known_hosts_file(__opts__.get("ssh_options") or [])
    with ThreadPoolExecutor(1) as pool:  # the release sources are asked while the hosts answer
        asked = pool.submit(ask, settings[hosts[0].id]["release_sources"])
        host_facts = collect.from_hosts(hosts, logins, scripts, pinned)
        roster.take_listed(asked.result().listed)
    found, known = {}, {}
    for host in hosts:
        look = host_facts[host.id]
        if look.fault:
            found[host.id] = [look.fault]
            continue
        try:
            merged = host.settings(look.facts["grains"])
        except ValueError as err:
            found[host.id] = collect.settings_faults(err)
            continue
        served = site or look.facts["site"] or bare
        first_deploy = not release.is_ours(look.facts, merged)
        arriving = welcome["moving"] or welcome["in_place"]  # a site that may have been like that before
        by_minion = isinstance(host, minion.Minion)
        outside = {
            "skew": look.skew,
            "resolved": collect.resolve(merged["name"]),
            "reached": [] if by_minion else collect.resolve(host.address),
            "by_minion": by_minion,
            "thin_dir": host.entry.get("thin_dir"),
            **welcome,
            **files.inspect(merged, roots, served),
            **({} if by_minion else private_files.inspect(__opts__, host.entry, roots)),
        }
        found[host.id] = [
            *collect.settings_findings(merged, first_deploy and not arriving),
            findings.ok("reachable", host.greeting),
            *checks.run(merged, look.facts, outside, served),
        ]
        known[host.id] = {
            "host": host,
            "settings": merged,
            "facts": look.facts,
            "first_deploy": first_deploy,
            "runtime": runtime.choose(look.facts),
        }
    return checks.unique_names(found, {key: entry["settings"]["names"] for key, entry in known.items()}), known
