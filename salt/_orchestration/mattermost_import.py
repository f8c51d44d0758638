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
        wish = import_plan.parse_request(__pillar__.get("import") or {})
        checkout_lock.acquire(__opts__["root_dir"], __low__["__sls__"])
        entries = roster.roster(__opts__)
        roster.choose(entries, [wish["from"], wish["to"]])
        host = roster.Host(wish["from"], entries[wish["from"]], __opts__)
        look = scripts.build(__opts__["file_roots"]["base"], (scripts.TOOLS, SCRIPT), {"directory": wish["directory"]})
        done = host.run(look, timeout=PROBE_SECONDS)
        if done.rc == 255:
            raise ValueError(f"{wish['from']} cannot be reached: {(done.err or done.out).strip()}")
        source = detect.detect(done.out)
    except (ValueError, FileNotFoundError, checkout_lock.BusyError) as err:
        return _ret(name, False, f"{err} {UNCHANGED}")
    roster.override_hosts([wish["to"]])
    if wish["from"] == wish["to"]:
        __context__[stages.IN_PLACE] = in_place.expected_on_host(source)
    __context__[KEY] = {"wish": wish, "host": host, "found": source, "resumed": False}
    edition = "Team" if source.is_team else "Enterprise"
    return _ret(
        name,
        True,
        f"{wish['from']}: Mattermost {source.version}, {edition} Edition, {source.layout}, {'running' if source.active else 'stopped'}; "
        f"settings in {source.config_file or 'its database'}{'' if source.config is None else f', files in {source.data}'}.",
    )


def compatible(name):
    """Choose the version to deploy, read the source's settings, refuses what could not be taken over."""
    state = __context__[KEY]
    wish, source = state["wish"], state["found"]
    target = __context__[PREFLIGHT][wish["to"]]
    roots = __opts__["file_roots"]["base"]
    number = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    ends = []
    is_in_place = bool(__context__.get(stages.IN_PLACE))
    if is_in_place:
        state["host"] = target["host"]
    try:
        known = mattermost_settings_data.load(roots)["releases"].get(target["settings"]["release"]["arch"], {})
        version = import_plan.version(source, target["settings"], known)
        roster.override_hosts([wish["to"]], {"release": {"version": version}})
        settings = target["host"].settings(target["facts"]["grains"])
        own = transfer.LOCAL_WORKDIR if is_in_place else transfer.WORKDIR
        there = transfer.Endpoint(
            target["host"], transfer.library(roots, transfer.script_values(settings, id=number, own=own)), own
        )
        here = transfer.Endpoint(state["host"], _library(source, settings, wish, number))
        ends = [there, here]
        source = _with_settings(here, source)
        here.install(_library(source, settings, wish, number))
        looks = [move_plan.parse_facts(end.run(what, 300)) for end, what in ((here, "look_source"), (there, "look"))]
        if is_in_place:
            found = in_place.incompatibilities(source, settings, target["facts"])
            found = found or import_plan.incompatibilities(wish, source, *looks, settings, False)
        else:
            found = import_plan.incompatibilities(wish, source, *looks, settings, copying.is_same(here, there))
        if not found:
            sections = import_plan.with_variables(source.config or {}, source.variables)
            found = import_plan.blocked(import_plan.merge_config(sections, {}, settings, {}), settings)
    except (ValueError, transfer.TransferError) as err:
        copying.clean_up(ends)
        return _ret(name, False, f"{err} {UNCHANGED}")
    if found or __opts__["test"]:
        copying.clean_up(ends)
    if found:
        return _ret(name, False, "\n".join([*found, UNCHANGED]))
    target["settings"] = settings
    if move_plan.number(looks[0], "postgresql") < 110000 and not __opts__["test"]:
        state["checksum"] = import_plan.COUNT_ONLY
        here.install(_library(source, settings, wish, number))
        there.install(
            transfer.library(
                roots, transfer.script_values(settings, id=number, own=own, checksum=import_plan.COUNT_ONLY)
            )
        )
    state.update(ends=[here, there], looks=looks, found=source, number=number)
    return _ret(
        name,
        True,
        f"{wish['to']} gets Mattermost {version}. {copying.size_summary(looks[0])} Files are in {source.data}.",
    )


