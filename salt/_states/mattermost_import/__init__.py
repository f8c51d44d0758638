"""Import the server of an installation that this tree did not make. Runs on the controller, between the stages of mattermost.import.

Finding and reading it is this module's; the copying is that of a move (moving.copying), and what a step learnt stays in the same
``__context__["mattermost_move"]``.
"""

from __future__ import annotations

import time

import mattermost_progress
import mattermost_release_facts
import mattermost_settings_data
from mattermost_answer import answer as _ret
from mattermost_controller.hosts import checkout_lock, roster, scripts
from mattermost_controller.importing import bringing, detect, in_place
from mattermost_controller.importing import plan as import_plan
from mattermost_controller.importing.source import with_settings
from mattermost_controller.moving import by_minion, copying, transfer
from mattermost_controller.moving import plan as move_plan
from mattermost_controller.stages import apply as stage_run
from mattermost_controller.stages import stage as stages

PREFLIGHT = "mattermost_preflight"  # where mattermost_preflight.passed left the target, already logged in
KEY = "mattermost_move"
UNCHANGED = "Nothing was changed."
SCRIPT = "mattermost/scripts/import.sh"
PROBE_SECONDS = 120


def source_selected(name):
    """Find the installation on the host that the command names, and have all that follows work on the target.

    name: only the state's name. The hosts are told by the pillar of the command: ``import``, see `importing.plan.parse_request`.
    """
    try:
        request = import_plan.parse_request(__pillar__.get("import") or {})
        both = list(dict.fromkeys([request["from"], request["to"]]))
        host, *_ = roster.named(__opts__, __pillar__, both, __low__["__sls__"], request["ssh"])
        checkout_lock.acquire(__opts__, __low__["__sls__"])
        look = scripts.build(
            __opts__["file_roots"]["base"], (scripts.TOOLS, SCRIPT), {"directory": request["directory"]}
        )
        done = host.run(look, timeout=PROBE_SECONDS, is_private=True)
        if done.rc == 255:
            why = " ".join((done.err or done.out).split()).rstrip(".")
            if roster.is_by_minion(__pillar__):
                raise ValueError(f"{why}.")
            raise ValueError(
                f"{request['from']} cannot be reached: {why}. Try the login: `salt-ssh -r {request['from']} uptime`."
            )
        source = detect.detect(done.out)
    except (ValueError, FileNotFoundError, checkout_lock.BusyError) as err:
        return _ret(name, False, f"{err} {UNCHANGED}")
    roster.override_hosts([request["to"]])
    if request["from"] == request["to"]:
        __context__[stages.IN_PLACE] = in_place.expected_on_host(source)
    __context__[KEY] = {"request": request, "host": host, "found": source, "resumed": False}
    edition = "Team" if source.is_team else "Enterprise"
    return _ret(
        name,
        True,
        f"{request['from']} has Mattermost {source.version}, {edition} Edition ({source.layout}, {'running' if source.active else 'stopped'}). "
        f"The settings are in {source.config_file or 'the database'}{'' if source.config is None else f', the files in {source.data}'}.",
    )


def compatible(name):
    """Choose the version to deploy, read the source's settings, refuses what could not be taken over."""
    state = __context__[KEY]
    request, source = state["request"], state["found"]
    target = __context__[PREFLIGHT][request["to"]]
    roots = __opts__["file_roots"]["base"]
    number = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    endpoints = []
    is_in_place = bool(__context__.get(stages.IN_PLACE))
    if is_in_place:
        state["host"] = target["host"]
    try:
        known = mattermost_release_facts.sums(
            mattermost_settings_data.load(roots)["releases"], target["settings"]["release"]
        )
        version = import_plan.version(source, target["settings"], known)
        roster.override_hosts([request["to"]], {"release": {"version": version}, **_without_firewall()})
        settings = target["host"].settings(target["facts"]["grains"])
        workdir = transfer.LOCAL_WORKDIR if is_in_place else transfer.WORKDIR
        target_endpoint = transfer.Endpoint(
            target["host"], transfer.library(roots, transfer.script_values(settings, id=number, own=workdir)), workdir
        )
        source_endpoint = transfer.Endpoint(state["host"], _library(source, settings, request, number))
        endpoints = [target_endpoint, source_endpoint]
        source = _with_settings(source_endpoint, source)
        source_endpoint.install(_library(source, settings, request, number))
        facts = [
            move_plan.parse_facts(endpoint.run(what, 300))
            for endpoint, what in ((source_endpoint, "look_source"), (target_endpoint, "look"))
        ]
        if is_in_place:
            found = in_place.incompatibilities(source, settings, target["facts"])
            found = found or import_plan.incompatibilities(request, source, *facts, settings, False)
        else:
            found = import_plan.incompatibilities(
                request, source, *facts, settings, copying.is_same(source_endpoint, target_endpoint)
            )
        if not found:
            sections = import_plan.with_variables(source.config or {}, source.variables)
            found = import_plan.unusable_settings(import_plan.merge_config(sections, {}, settings, {}), settings)
    except (ValueError, transfer.TransferError) as err:
        copying.clean_up(endpoints)
        return _ret(name, False, f"{err} {UNCHANGED}")
    if found or __opts__["test"]:
        copying.clean_up(endpoints)
    if found:
        return _ret(name, False, "\n".join([*found, UNCHANGED]))
    target["settings"] = settings
    if move_plan.number(facts[0], "postgresql") < 110000 and not __opts__["test"]:
        state["checksum"] = import_plan.COUNT_ONLY
        source_endpoint.install(_library(source, settings, request, number))
        target_endpoint.install(
            transfer.library(
                roots, transfer.script_values(settings, id=number, own=workdir, checksum=import_plan.COUNT_ONLY)
            )
        )
    state.update(endpoints=[source_endpoint, target_endpoint], facts=facts, found=source, number=number)
    return _ret(
        name,
        True,
        f"{request['to']} gets Mattermost {version}. {copying.size_summary(facts[0])} The files of the old server are in {source.data}.",
    )


