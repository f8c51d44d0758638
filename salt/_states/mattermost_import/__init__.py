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
from mattermost_controller.importing import detect, in_place
from mattermost_controller.importing import plan as import_plan
from mattermost_controller.importing.source import with_settings
from mattermost_controller.moving import copying, transfer
from mattermost_controller.moving import plan as move_plan
from mattermost_controller.stages import apply as stage_run
from mattermost_controller.stages import stage as stages

PREFLIGHT = "mattermost_preflight"  # where mattermost_preflight.passed left the target, already logged in
KEY = "mattermost_move"
UNCHANGED = "Nothing was changed."
SCRIPT = "mattermost/scripts/import.sh"
PROBE_SECONDS = 120
DEPLOYED = ("database", "server")  # while the source is aside


def source_selected(name):
    """Find the installation on the host that the command names, and have all that follows work on the target.

    name: only the state's name. The hosts are told by the pillar of the command: ``import``, see `importing.plan.parse_request`.
    """
    try:
        request = import_plan.parse_request(__pillar__.get("import") or {})
        roster.refuse_minions(__pillar__, __low__["__sls__"])
        checkout_lock.acquire(__opts__, __low__["__sls__"])
        entries = roster.roster(__opts__)
        roster.choose(entries, [request["from"], request["to"]])
        host = roster.Host(request["from"], entries[request["from"]], __opts__)
        look = scripts.build(
            __opts__["file_roots"]["base"], (scripts.TOOLS, SCRIPT), {"directory": request["directory"]}
        )
        done = host.run(look, timeout=PROBE_SECONDS)
        if done.rc == 255:
            why = (done.err or done.out).strip().rstrip(".")
            raise ValueError(
                f"{request['from']} cannot be reached: {why}. Try the login: salt-ssh -r {request['from']} uptime"
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
        f"{request['from']}: Mattermost {source.version}, {edition} Edition, {source.layout}, {'running' if source.active else 'stopped'}; "
        f"settings in {source.config_file or 'its database'}{'' if source.config is None else f', files in {source.data}'}.",
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
        roster.override_hosts([request["to"]], {"release": {"version": version}})
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
        f"{request['to']} gets Mattermost {version}. {copying.size_summary(facts[0])} Files are in {source.data}.",
    )


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


def _deployed(state):
    """Have the target's server beside the source that is aside now, which is found elsewhere from here on. Raises TransferError."""
    request, source_endpoint = state["request"], state["endpoints"][0]
    known = __context__[PREFLIGHT]
    source_endpoint.install(
        _library(state["found"], known[request["to"]]["settings"], request, state["number"], aside=True)
    )
    source_endpoint.run("is_held && roots")

    def on_event(host_id, event):
        if event.get("part") is None:  # how long one goes on, the import tells itself
            mattermost_progress.say("imported", mattermost_progress.sentence(event), host_id)

    slses = [f"mattermost.deploy.{each}" for each in DEPLOYED]
    answer = stage_run.apply(__opts__, [source_endpoint.host], slses, known, False, on_event)[source_endpoint.host.id]
    results = stages.state_results(answer.get("return") if isinstance(answer, dict) else answer)
    judged = stages.stage_result(
        " and ".join(DEPLOYED), {source_endpoint.host.id: results or stages.no_results_reason(answer)}, False
    )
    if judged["result"] is False:
        raise transfer.TransferError(judged["comment"])
    source_endpoint.run("is_held")


def imported(name):
    """Stop the source, copy what is new, give the target the source's settings, start it and prove it.

    changes hold the seconds without a server. result False when the source serves again instead.
    """
    state = __context__[KEY]
    request, source = state["request"], state["found"]
    is_in_place = bool(__context__.get(stages.IN_PLACE))
    if __opts__["test"]:
        aside = "set it aside, " if is_in_place else ""
        return _ret(
            name,
            None,
            f"Would stop {request['from']}, {aside}copy what is new and start {request['to']} with its settings.",
        )
    source_endpoint, target_endpoint = state["endpoints"]
    settings = __context__[PREFLIGHT][request["to"]]["settings"]

    def config(data):
        try:
            fresh = import_plan.parse_config(target_endpoint.run_with_input("give_config"))
            site = in_place.site_url(source) if is_in_place else ""
            return import_plan.render_config(
                import_plan.merge_config(import_plan.parse_config(data), source.variables, settings, fresh, site)
            )
        except ValueError as err:
            raise transfer.TransferError(str(err)) from None

    deploy = (lambda: _deployed(state)) if is_in_place else None
    try:
        with mattermost_progress.waiting(name) as say:
            done = copying.cut_over(source_endpoint, target_endpoint, say, config, deploy)
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
        said = import_plan.next_steps(request, source, settings, target_endpoint.host.address)
    return _ret(name, True, "\n".join([done.summary, *said]), {request["to"]: done.changes})
