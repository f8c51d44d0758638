"""Before and after a removal: is it clearly meant, is there anything to remove, and what stays. Runs on the controller."""

from __future__ import annotations

import os
import shlex

import mattermost_progress
import mattermost_remove_core as core
import mattermost_run_lock_core as run_lock
from mattermost_answer import answer as _ret
from mattermost_controller import findings
from mattermost_controller.hosts import (
    checkout_lock,
    collect,
    minion,
    probe,
    relenv_install,
    roster,
    runtime,
    ssh_errors,
)
from mattermost_controller.stages import stage

PREFLIGHT = "mattermost_preflight"  # where later stages look for the hosts, already logged in
RUNS = "mattermost_stage.runs"
CLEAN = """
for folder in {folders}; do
  if [ -e "$folder/code-checksum" ] || [ -x "$folder/salt-call" ]; then rm -rf "$folder"; fi
done
rm -rf {locks}
rmdir /run/mattermost 2>/dev/null
"""


def confirmed(name):
    """Refuse a removal before anything is changed: settings, login, a purge that names no host of this run.

    name: only the state's name. What else a preflight checks does not matter to a host that is about to be cleared.
    """
    try:
        checkout_lock.acquire(__opts__, __low__["__sls__"])
        hosts = roster.targets(__opts__, __pillar__, __low__["__sls__"])
    except (checkout_lock.BusyError, roster.TargetError) as err:
        return _ret(name, False, f"{err} Nothing was removed.")
    said = ", ".join(f"{host.id} ({host.address})" for host in hosts)
    mattermost_progress.say("remove", f"hosts of this run: {said}")
    logins = collect.log_in(hosts)
    settings, faults = collect.early_settings(hosts)
    if faults:
        return _ret(name, False, "\n".join(findings.reasons(faults)))
    pillar = __pillar__.get("remove") or {}
    try:
        purges = {core.parse_request(pillar, settings[host.id]["name"]) for host in hosts}
    except ValueError as err:
        return _ret(name, False, str(err))
    scripts = {host.id: probe.script(__opts__["file_roots"]["base"], settings[host.id]) for host in hosts}
    host_facts = collect.from_hosts(
        hosts, logins, scripts, ssh_errors.known_hosts_file(__opts__.get("ssh_options") or [])
    )
    found = {host.id: [host_facts[host.id].fault] for host in hosts if host_facts[host.id].fault}
    known = {}
    for host in hosts:
        facts = host_facts[host.id].facts
        if facts and facts["lock"]:
            fix = "start the removal again when that run has ended."
            found[host.id] = [
                findings.refusal("other-run", f"Another run is in progress on the host ({facts['lock']}).", fix)
            ]
        if facts:
            try:
                merged = host.settings(facts["grains"])
            except ValueError as err:
                found[host.id] = [*found.get(host.id, []), *collect.settings_faults(err)]
                continue
            known[host.id] = {"host": host, "settings": merged, "facts": facts}
            known[host.id]["runtime"] = runtime.choose(facts)
    if found:
        return _ret(name, False, "\n".join(findings.reasons(found)) + "\nNothing was removed.")
    __context__[PREFLIGHT] = known
    return _ret(name, True, f"{'The data are destroyed too' if True in purges else 'The data stay'}. Hosts: {said}.")


def reported(name):
    """Say what stays on each host, and take Salt's own working folder away, which no state can do for itself.

    name: only the state's name. Needs the stage ``remove`` before it.
    """
    lines = []
    for host_id, entry in sorted((__context__.get(PREFLIGHT) or {}).items()):
        outcome = next(iter(__context__[RUNS].values()))["outcome"].get(host_id, {})
        results = stage.state_results(outcome.get("return") if isinstance(outcome, dict) else outcome) or []
        words = {part["__id__"]: part["comment"] for part in results}
        shown = ("removal-is-meant", "packages-are-as-before", "removal-is-noted")
        said = " ".join(str(words[each]) for each in shown if words.get(each))
        lines.append(f"{host_id}: {' '.join(said.split())}".strip())  # one line, so that a host tells of itself alone
        if not __opts__["test"]:
            folders = " ".join(shlex.quote(folder) for folder in _folders(entry["host"]))
            locks = f"{os.path.dirname(run_lock.LOCK)} {run_lock.FORMER}"
            entry["host"].run(CLEAN.format(folders=folders, locks=locks))
    return _ret(name, None if __opts__["test"] else True, "\n".join(lines))


def _folders(host) -> list[str]:
    """Return Salt's working folders on *host*, with the host's Python and with Salt's own, as its ssh client names them.

    None of a minion, which was there before and goes on: what it has synced stays with it.
    """
    if isinstance(host, minion.Minion):
        return []
    tree = relenv_install.directory(host.entry, host.user)
    return [tree, tree.replace("_salt_relenv", "_salt")]
