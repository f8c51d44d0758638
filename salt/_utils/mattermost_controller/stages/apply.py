"""Apply deploy states to hosts over salt-ssh, or by their minions, hosts side by side."""

from __future__ import annotations

import functools

import mattermost_progress
from mattermost_settings_data import LISTED

from mattermost_controller import salt_patches
from mattermost_controller.hosts import (
    collect,
    minion,
    minion_progress,
    relenv_archive,
    relenv_install,
    roster,
    runtime,
    ssh_multiplex,
    thin_tree,
)
from mattermost_controller.stages import ahead
from mattermost_controller.stages.stage import FAILHARD, NO_RESULTS, NOT_SERVED


def apply(opts: dict, hosts: list, slses: list[str], known: dict, test: bool, on_event=None, more=None) -> dict:
    """Apply *slses* in order on every host as one run each; return Salt's answer by host ID.

    opts: the master's. hosts: of hosts.roster. known: what a preflight or a look learnt, by host ID, with
    ``runtime`` and ``settings``. on_event: called as ``on_event(host_id, event)`` for each state that ended.
    more: what the hosts' pillar gets for this run.
    A host that cannot be reached, or returned nothing, has ``{"stderr": reason}``. Raises RelenvError.
    """
    outcome = _unreached(hosts)
    reached = [host for host in hosts if host.id not in outcome]
    named = arguments(test, more)
    if any(isinstance(host, minion.Minion) for host in hosts):
        with minion_progress.heard(opts, [host.id for host in reached], on_event):
            return outcome | _by_minion(reached, slses, named)
    with ahead.fetching(reached, known, slses, test):
        return outcome | _over_ssh(opts, reached, slses, known, named, on_event)


def arguments(test: bool, more: dict | None = None) -> dict:
    """Return the arguments of Salt's function beside the names of the states."""
    pillar = dict(more or {})
    if roster.run_settings():
        pillar["mattermost"] = roster.run_settings()
    if roster.listed():
        pillar[LISTED] = roster.listed()
    return {"test": test, **({"pillar": pillar} if pillar else {})}


def _over_ssh(opts: dict, hosts: list, slses: list[str], known: dict, arguments: dict, on_event) -> dict:
    import salt.client.ssh.client

    names = {host.address: host.id for host in hosts}
    outcome, reached = {}, [host.id for host in hosts]
    _ensure_relenv(opts, known, hosts)
    told = (lambda address, event: on_event(names[address], event)) if on_event else None
    for kind, members in runtime.by_runtime(reached, known).items():
        # what came before may have taken longer than an idle connection stays; a password is typed outside of `multiplexed` only
        outcome.update(_unreached([host for host in hosts if host.id in members]))
        members = [host_id for host_id in members if host_id not in outcome]
        if not members:
            continue
        # a run of Salt's ssh client is all thin or all relenv: a mixed roster takes one for each
        client = salt.client.ssh.client.SSHClient(c_path=opts["conf_file"])
        client.opts["relenv"] = kind == "relenv"
        if all(host.entry.get("priv") for host in hosts if host.id in members):
            client.opts["ssh_priv"] = "agent-forwarding"  # Salt's word for "make no key": each host has one
        grains = functools.partial(_grains, opts, {host.id: host for host in hosts}, known, kind)
        with ssh_multiplex.multiplexed(told), salt_patches.options_known(grains):
            outcome.update(client.cmd(members, "state.sls", [",".join(slses)], tgt_type="list", kwarg=arguments))
    for host_id in reached:
        outcome.setdefault(host_id, {"stderr": NO_RESULTS})
    return outcome


def _grains(opts: dict, hosts: dict, known: dict, kind: str, host_id: str) -> dict | None:
    """Return the grains of a host that need not be asked for them, None of another: a preflight looked, and Salt's folder is there.

    Grains in the roster are for the host to know, too: of them only its own answer tells.
    """
    host, facts = hosts[host_id], known.get(host_id, {}).get("facts")
    is_known = facts and not host.entry.get("grains") and (kind == "relenv" or thin_tree.ensure(host, opts["cachedir"]))
    return facts["grains"] if is_known else None


def _by_minion(hosts: list, slses: list[str], arguments: dict) -> dict:
    """Apply by one job for each host. What a run of ours lays over the pillar is in the job's arguments, and holds no secret."""

    base = {"saltenv": "base"}  # the environment of the tree whose code runs here

    def applied(host):
        try:
            failhard = host.job("cp.cache_file", [FAILHARD], base, minion.SLACK)
            if not failhard:
                raise minion.NoAnswer(NOT_SERVED)
            mattermost_progress.say("salt", f"the host's minion applies {len(slses)} stages", host.id)
            given = {**arguments, **base, "localconfig": failhard}
            answer = host.job("state.sls", [",".join(slses)], given, attempts=minion.RESTART_ATTEMPTS)
            host.wait_until_heard()
        except minion.NoAnswer as err:
            return {"stderr": str(err)}
        return {"return": answer}

    with collect.pool_for(hosts, len(hosts)) as pool, minion.interruptible():  # no host waits for another
        return {host.id: answer for host, answer in zip(hosts, pool.map(applied, hosts))}


def _unreached(hosts: list) -> dict:
    """Log in to *hosts* that are not; return what is told of those that do not let us in, by host ID."""
    with collect.pool_for(hosts) as pool, minion.interruptible():
        logins = dict(zip([host.id for host in hosts], pool.map(lambda host: host.connect(), hosts)))
    return {host_id: {"stderr": login.err or login.out} for host_id, login in logins.items() if login.rc != 0}


def _ensure_relenv(opts: dict, known: dict, hosts: list) -> None:
    """Have Salt's own archive on those *hosts* that need it. Raises RelenvError."""
    needing = runtime.by_runtime([host.id for host in hosts if host.id in known], known).get("relenv", [])
    for host in hosts:
        if host.id not in needing:
            continue
        settings = known[host.id]["settings"]
        with mattermost_progress.waiting("salt", host=host.id) as say:
            archive, sha256 = relenv_archive.ensure(
                settings["relenv"], opts["cachedir"], settings["release"]["arch"], say
            )
            tree = relenv_install.directory(host.entry, host.user)
            relenv_install.ensure(host, tree, archive, sha256, say)
