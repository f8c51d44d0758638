"""Look at hosts: their settings, and the facts that one plain ssh command to each brings."""

from __future__ import annotations

import shlex
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from mattermost_controller.findings import Finding, ok, refusal, warning
from mattermost_controller.hosts import bounded, minion, probe, roster, ssh_errors

# stands in for the host's own grains while it was not asked yet; what depends on them is checked again afterwards
ANY_GRAINS = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
PROBE_SECONDS = 60


class HostFacts(NamedTuple):
    """What was found of one host: either ``facts`` with the clock's ``skew`` (seconds), or the ``fault``."""

    facts: dict | None
    skew: float
    fault: Finding | None


def early_settings(hosts: list) -> tuple[dict[str, dict], dict[str, list[Finding]]]:
    """Return each host's settings as far as they are known before it was asked, and the faults found, both by host ID."""
    settings, faults = {}, {}
    for host in hosts:
        try:
            settings[host.id] = host.settings(ANY_GRAINS)
        except ValueError as err:  # SettingsError with faults, TargetError for a pillar that does not render
            faults[host.id] = settings_faults(err)
    return settings, faults


def settings_faults(err: ValueError) -> list[Finding]:
    """Return a refusal for each fault for which a host has no settings."""
    return [settings_fault(text) for text in getattr(err, "faults", [str(err)])]


def settings_fault(text: str) -> Finding:
    """Return the refusal for one fault of the settings."""
    if "is not supported. Supported" in text:
        return refusal("platform", text, "use a host with a system of the README's platform table.")
    return refusal(
        "settings",
        text,
        "correct that setting where it is set, in the pillar (pillar/mattermost.sls) or in the roster (docs/settings.md).",
    )


def settings_findings(settings: dict, is_new: bool) -> list[Finding]:
    """Return what there is to say of settings that can be merged: each old name in them, each rule that only a deployed host may break.

    is_new: whether the host gets its first deploy.
    """
    found = [warning("settings", text) for text in settings["renamed"]]
    found += [settings_fault(text) if is_new else warning("settings", text) for text in settings["doubts"]]
    return found or [ok("settings", "The settings are valid.")]


def pool_for(hosts: list, most: int = 16) -> ThreadPoolExecutor:
    """Return threads for *hosts* side by side, *most* at a time."""
    return ThreadPoolExecutor(max_workers=max(1, min(len(hosts), most)))


def log_in(hosts: list) -> dict[str, Future]:
    """Start to log in to each host; the connections stay. Meanwhile the settings can be read here."""
    pool = pool_for(hosts)
    started = {host.id: pool.submit(host.connect) for host in hosts}
    pool.shutdown(wait=False)
    return started


def from_hosts(
    hosts: list, logins: dict[str, Future], scripts: dict[str, str], known_hosts: str, parse=probe.parse
) -> dict[str, HostFacts]:
    """Return what one command on each host tells, hosts side by side.

    logins: of ``log_in``. scripts: the probe for each host ID. known_hosts: file that host keys are pinned in, for what
    the operator is told. parse: turns an answer into facts.
    """
    with pool_for(hosts) as pool, minion.interruptible():
        looks = pool.map(
            lambda host: _from_host(host, logins[host.id].result(), scripts[host.id], known_hosts, parse), hosts
        )
        return {host.id: found for host, found in zip(hosts, looks)}


def _from_host(host, login, script: str, known_hosts: str, parse) -> HostFacts:
    if login.rc != 0:
        return HostFacts(None, 0, _fault(host, login, known_hosts))
    before = time.time()
    answer = host.run(script, timeout=PROBE_SECONDS)
    after = time.time()
    if answer.rc != 0 and "\nend\t" not in answer.out:
        return HostFacts(None, 0, _fault(host, answer, known_hosts))
    before_first, first, _ = answer.out.partition("time\t")
    if first and before_first.strip():
        return HostFacts(None, 0, ssh_errors.chatter(host, before_first))
    try:
        facts = parse(answer.out)
    except bounded.ODD as err:
        target = shlex.quote(host.id)
        asked = f"salt {target} test.ping" if isinstance(host, minion.Minion) else f"salt-ssh {target} --raw true"
        said = str(err)[:300]
        sentence = (
            said if said.endswith(".") else f"The answer of the host cannot be read: {said}."
        )  # Python's own words
        return HostFacts(None, 0, refusal("probe", sentence, f"see what else the host prints: `{asked}`."))
    if facts["uid"] != 0:
        return HostFacts(
            None,
            0,
            refusal(
                "sudo",
                f"The user {host.user} is not root on {host.address}.",
                f"set sudo: True or user: root in the roster entry of {host.id}.",
            ),
        )
    return HostFacts(facts, skew(facts["time"], before, after), None)


def skew(remote: float, before: float, after: float) -> float:
    """Return how many seconds a clock that showed *remote* (whole seconds) between *before* and *after* is ahead."""
    if remote + 1 < before:
        return remote + 1 - before
    return max(0.0, remote - after)


def _fault(host, answer, known_hosts: str) -> Finding:
    if isinstance(host, minion.Minion):
        said = (answer.err or answer.out).strip() or f"The inspection of the host ended with exit status {answer.rc}."
        sentence, _, todo = said.partition("\n")
        if answer.rc != roster.UNREACHED:  # the host's own words
            todo = ""
        todo = todo[:1].lower() + todo[1:]  # as every other finding has it
        return refusal(
            "reachable", sentence[:400], todo[:400] or f"see the output of `salt {shlex.quote(host.id)} test.ping`."
        )
    words = f"{answer.err}\n{answer.out}"
    if options := host.entry.get("ssh_options"):  # in place of the checkout's
        known_hosts = ssh_errors.known_hosts_file(options)
    fault = ssh_errors.explain(host, answer.rc, words, known_hosts=known_hosts)
    if ssh_errors.is_about_the_key(fault):
        shown = ssh_errors.fingerprints(host.address, host.port)
        fault = ssh_errors.explain(host, answer.rc, words, shown, known_hosts)
    return fault


def resolve(name: str) -> list[str]:
    """Return the addresses that a name has on this machine; none when it does not resolve."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({entry[4][0].partition("%")[0] for entry in found})
