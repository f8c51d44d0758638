"""Go back to the version before the last upgrade, on the hosts of this run. Runs on the controller.

The work is the host program's (``mattermost-switch back``); it goes on there when the controller goes away.
"""

from __future__ import annotations

import mattermost_progress
import mattermost_service_core
from mattermost_answer import answer as _ret
from mattermost_controller.hosts import bounded
from mattermost_controller.reporting import words
from mattermost_controller.stages import rollback as core

PREFLIGHT = "mattermost_preflight"  # where mattermost_preflight.passed left the hosts, already logged in
LONGEST = 86400  # seconds


def rolled_back(name):
    """Have each host go back to the version before its last upgrade.

    name: only the state's name. Needs a passed preflight. Where something would be lost it goes on only when the command's pillar
    says ``{"rollback": {"overwrite": True}}``; without it, and under ``test=True``, it only says what. ``"way": "copy"`` there takes
    the database from before the upgrade although the migrations could be taken back; ``"down"`` refuses where they cannot. With several hosts each must have something to
    go back to, before the first one is touched. Result False, with what to do, without that word, when a host has nothing to go
    back to, or when the older version does not come up; then the newer one serves again.
    """
    known = __context__.get(PREFLIGHT) or {}
    if not known:
        return _ret(
            name,
            False,
            "No preflight ran before this state, so no host is known. Start the whole orchestration: salt-run state.orchestrate mattermost.rollback",
        )
    try:
        overwrite, way = core.parse_request(__pillar__.get("rollback") or {})
    except ValueError as err:
        return _ret(name, False, str(err))
    lines, refused, loses, commands = _asked(name, known, overwrite, way)
    if refused:
        return _ret(name, False, "\n".join(refused))
    if __opts__["test"]:
        return _ret(name, None, "\n".join(lines))
    if loses and not overwrite:
        ways = {found.get("way", "") for found in loses.values()}
        agreed = core.confirmation(way or (ways.pop() if len(ways) == 1 else ""))
        advice = f"Nothing was changed. To roll back nevertheless, add to the command: {agreed}"
        report = words.by_host({}, {host_id: f"{core.preview(found)} {advice}" for host_id, found in loses.items()})
        return _ret(name, False, "\n".join([*lines, advice]), report=report)
    return _go(name, known, commands)


def _asked(name, known, overwrite, way):
    """Return what to tell, who refused, what the hosts said that would lose something, and each host's command."""
    lines, refused, loses, commands = [], [], {}, {}
    for host_id, entry in sorted(known.items()):
        asked = "mattermost-switch back copy" if way == "copy" else "mattermost-switch back"
        with mattermost_progress.waiting(name, "count what a rollback would lose", host_id):
            answer = entry["host"].run(asked, timeout=LONGEST)
        found = mattermost_service_core.report(answer.out)
        if answer.rc != 0:
            refused.append(f"{host_id}: {core.failure(found, answer.err or answer.out)}")
        elif way == "down" and found.get("way") != "down":
            refused.append(
                f"{host_id}: The database migrations cannot be taken back on this host. {core.preview(found)} Nothing was changed. "
                'To use the safety copy instead, leave out "way" in the pillar of the command.'
            )
        else:
            lines.append(f"{host_id}: {core.preview(found)}")
            commands[host_id] = core.command(overwrite, way, found)
            if core.loses(found):
                loses[host_id] = found
    return lines, refused, loses, commands


def _go(name, known, commands):
    changes, said, failed = {}, {}, {}
    for host_id, entry in sorted(known.items()):
        with mattermost_progress.waiting(name, "roll back to the version before the last upgrade", host_id):
            answer = entry["host"].run(commands[host_id], timeout=LONGEST)
        found = mattermost_service_core.report(answer.out)
        try:
            if answer.rc == 0:
                changes[host_id] = {"old": found["from"], "new": found["to"]}
                said[host_id] = core.done(found, entry["settings"]["release"])
                continue
            failed[host_id] = core.failure(found, answer.err or answer.out)
        except bounded.ODD:
            failed[host_id] = bounded.ODD_REPORT
        break  # the others stay as they are
    lines = [f"{host_id}: {text}" for host_id, text in {**said, **failed}.items()]
    return _ret(name, not failed, "\n".join(lines), changes, report=words.by_host(said, failed))
