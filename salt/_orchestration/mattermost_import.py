"""Import the server of an installation that this tree did not make. Runs on the controller, between the stages of mattermost.import.

Finding and reading it is this module's; the copying is that of a move (moving.copying), and what a step learnt stays in the same
``__context__["mattermost_move"]``.
"""

from __future__ import annotations

import time

import mattermost_progress
import mattermost_settings_data
from mattermost_answer import answer as _ret
from mattermost_controller.hosts import checkout_lock, roster, scripts
from mattermost_controller.importing import detect
from mattermost_controller.importing import in_place as place
from mattermost_controller.importing import plan as core
from mattermost_controller.importing.source import settled
from mattermost_controller.moving import copying as copy
from mattermost_controller.moving import plan
from mattermost_controller.moving import transfer as wire
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

    name: only the state's name. The hosts are told by the pillar of the command: ``import``, see `importing.plan.asked`.
    """
    try:
        request = core.asked(__pillar__.get("import") or {})
        checkout_lock.acquire(__opts__["root_dir"], __low__["__sls__"])
        entries = roster.roster(__opts__)
        roster.choose(entries, [request["from"], request["to"]])
        host = roster.Host(request["from"], entries[request["from"]], __opts__)
        look = scripts.script(
            __opts__["file_roots"]["base"], (scripts.TOOLS, SCRIPT), {"directory": request["directory"]}
        )
        done = host.run(look, timeout=PROBE_SECONDS)
        if done.rc == 255:
            raise ValueError(f"{request['from']} cannot be reached: {(done.err or done.out).strip()}")
        source = detect.detect(done.out)
    except (ValueError, FileNotFoundError, checkout_lock.BusyError) as err:
        return _ret(name, False, f"{err} {UNCHANGED}")
    roster.name_hosts([request["to"]])
    if request["from"] == request["to"]:
        __context__[stages.IN_PLACE] = place.welcome(source)
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
        known = mattermost_settings_data.load(roots)["releases"].get(target["settings"]["release"]["arch"], {})
        version = core.version(source, target["settings"], known)
        roster.name_hosts([request["to"]], {"release": {"version": version}})
        settings = target["host"].settings(target["facts"]["grains"])
        own = wire.HERE if is_in_place else wire.OWN
        target_end = wire.End(target["host"], wire.library(roots, wire.values(settings, id=number, own=own)), own)
        source_end = wire.End(state["host"], _library(source, settings, request, number))
        endpoints = [target_end, source_end]
        source = _with_settings(source_end, source)
        source_end.lay(_library(source, settings, request, number))
        facts = [plan.facts(end.do(what, 300)) for end, what in ((source_end, "look_source"), (target_end, "look"))]
        if is_in_place:
            found = place.misfits(source, settings, target["facts"])
            found = found or core.misfits(request, source, *facts, settings, False)
        else:
            found = core.misfits(request, source, *facts, settings, copy.is_same(source_end, target_end))
        if not found:
            sections = core.with_variables(source.config or {}, source.variables)
            found = core.blocked(core.merged(sections, {}, settings, {}), settings)
    except (ValueError, wire.WireError) as err:
        copy.tidied(endpoints)
        return _ret(name, False, f"{err} {UNCHANGED}")
    if found or __opts__["test"]:
        copy.tidied(endpoints)
    if found:
        return _ret(name, False, "\n".join([*found, UNCHANGED]))
    target["settings"] = settings
    if plan.number(facts[0], "postgresql") < 110000 and not __opts__["test"]:
        state["checksum"] = core.COUNT_ONLY
        source_end.lay(_library(source, settings, request, number))
        target_end.lay(wire.library(roots, wire.values(settings, id=number, own=own, checksum=core.COUNT_ONLY)))
    state.update(endpoints=[source_end, target_end], facts=facts, found=source, number=number)
    return _ret(
        name,
        True,
        f"{request['to']} gets Mattermost {version}. {copy.said_ahead(facts[0])} Files are in {source.data}.",
    )


def _with_settings(end, source):
    """Return *source* with what its file or database says, where files are above all. Where that cannot be read it stays as it is."""
    if not end.do("has_config", 60, check=False).strip():
        return source
    return settled(source, core.parsed(end.feed("give_config")))


def _library(source, settings, request, number, aside=False):
    """Return the library of the source's host. aside: it is aside, on the target's own host."""
    values = core.values(
        place.aside(source, settings["paths"]["install"]) if aside else source, settings, request, number
    )
    if __context__.get(stages.IN_PLACE):
        values.update(place.values(source), left=f"{settings['paths']['work']}/aside/kept")
    values["checksum"] = __context__[KEY].get("checksum", values["checksum"])
    return wire.library(__opts__["file_roots"]["base"], values)


def _deployed(state):
    """Have the target's server beside the source that is aside now, which is found elsewhere from here on. Raises WireError."""
    request, source_end = state["request"], state["endpoints"][0]
    known = __context__[PREFLIGHT]
    source_end.lay(_library(state["found"], known[request["to"]]["settings"], request, state["number"], aside=True))
    source_end.do("is_held && roots")

    def on_event(host_id, event):
        mattermost_progress.say("imported", mattermost_progress.sentence(event), host_id)

    slses = [f"mattermost.deploy.{each}" for each in DEPLOYED]
    answer = stage_run.apply(__opts__, [source_end.host], slses, known, False, on_event)[source_end.host.id]
    results = stages.states(answer.get("return") if isinstance(answer, dict) else answer)
    judged = stages.judge(" and ".join(DEPLOYED), {source_end.host.id: results or stages.trouble(answer)}, False)
    if judged["result"] is False:
        raise wire.WireError(judged["comment"])
    source_end.do("is_held")


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
    source_end, target_end = state["endpoints"]
    settings = __context__[PREFLIGHT][request["to"]]["settings"]

    def say(text):
        mattermost_progress.say(name, text)

    def config(data):
        try:
            fresh = core.parsed(target_end.feed("give_config"))
            site = place.site(source) if is_in_place else ""
            return core.rendered(core.merged(core.parsed(data), source.variables, settings, fresh, site))
        except ValueError as err:
            raise wire.WireError(str(err)) from None

    try:
        done = copy.switch(source_end, target_end, say, config, (lambda: _deployed(state)) if is_in_place else None)
    except wire.WireError as err:
        if not isinstance(err, copy.Unknown):
            copy.tidied(state["endpoints"])
        return _ret(name, False, str(err))
    copy.tidied(state["endpoints"])
    if is_in_place:
        said = place.afterwards(
            request, source, settings, __context__[PREFLIGHT][request["to"]]["facts"]["nginx_sites"]
        )
    else:
        said = core.afterwards(request, source, settings, target_end.host.address)
    return _ret(name, True, "\n".join([done.said, *said]), {request["to"]: done.changes})
