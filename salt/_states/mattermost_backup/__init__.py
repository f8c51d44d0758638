"""Make a backup now, or see one restored, on the hosts of this run. Runs on the controller.

The work is the host programs'; it goes on there when the controller goes away.
"""

from __future__ import annotations

from functools import partial

import mattermost_progress
from mattermost_answer import answer as _ret
from mattermost_controller.hosts import bounded
from mattermost_controller.reporting import words
from mattermost_controller.stages import backup as core

PREFLIGHT = "mattermost_preflight"  # where mattermost_preflight.passed left the hosts, already logged in
LONGEST = 86400  # seconds that a backup or a restore may take
LOOK = 600  # seconds that a repository far away may take to say what it has


def created(name):
    """Make a backup of each host and say its number, size and age.

    name: only the state's name. Needs a passed preflight, and mattermost.deploy.backup applied. result None under
    ``test=True``, False with the program's reason when a host's backup failed.
    """
    return _on_each(
        name, lambda host: "mattermost-backup now", core.created, "make a backup", "mattermost-backup progress"
    )


def _on_each(name, command, sentence, verb, glance=""):
    """Run on each host what *command* says for it: text, or a ValueError with the reason why not.

    glance: the command that says how far it is, if there is one.
    """
    known = __context__.get(PREFLIGHT) or {}
    if not known:
        return _ret(
            name,
            False,
            "No preflight ran before this state, so no host is known. Start the whole orchestration, such as: salt-run state.orchestrate mattermost.backup",
        )
    if __opts__["test"]:
        return _ret(name, None, "\n".join(f"{host_id}: Would {verb}." for host_id in sorted(known)))
    said, changes, failed = {}, {}, {}
    for host_id, entry in sorted(known.items()):
        try:
            part = partial(entry["host"].glance, glance) if glance else str
            with mattermost_progress.waiting(name, verb, host_id, part):
                done = entry["host"].run(command(entry["host"]), timeout=LONGEST)
        except ValueError as err:
            failed[host_id] = str(err)
            continue
        found = core.report(done.out)
        if done.rc != 0:
            failed[host_id] = core.failure(found, done.err or done.out)
            continue
        changes[host_id] = found.get("snapshot", "done")
        try:
            said[host_id] = sentence(found, entry["settings"])
        except bounded.ODD:
            failed[host_id] = bounded.ODD_REPORT
    lines = [f"{host_id}: {text}" for host_id, text in sorted({**said, **failed}.items())]
    return _ret(name, not failed, "\n".join(lines), changes, report=words.by_host(said, failed))


def restored(name):
    """Put a backup back on each host of this run.

    name: only the state's name. Which backup, and whether newer messages may be replaced, are told by the pillar of the
    command: ``{"restore": {"snapshot": "latest", "overwrite": False}}``. result False, with what to do, when the host
    refuses or the restored server does not come up; then what was there before serves again.
    """
    try:
        snapshot, overwrite = core.parse_request(__pillar__.get("restore") or {})
    except ValueError as err:
        return _ret(name, False, str(err))

    def command(host):
        looked = host.run(core.inspect_command(snapshot), timeout=LOOK)
        found = core.report(looked.out)
        if looked.rc != 0:
            raise ValueError(core.failure(found, looked.err or looked.out))
        try:
            return core.restore_command(found, overwrite)
        except LookupError:
            raise ValueError(bounded.ODD_REPORT) from None

    return _on_each(name, command, core.restored, "restore a backup")


def drilled(name):
    """Restore the newest backup of each host to a scratch place and compare it with its manifest.

    name: only the state's name. Never reports a change, under ``test=True`` neither; result False when the backup would not restore.
    """
    command = "mattermost-restore drill"
    judged = _on_each(name, lambda host: command, core.drilled, "test that the newest backup restores")
    judged.update(result=judged["result"] is not False, changes={})
    return judged
