"""A release archive that lies on the controller, copied to the hosts that need it. Runs on the controller."""

from __future__ import annotations

import hashlib
import os
import shlex

from mattermost_answer import answer as _ret
from mattermost_controller.hosts import collect, minion, roster
from mattermost_controller.preflight.release import is_unpacked
from mattermost_controller.stages import archive as core

PREFLIGHT = "mattermost_preflight"


def available(name):
    """Copy ``release.source`` to each host of this run when it is a path on the controller and the host lacks that release.

    name: only the state's name. The file's SHA-256 must be ``release.sha256``; it is checked here before it travels, and
    by the host before it is opened. Needs a passed preflight, whose look at the hosts it uses. Under ``test=True`` result
    is None where a copy would be made.
    """
    known = __context__.get(PREFLIGHT) or {}
    steps = {
        host_id: core.plan(
            one["settings"]["release"],
            one["settings"]["paths"],
            one["facts"]["current"],
            is_unpacked(one["settings"], one["facts"]),
        )
        for host_id, one in sorted(known.items())
    }
    needing = [host_id for host_id, step in steps.items() if not step.skip]
    releases = {host_id: known[host_id]["settings"]["release"] for host_id in needing}
    sums = {source: _sha256(source) for source in {release["source"] for release in releases.values()}}
    for release in releases.values():
        if sums[release["source"]] != release["sha256"]:
            return _ret(name, False, core.mismatch(release, sums[release["source"]]))
    hosts = [known[host_id]["host"] for host_id in needing]
    with collect.pool_for(hosts) as pool, minion.interruptible():
        copied = dict(
            zip(needing, pool.map(lambda host_id: _copied(name, known[host_id], steps[host_id].target), needing))
        )
    changes = {host_id: steps[host_id].target for host_id in needing if copied[host_id] is not None}
    failed = [
        f"The archive could not be copied to {host_id}: {why.rstrip('.')}." for host_id, why in copied.items() if why
    ]
    if failed:
        return _ret(name, False, "\n".join(failed), changes)
    word = "would be copied" if __opts__["test"] else "was copied"
    lines = []
    for host_id, step in steps.items():
        if host_id in changes:
            lines.append(f"{host_id}: {os.path.basename(step.target)} {word} to the host.")
        else:
            lines.append(f"{host_id}: {step.skip or 'the archive is already on the host.'}")
    return _ret(name, None if changes and __opts__["test"] else True, "\n".join(lines), changes)


def _copied(name: str, known: dict, target: str) -> str | None:
    """Copy the archive to one host, unless it has it (None) or the run is a dry one; return why that failed, or ''."""
    host, release, work = known["host"], known["settings"]["release"], known["settings"]["paths"]["work"]
    if _is_there(host, target, release["sha256"]):
        return None
    if __opts__["test"]:
        return ""
    created = host.run(f"umask 077; mkdir -p {shlex.quote(os.path.join(work, 'downloads'))}")
    sent = host.send(release["source"], target, name) if created.rc == 0 else created
    return "" if sent.rc == 0 else (sent.err or sent.out).strip() or f"exit status {sent.rc}"


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_there(host: roster.Host, path: str, wanted: str) -> bool:
    seen = host.run(f"sha256sum {shlex.quote(path)} 2>/dev/null", timeout=300)
    return seen.rc == 0 and seen.out.split()[:1] == [wanted]
