"""Move the server from one host of the roster to another. Runs on the controller, between the stages of mattermost.move.

What each step learnt stays for the next in ``__context__["mattermost_move"]``. Until the target is proved, every failure
has the source serve again; when this controller goes away the source sees to that itself.
"""

from __future__ import annotations

import time

import mattermost_progress
from mattermost_answer import answer as _ret
from mattermost_controller.hosts import checkout_lock, roster
from mattermost_controller.moving import copying as copy
from mattermost_controller.moving import plan as core
from mattermost_controller.moving import transfer as wire
from mattermost_controller.stages.stage import IN_PLACE, SITE

PREFLIGHT = "mattermost_preflight"  # where mattermost_preflight.passed left the hosts, already logged in
KEY = "mattermost_move"


def source_named(name):
    """Have the preflight that follows look at the host that the server is on.

    name: only the state's name. The hosts are told by the pillar of the command, ``{"move": {"from": ID, "to": ID}}``.
    """
    try:
        wish = core.asked(__pillar__.get("move") or {})
        checkout_lock.acquire(__opts__["root_dir"], __low__["__sls__"])
        entries = roster.roster(__opts__)
        roster.choose(entries, [wish["from"], wish["to"]])
    except (ValueError, checkout_lock.BusyError) as err:
        return _ret(name, False, f"{err} Nothing was changed.")
    roster.name_hosts([wish["from"]])
    __context__[KEY] = {"wish": wish}
    return _ret(name, True, f"The server is to move from {wish['from']} to {wish['to']}.")


def target_named(name):
    """Have all that follows work on the host that the server is to go to, under the source's name and in its version."""
    state = __context__[KEY]
    wish = state["wish"]
    source = __context__[PREFLIGHT][wish["from"]]
    version = source["facts"]["current"]
    if not version:
        return _ret(
            name, False, f"{wish['from']} has no server of this tree: there is nothing to move. Nothing was changed."
        )
    __context__[SITE] = source["facts"]["site"] or "ssl"
    target = roster.Host(wish["to"], roster.roster(__opts__)[wish["to"]], __opts__)
    state.update(source=source, version=version)
    roster.name_hosts([wish["to"]], core.override(source["settings"], version, target.address))
    return _ret(name, True, f"{wish['to']} gets Mattermost {version} under the name {source['settings']['name']}.")


def fitting(name):
    """Compare the two hosts: refuses one machine twice, newer messages on the target, an older PostgreSQL, too little room."""
    state = __context__[KEY]
    wish, source = state["wish"], state["source"]
    target = __context__[PREFLIGHT][wish["to"]]
    root = __opts__["file_roots"]["base"]
    number = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    try:
        ends = [
            wire.End(one["host"], wire.library(root, wire.values(one["settings"], move_to=wish["to"], id=number)))
            for one in (source, target)
        ]
        looks = [core.facts(end.do("look", 300)) for end in ends]
        found = core.misfits(wish, *looks, (source["settings"], target["settings"]), copy.is_same(*ends))
    except wire.WireError as err:
        return _ret(name, False, f"{err} Nothing was changed.")
    if found or __opts__["test"]:
        copy.tidied(ends)
    if found:
        return _ret(name, False, "\n".join([*found, "Nothing was changed."]))
    state.update(ends=ends, looks=looks, resumed=core.resumes(wish, *looks))
    if state["resumed"]:
        return _ret(name, True, f"An earlier run left {wish['from']} for good; {wish['to']} is opened now.")
    return _ret(name, True, copy.said_ahead(looks[0]))


def secrets_taken_over(name):
    """Give the target the source's secrets and certificates, before its site and its backups are set up."""
    state = __context__[KEY]
    wish = state["wish"]
    if __opts__["test"]:
        return _ret(name, None, f"Would take secrets and certificates over from {wish['from']}.")
    if state["resumed"]:
        return _ret(name, True, "They are there.")
    source, target = state["ends"]
    try:
        target.do("target_begun")
        wire.pour(source, "give_secrets", target, "take_over")
    except wire.WireError as err:
        return _ret(name, False, f"{err} {wish['from']} serves on.")
    return _ret(name, True, f"Secrets and certificates of {wish['from']} are on {wish['to']}.")


def copied_ahead(name):
    """Copy the files and rehearse the database's way while the source serves, so that its pause becomes short."""
    state = __context__[KEY]
    wish = state["wish"]
    if __opts__["test"]:
        return _ret(
            name, None, f"Would copy files and rehearse the database's way to {wish['to']} while {wish['from']} serves."
        )
    if state["resumed"]:
        return _ret(name, True, "They are there.")

    def say(text):
        mattermost_progress.say(name, text, wish["to"])

    try:
        ahead = copy.ahead(*state["ends"], say, bool(__context__.get(IN_PLACE)))
    except wire.WireError as err:
        return _ret(name, False, f"{err} {wish['from']} serves on; what was copied stays, start again.")
    return _ret(name, True, ahead.said, {wish["to"]: f"{ahead.files} files copied"} if ahead.files else {})


def moved(name):
    """Stop the source, copy what is new, start the target and prove it, leave the source for good.

    changes hold the seconds without a server. result False when the source serves again instead.
    """
    state = __context__[KEY]
    wish = state["wish"]
    if __opts__["test"]:
        return _ret(
            name,
            None,
            f"Would stop {wish['from']}, copy what is new, start {wish['to']} and leave {wish['from']} stopped and whole.",
        )

    def say(text):
        mattermost_progress.say(name, text)

    source, target = state["ends"]
    try:
        done = copy.opened(target) if state["resumed"] else copy.switch(source, target, say)
    except wire.WireError as err:
        if not isinstance(err, copy.Unknown):
            copy.tidied(state["ends"])
        return _ret(name, False, str(err))
    copy.tidied(state["ends"])
    settings, address = state["source"]["settings"], target.host.address
    return _ret(
        name,
        True,
        "\n".join([done.said, *core.afterwards(wish, settings, address, __context__[SITE])]),
        {wish["to"]: done.changes},
    )