def _without_firewall() -> dict:
    """Return the settings by which the packages of a minion's host are without a firewall: no stage here would open it to the master."""
    return {"engine": "minion"} if roster.is_by_minion(__pillar__) else {}


def _with_settings(endpoint, source):
    """Return *source* with what its file or database says, where files are above all. Where that cannot be read it stays as it is."""
    if not endpoint.run("has_config", 60, check=False).strip():
        return source
    return with_settings(source, import_plan.parse_config(endpoint.run_with_input("give_config")))


def _library(source, settings, request, number, aside=False):
    """Return the library of the source's host. aside: it is aside, on the target's own host."""
    values = import_plan.script_values(
        in_place.parked(source, settings["paths"]["install"]) if aside else source, settings, request, number
    )
    if __context__.get(stages.IN_PLACE):
        values.update(in_place.script_values(source), left=f"{settings['paths']['work']}/aside/kept")
    values["checksum"] = __context__[KEY].get("checksum", values["checksum"])
    return transfer.library(__opts__["file_roots"]["base"], values)


def _applied(host):
    """Have the target's server beside the source, which is aside. Raises TransferError."""

    def on_event(host_id, event):
        if event.get("part") is None:  # how long one goes on, the import tells itself
            mattermost_progress.say("imported", mattermost_progress.sentence(event), host_id)

    known, slses = __context__[PREFLIGHT], list(bringing.DEPLOYED)
    bringing.judge(slses, host.id, stage_run.apply(__opts__, [host], slses, known, False, on_event)[host.id])


def imported(name):
    """Stop the source, copy what is new, give the target the source's settings, start it and prove it.

    changes hold the seconds without a server. result False when the source serves again instead.
    """
    state = __context__[KEY]
    request, source = state["request"], state["found"]
    is_in_place = bool(__context__.get(stages.IN_PLACE))
    if __opts__["test"]:
        aside = "rename its files that are in the way of the new server, " if is_in_place else ""
        return _ret(
            name,
            None,
            f"Would stop the old server on {request['from']}, {aside}copy the rest of the data and start a server on {request['to']} with the old server's settings.",
        )
    source_endpoint, target_endpoint = state["endpoints"]
    settings = __context__[PREFLIGHT][request["to"]]["settings"]
    roots = __opts__["file_roots"]["base"]
    more = {
        "variables": source.variables,
        "settings": settings,
        "site": in_place.site_url(source) if is_in_place else "",
    }
    if is_in_place:
        more["aside"] = _library(source, settings, request, state["number"], aside=True)
    if is_in_place and roster.is_by_minion(__pillar__):
        more["states"] = {"slses": bringing.DEPLOYED, "arguments": stage_run.arguments(False)}
    elif is_in_place:
        more["apply"] = lambda: _applied(source_endpoint.host)
    try:
        with mattermost_progress.waiting(name) as say:
            done = by_minion.step("bring", source_endpoint, target_endpoint, say, roots, **more)
    except transfer.TransferError as err:
        if not isinstance(err, copying.UnknownState):
            copying.clean_up(state["endpoints"])
        return _ret(name, False, str(err))
    copying.clean_up(state["endpoints"])
    if is_in_place:
        said = in_place.next_steps(
            request, source, settings, __context__[PREFLIGHT][request["to"]]["facts"]["nginx_sites"]
        )
    else:
        said = import_plan.next_steps(request, source, settings, by_minion.address(target_endpoint.host))
    return _ret(name, True, "\n".join([done.summary, *said]), {request["to"]: done.changes})