def _with_settings(end, source):
    """Return *source* with what its file or database says, where files are above all. Where that cannot be read it stays as it is."""
    if not end.run("has_config", 60, check=False).strip():
        return source
    return with_settings(source, import_plan.parse_config(end.run_with_input("give_config")))


def _library(source, settings, wish, number, aside=False):
    """Return the library of the source's host. aside: it is aside, on the target's own host."""
    values = import_plan.script_values(
        in_place.parked(source, settings["paths"]["install"]) if aside else source, settings, wish, number
    )
    if __context__.get(stages.IN_PLACE):
        values.update(in_place.script_values(source), left=f"{settings['paths']['work']}/aside/kept")
    values["checksum"] = __context__[KEY].get("checksum", values["checksum"])
    return transfer.library(__opts__["file_roots"]["base"], values)


def _deployed(state):
    """Have the target's server beside the source that is aside now, which is found elsewhere from here on. Raises TransferError."""
    wish, here = state["wish"], state["ends"][0]
    known = __context__[PREFLIGHT]
    here.install(_library(state["found"], known[wish["to"]]["settings"], wish, state["number"], aside=True))
    here.run("is_held && roots")

    def on_event(host_id, event):
        mattermost_progress.say("imported", mattermost_progress.sentence(event), host_id)

    slses = [f"mattermost.deploy.{each}" for each in DEPLOYED]
    answer = stage_run.apply(__opts__, [here.host], slses, known, False, on_event)[here.host.id]
    results = stages.state_results(answer.get("return") if isinstance(answer, dict) else answer)
    judged = stages.stage_result(
        " and ".join(DEPLOYED), {here.host.id: results or stages.no_results_reason(answer)}, False
    )
    if judged["result"] is False:
        raise transfer.TransferError(judged["comment"])
    here.run("is_held")


def imported(name):
    """Stop the source, copy what is new, give the target the source's settings, start it and prove it.

    changes hold the seconds without a server. result False when the source serves again instead.
    """
    state = __context__[KEY]
    wish, source = state["wish"], state["found"]
    is_in_place = bool(__context__.get(stages.IN_PLACE))
    if __opts__["test"]:
        aside = "set it aside, " if is_in_place else ""
        return _ret(
            name, None, f"Would stop {wish['from']}, {aside}copy what is new and start {wish['to']} with its settings."
        )
    here, there = state["ends"]
    settings = __context__[PREFLIGHT][wish["to"]]["settings"]

    def say(text):
        mattermost_progress.say(name, text)

    def config(data):
        try:
            fresh = import_plan.parse_config(there.run_with_input("give_config"))
            site = in_place.site_url(source) if is_in_place else ""
            return import_plan.render_config(
                import_plan.merge_config(import_plan.parse_config(data), source.variables, settings, fresh, site)
            )
        except ValueError as err:
            raise transfer.TransferError(str(err)) from None

    try:
        done = copying.cut_over(here, there, say, config, (lambda: _deployed(state)) if is_in_place else None)
    except transfer.TransferError as err:
        if not isinstance(err, copying.UnknownState):
            copying.clean_up(state["ends"])
        return _ret(name, False, str(err))
    copying.clean_up(state["ends"])
    if is_in_place:
        said = in_place.next_steps(wish, source, settings, __context__[PREFLIGHT][wish["to"]]["facts"]["nginx_sites"])
    else:
        said = import_plan.next_steps(wish, source, settings, there.host.address)
    return _ret(name, True, "\n".join([done.summary, *said]), {wish["to"]: done.changes})
