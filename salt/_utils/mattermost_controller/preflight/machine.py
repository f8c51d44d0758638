"""Whether the machine itself fits: platform, C library, systemd, room, ports, clock. Pure.

Each check takes the merged settings, the facts of ``hosts.probe.parse`` and what the controller saw from outside.
"""

from __future__ import annotations

import mattermost_firewall_core as zones
from mattermost_release_facts import effective, glibc_minimum, numbers

from mattermost_controller.findings import Finding, ok, refusal, warning
from mattermost_controller.hosts import relenv_archive, runtime

OLDEST_SYSTEMD = 219
CLOCK_WARNING, CLOCK_REFUSAL = 60, 3600  # seconds
NGINX = "/usr/sbin/nginx"


def platform(settings, facts, outside) -> Finding:
    name = settings["platform"].get("name", facts["platform"])
    if not settings["platform"].get("supported"):
        return refusal(
            "platform",
            f"{facts['platform']} is not supported.",
            "use a host with a system that is in the platform table of README.md.",
        )
    if settings["release"]["arch"] not in ("amd64", "arm64"):
        return refusal(
            "platform",
            f"Mattermost does not exist for {facts['grains']['cpuarch']} machines.",
            "use an x86_64 or aarch64 host.",
        )
    machine = f"{name} on {facts['grains']['cpuarch']}"
    is_tried = settings["platform"].get("tried") and settings["release"]["arch"] == "amd64"
    if not is_tried and not facts["current"]:
        return warning(
            "platform",
            f"No test of this bundle has deployed to {machine}. The names of the packages there are known only from documentation.",
            "first try the deploy on a host that you can lose. Or use a platform that was tested (platform table in README.md).",
        )
    return ok("platform", f"{machine}.")


def glibc(settings, facts, outside) -> Finding:
    version = effective(settings["release"], facts["current"])
    wanted, actual = glibc_minimum(version), facts["glibc"]
    if not actual:
        return warning(
            "glibc",
            "The host has no glibc, or its version cannot be read, so the server may not start.",
            "check on the host: ldd --version. If the output names neither GLIBC nor GNU libc, use another host.",
        )
    if numbers(actual) < numbers(wanted):
        return refusal(
            "glibc",
            f"Mattermost {version} needs glibc {wanted} or newer; the host has {actual}.",
            "set mattermost:release:version to an earlier release (11.7 is the extended support release), or use a newer host.",
        )
    return ok("glibc", f"glibc {actual}; Mattermost {version} needs {wanted}.")


def systemd(settings, facts, outside) -> Finding:
    if facts["init"] != "systemd":
        return refusal(
            "systemd",
            f"Process 1 is {facts['init'] or 'unknown'}, not systemd. So the server cannot run as a service.",
            "use a host that runs systemd.",
        )
    if facts["systemd"] < OLDEST_SYSTEMD:
        return refusal(
            "systemd",
            f"systemd {facts['systemd']} is too old. {OLDEST_SYSTEMD} or newer is required.",
            "use a newer host.",
        )
    return ok("systemd", f"systemd {facts['systemd']} is process 1.")


def transport(settings, facts, outside) -> Finding:
    if outside.get("by_minion"):
        return ok("transport", "Salt on the minion brings its own Python.")
    wanted, possible = settings["platform"].get("transport", "thin"), runtime.choose(facts)
    pythons = ", ".join(facts["pythons"].values()) or "none"
    if wanted == "thin" and possible != "thin":
        return refusal(
            "transport",
            f"Salt needs Python {'.'.join(map(str, runtime.THIN_PYTHON))} or newer on the host; found: {pythons}.",
            "install a package with such a Python on the host.",
        )
    missing = sorted({"tar", "xz"} - set(facts["programs"]))
    if wanted == "relenv" and missing:
        return refusal(
            "transport",
            f"The host has no {' and no '.join(missing)}, which Salt needs to unpack itself.",
            f"install {' and '.join(missing)} on the host.",
        )
    if wanted == "relenv" and not settings["relenv"]["sha256"]:
        return refusal("transport", *relenv_archive.unknown_sum(settings["relenv"]))
    source = "uses the host's Python" if wanted == "thin" else "brings its own Python"
    return ok("transport", f"On this host Salt {source}. Versions of Python installed there: {pythons}.")


def disk(settings, facts, outside) -> Finding:
    """What a run adds counts per file system: a first deploy needs the whole room, a later one a release's."""
    wanted = settings["preflight"]["min_disk_mb"]
    installed = facts["current"]
    if installed and effective(settings["release"], installed) == installed:
        wanted //= 10  # nothing is unpacked; the database and logs still need to breathe
    paths = settings["paths"]
    for place in facts["disks"]:
        if place["path"] in (paths["install"], paths["state"], paths["work"], "/var/lib") and place["free_mb"] < wanted:
            return refusal(
                "disk",
                f"{place['mount']} (for {place['path']}) has {place['free_mb']} MiB free, but {wanted} MiB are required.",
                "free some space there, or lower mattermost:preflight:min_disk_mb.",
            )
    least = min((place["free_mb"] for place in facts["disks"]), default=0)
    return ok("disk", f"At least {least} MiB are free, and {wanted} MiB are required.")


