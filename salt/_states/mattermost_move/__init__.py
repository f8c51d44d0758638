"""Move the server from one host of the roster to another. Runs on the controller, between the stages of mattermost.move.

What each step learnt stays for the next in ``__context__["mattermost_move"]``. Until the target is proved, every failure
has the source serve again; when this controller goes away the source sees to that itself.
"""

from __future__ import annotations

import time

import mattermost_progress
from mattermost_answer import answer as _ret
from mattermost_controller.hosts import checkout_lock, minion, roster
from mattermost_controller.moving import by_minion, copying, plan, transfer
from mattermost_controller.stages.stage import IN_PLACE, SITE

PREFLIGHT = "mattermost_preflight"  # where mattermost_preflight.passed left the hosts, already logged in
KEY = "mattermost_move"


def source_selected(name):
    """Have the preflight that follows look at the host that the server is on.

    name: only the state's name. The pillar of the command names the hosts, ``{"move": {"from": ID, "to": ID}}``, with ``ssh``: true
    when the target, a minion, reaches the source by ssh.
    """
    try:
        request = plan.parse_request(__pillar__.get("move") or {})
        both = [request["from"], request["to"]]
        _, target = roster.named(__opts__, __pillar__, both, __low__["__sls__"], request["ssh"])
        checkout_lock.acquire(__opts__, __low__["__sls__"])
    except (ValueError, checkout_lock.BusyError) as err:
        return _ret(name, False, f"{err} Nothing was changed.")
    roster.override_hosts([request["from"]])
    __context__[KEY] = {"request": request, "target": target}
    return _ret(name, True, f"This move is from {request['from']} to {request['to']}.")


def target_selected(name):
    """Have all that follows work on the host that the server is to go to, under the source's name and in its version."""
    state = __context__[KEY]
    request = state["request"]
    source = __context__[PREFLIGHT][request["from"]]
    version = source["facts"]["current"]
    if not version:
        return _ret(
            name,
            False,
            f"{request['from']} has no server of this bundle, so there is nothing to move. Nothing was changed.",
        )
    __context__[SITE] = source["facts"]["site"] or "ssl"
    try:
        address = by_minion.address(state["target"])
    except minion.NoAnswer as err:
        return _ret(name, False, f"{err}\nNothing was changed.")
    state.update(source=source, version=version, address=address)
    roster.override_hosts([request["to"]], plan.target_settings(source["settings"], version, address))
    return _ret(name, True, f"{request['to']} gets Mattermost {version} under the name {source['settings']['name']}.")


def compatible(name):
    """Compare the two hosts: refuses one machine twice, another edition, newer messages on the target, an older PostgreSQL, too little room."""
    state = __context__[KEY]
    request, source = state["request"], state["source"]
    target = __context__[PREFLIGHT][request["to"]]
    root = __opts__["file_roots"]["base"]
    number = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    try:
        endpoints = [
            transfer.Endpoint(
                one["host"],
                transfer.library(root, transfer.script_values(one["settings"], move_to=request["to"], id=number)),
            )
            for one in (source, target)
        ]
        facts = [plan.parse_facts(end.run("look", 300)) for end in endpoints]
        facts[0]["edition"] = source["facts"]["edition"]
        found = plan.incompatibilities(
            request, *facts, (source["settings"], target["settings"]), copying.is_same(*endpoints)
        )
    except transfer.TransferError as err:
        return _ret(name, False, f"{err} Nothing was changed.")
    if found or __opts__["test"]:
        copying.clean_up(endpoints)
    if found:
        return _ret(name, False, "\n".join([*found, "Nothing was changed."]))
    state.update(endpoints=endpoints, facts=facts, resumed=plan.resumes(request, *facts))
    if state["resumed"]:
        return _ret(
            name,
            True,
            f"An earlier run of this move already stopped the server on {request['from']} for good. This run opens the site on {request['to']}.",
        )
    return _ret(name, True, copying.size_summary(facts[0]))


def secrets_copied(name):
    """Give the target the source's secrets and certificates, before its site and its backups are set up."""
    state = __context__[KEY]
    request = state["request"]
    if state["resumed"]:
        return _ret(name, True, f"The secrets and certificates are already on {request['to']}.")
    if __opts__["test"]:
        return _ret(name, None, f"Would copy the secrets and certificates from {request['from']} to {request['to']}.")
    try:
        done = by_minion.step("take_secrets", *state["endpoints"], str, __opts__["file_roots"]["base"])
    except transfer.TransferError as err:
        return _ret(name, False, f"{err} {request['from']} still serves.")
    return _ret(name, True, done.summary)


def precopied(name):
    """Copy the files and rehearse the database's way while the source serves, so that its pause becomes short."""
    state = __context__[KEY]
    request = state["request"]
    if state["resumed"]:
        return _ret(name, True, f"The files are already on {request['to']}.")
    if __opts__["test"]:
        return _ret(
            name,
            None,
            f"Would copy the files to {request['to']} and test the transfer of the database, while {request['from']} serves.",
        )
    try:
        with mattermost_progress.waiting(name, host=request["to"]) as say:
            more = {"in_place": True} if __context__.get(IN_PLACE) else {}
            ahead = by_minion.step("precopy", *state["endpoints"], say, __opts__["file_roots"]["base"], **more)
    except transfer.TransferError as err:
        return _ret(
            name,
            False,
            f"{err} {request['from']} still serves. The files that were already copied stay on {request['to']}. Start the same command again.",
        )
    return _ret(name, True, ahead.summary, {request["to"]: f"{ahead.files} files copied"} if ahead.files else {})


def moved(name):
    """Stop the source, copy what is new, start the target and prove it, leave the source for good.

    changes hold the seconds without a server. result False when the source serves again instead.
    """
    state = __context__[KEY]
    request = state["request"]
    if __opts__["test"]:
        ahead = f"stop the server on {request['from']}, copy the rest of the data and start {request['to']}. {request['from']} then keeps its data and stays stopped."
        left = f"start the server on {request['to']} and open its site."
        return _ret(name, None, f"Would {left if state['resumed'] else ahead}")

    try:
        with mattermost_progress.waiting(name) as say:
            if state["resumed"]:
                done = copying.open_target(state["endpoints"][1])
            else:
                done = by_minion.step("cut_over", *state["endpoints"], say, __opts__["file_roots"]["base"])
    except transfer.TransferError as err:
        if not isinstance(err, copying.UnknownState):
            copying.clean_up(state["endpoints"])
        return _ret(name, False, str(err))
    copying.clean_up(state["endpoints"])
    settings, address = state["source"]["settings"], state["address"]
    return _ret(
        name,
        True,
        "\n".join([done.summary, *plan.next_steps(request, settings, address, __context__[SITE])]),
        {request["to"]: done.changes},
    )
