"""A release archive that lies on the controller, copied to the hosts that need it. Runs on the controller."""

from __future__ import annotations

import hashlib
import os
import shlex

from mattermost_answer import answer as _ret
from mattermost_controller.hosts import roster
from mattermost_controller.stages import archive as core

PREFLIGHT = "mattermost_preflight"


def available(name):
    """Copy ``release.source`` to each host of this run when it is a path on the controller and the host lacks that release.

    name: only the state's name. The file's SHA-256 must be ``release.sha256``; it is checked here before it travels, and
    by the host before it is opened. Needs a passed preflight, whose look at the hosts it uses. Under ``test=True`` result
    is None where a copy would be made.
    """
    lines, changes = [], {}
    for host_id, known in sorted((__context__.get(PREFLIGHT) or {}).items()):
        release, work = known["settings"]["release"], known["settings"]["paths"]["work"]
        step = core.plan(release, known["settings"]["paths"], known["facts"].get("current"))
        if step.skip:
            lines.append(f"{host_id}: {step.skip}")
            continue
        found = _sha256(release["source"])
        if found != release["sha256"]:
            return _ret(name, False, core.mismatch(release, found), changes)
        if _is_there(known["host"], step.target, release["sha256"]):
            lines.append(f"{host_id}: the archive is already on the host.")
            continue
        changes[host_id] = step.target
        word = "would be copied" if __opts__["test"] else "was copied"
        lines.append(f"{host_id}: {os.path.basename(step.target)} {word} to the host.")
        if __opts__["test"]:
            continue
        created = known["host"].run(f"umask 077; mkdir -p {shlex.quote(os.path.join(work, 'downloads'))}")
        sent = known["host"].send(release["source"], step.target, name) if created.rc == 0 else created
        if sent.rc != 0:
            reason = (sent.err or sent.out).strip() or f"exit status {sent.rc}"
            return _ret(
                name,
                False,
                f"The archive could not be copied to {host_id}: {reason.rstrip('.')}. Check the host's disk and network, then start again.",
                changes,
            )
    return _ret(name, None if changes and __opts__["test"] else True, "\n".join(lines), changes)


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_there(host: roster.Host, path: str, wanted: str) -> bool:
    seen = host.run(f"sha256sum {shlex.quote(path)} 2>/dev/null", timeout=300)
    return seen.rc == 0 and seen.out.split()[:1] == [wanted]