def mounts(settings, facts, outside) -> Finding:
    """The server and its plugins are programs, and so is Salt's own Python: they must not stand on a noexec mount."""
    for place in facts["disks"]:
        options = facts["mounts"].get(place["mount"], "").split(",")
        for option in ("ro", "noexec"):
            wanted = (settings["paths"]["install"], settings["paths"]["state"])
            if option in options and (place["path"] in wanted or option == "ro"):
                what = "read-only" if option == "ro" else "mounted noexec, but programs must run from it"
                return refusal(
                    "mounts",
                    f"{place['mount']} (for {place['path']}) is {what}.",
                    "change the mount options on the host, or set a different directory in mattermost:paths.",
                )
        if place["path"] == "/var/tmp" and "noexec" in options and _runs_salt_there(settings, facts, outside):  # noqa: S108
            return refusal(
                "mounts",
                f"{place['mount']} is mounted noexec, but this host needs Salt's own Python, which runs from /var/tmp.",
                "set thin_dir: in the roster entry to a directory on a mount without noexec, such as /home/USER/salt, that the login user can create.",
            )
    return ok("mounts", "The file systems are writable, and programs may run from them.")


def _runs_salt_there(settings, facts, outside) -> bool:
    needs_own = "relenv" in (runtime.choose(facts), settings["platform"]["transport"])
    return needs_own and not outside.get("thin_dir") and not outside.get("by_minion")


def memory(settings, facts, outside) -> Finding:
    wanted = settings["preflight"]["min_memory_mb"]
    actual = facts["memory_kb"].get("MemTotal", 0) // 1024
    if actual < wanted:
        return refusal(
            "memory",
            f"The host has {actual} MiB of memory, but {wanted} MiB are required.",
            "add memory, or lower mattermost:preflight:min_memory_mb.",
        )
    return ok("memory", f"The host has {actual} MiB of memory.")


def ports(settings, facts, outside) -> Finding:
    """A port that we need is free or held by the program that belongs there."""
    install, server, database = settings["paths"]["install"], settings["server"]["port"], settings["database"]["port"]
    trees = tuple(f"{tree}/" for tree in (install, (outside.get("in_place") or {}).get("tree")) if tree)
    belongs = {
        80: lambda one: one["program"] == "nginx" and one["exe"] in (NGINX, ""),
        443: lambda one: one["program"] == "nginx" and one["exe"] in (NGINX, ""),
        server: lambda one: one["exe"].startswith(trees) or (one["program"] == "mattermost" and not one["exe"]),
        database: lambda one: one["program"] in ("postgres", "postmaster"),
    }
    taken = {}
    for one in facts["listeners"]:
        if one["port"] in belongs and not belongs[one["port"]](one):
            taken[one["port"]] = one["exe"] or one["program"] or "an unknown program"
    if taken:
        held = "; ".join(
            f"port {port} is in use by another program: {program}" for port, program in sorted(taken.items())
        )
        keys = [name for name, port in (("server:port", server), ("database:port", database)) if port in taken]
        choice = f", or set a free port in mattermost:{' and mattermost:'.join(keys)}" if keys else ""
        is_server = taken.get(server, "").endswith("/mattermost")
        own = " If it is this deployment's server, set mattermost:paths:install as it was." if is_server else ""
        return refusal(
            "ports", f"{held[0].upper()}{held[1:]}.", f"on the host, stop and disable that program{choice}.{own}"
        )
    return ok(
        "ports",
        f"Each of the ports 80, 443, {server} and {database} is free, or in use by nginx, Mattermost or PostgreSQL as it should be.",
    )


def other_run(settings, facts, outside) -> Finding:
    if facts["lock"]:
        return refusal(
            "other-run",
            f"Another run is in progress on the host ({facts['lock']}).",
            "wait until that run has ended, then start the same command again.",
        )
    return ok("other-run", "No other run is in progress.")


def clock(settings, facts, outside) -> Finding:
    skew = round(outside.get("skew", 0))
    sentence = f"The host's clock is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} the controller's."
    if abs(skew) >= CLOCK_REFUSAL:
        return refusal(
            "clock",
            sentence,
            "correct the clocks of host and controller (chrony or systemd-timesyncd). With a wrong clock, certificates are not valid.",
        )
    if abs(skew) >= CLOCK_WARNING:
        return warning("clock", sentence, "correct the clocks of host and controller (chrony or systemd-timesyncd).")
    return ok("clock", f"The host's clock differs from the controller's by {abs(skew)} s.")


def firewall(settings, facts, outside) -> Finding:
    kind = settings["platform"].get("firewall", {}).get("kind", "")

    def active(name):
        return facts["units"].get(f"{name}.service", {}).get("ActiveState") == "active"

    others = [
        *(["ufw"] if facts.get("ufw") else []),
        *(name for name in ("firewalld", *zones.RIVALS) if name != kind and active(name)),
    ]
    if settings["firewall"]["manage"] and facts["units"].get(f"{kind}.service", {}).get("LoadState") == "masked":
        return refusal(
            "firewall",
            f"{kind} is masked on the host, so the deploy cannot start it.",
            f"run on the host: systemctl unmask {kind}. Or set mattermost:firewall:manage: False and open ports 80 and 443.",
        )
    named = " and ".join(others)
    if settings["firewall"]["manage"] and others and not active(kind):
        return refusal(
            "firewall",
            f"The rules of {', '.join(others)} filter packets on this host. The deploy would start {kind}, which replaces those rules.",
            f"disable {named}. Or keep the rules: set mattermost:firewall:manage: False, and open port 80, port 443 and the port of ssh in {named}.",
        )
    if settings["firewall"]["manage"] and others:
        return warning(
            "firewall",
            f"Both {', '.join(others)} and {kind}, which the deploy manages, filter packets on this host.",
            f"disable {named}. Or set mattermost:firewall:manage: False and open ports 80 and 443.",
        )
    return ok(
        "firewall",
        "No packet filter is active except the one that the deploy manages."
        if settings["firewall"]["manage"]
        else "This bundle does not manage the firewall (mattermost:firewall:manage). The ports 80 and 443 must be open.",
    )
