"""firewalld on this host: its zone, what that lets in, and changes to both. Standard library only."""

from __future__ import annotations

import contextlib
import glob
import os
import subprocess
import time

import mattermost_firewall_core as core
import mattermost_subprocess

CONF = "/etc/firewalld/firewalld.conf"
OWN = "/etc/firewalld/zones"
SHIPPED = "/usr/lib/firewalld/zones"
BUS = ("org.fedoraproject.FirewallD1", "/org/fedoraproject/FirewallD1")
RULES_SECONDS = 120  # until a firewalld that has just started has its rules in force
RECONNECT_SECONDS = 20


def change(zone, permanent, runtime):
    """Make the steps *permanent* and *runtime* in *zone*; return a sentence for what firewalld refused, else None."""
    for steps, scope in ((permanent, ["--permanent"]), (runtime, [])):
        # Openings first and together; firewall-cmd takes one kind of closing at a time.
        for group in groups(steps):
            command = ["firewall-cmd", *scope, f"--zone={zone}", *(step.option for step in group)]
            ended = mattermost_subprocess.run(command)
            if ended.returncode:
                reason = (ended.stderr or ended.stdout).strip()
                return f"firewalld refused {' '.join(command[1:])}: {reason}. See on the host: journalctl -u firewalld"
    return None


def groups(steps):
    """Return *steps* in runs of the same verb and kind, in order."""
    groups = []
    for step in steps:
        if groups and (groups[-1][0].verb, groups[-1][0].kind) == (step.verb, step.kind):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def ssh_ports():
    text = ""
    for path in ["/etc/ssh/sshd_config", *sorted(glob.glob("/etc/ssh/sshd_config.d/*.conf"))]:
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read() + "\n"
    return core.ssh_ports(os.environ.get("SSH_CONNECTION", ""), core.sshd_listens(), text)


def systemctl_active(*units):
    ended = mattermost_subprocess.run(["systemctl", "is-active", *units])
    return [unit for unit, state in zip(units, ended.stdout.split()) if state == "active"]  # noqa: B905 - Python 3.9


def wait_for_rules():
    """Wait until firewalld has its rules in force; return whether it has.

    To systemd it runs from the moment that it has its name on the bus, seconds before on a busy machine. It answers nobody until then.
    """
    deadline = time.monotonic() + RULES_SECONDS
    while subprocess.run(["firewall-cmd", "--state"], capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def renew_connection(address, port):
    """End this host's connections to *port* of its Salt master, and wait until the minion has made one again: it takes up to eleven seconds.

    Rules that were loaded know no older connection: what the master sends over one is refused until the minion sends
    something, which it does after five minutes.
    """
    master = ["dst", address, "dport", "=", f":{port}"]
    deadline = time.monotonic() + RECONNECT_SECONDS
    with contextlib.suppress(OSError):  # without ss it takes these five minutes, and on kernels before 4.9
        subprocess.run(["ss", "--kill", "--tcp", *master], capture_output=True, check=False)
        established = ["ss", "-Htn", "state", "established", *master]
        while not subprocess.run(established, capture_output=True, check=False).stdout and time.monotonic() < deadline:
            time.sleep(0.5)


def running():
    return bool(systemctl_active("firewalld"))


def rival():
    if os.path.exists("/etc/ufw/ufw.conf"):
        with open("/etc/ufw/ufw.conf", encoding="utf-8", errors="replace") as file:
            if "ENABLED=yes" in file.read():
                return "ufw"
    return next(iter(systemctl_active(*core.RIVALS)), None)


def default_zone():
    try:
        with open(CONF, encoding="utf-8", errors="replace") as file:
            pairs = [[part.strip() for part in line.partition("=")[::2]] for line in file]
    except FileNotFoundError:
        return "public"
    return next((value for key, value in pairs if key == "DefaultZone" and value), "public")


def zone():
    """Return the zone of the interface with the default route, as the running firewalld says, else the default zone."""
    with open("/proc/net/route", encoding="ascii") as file:
        interface = core.default_interface(file.read())
    if not interface:
        return default_zone()
    found = bus("getZoneOfInterface", interface)
    zone = "".join(core.words(found)) if found is not None else command(f"--get-zone-of-interface={interface}").strip()
    return zone or default_zone()


def zone_file(zone):
    for folder in (OWN, SHIPPED):
        path = f"{folder}/{zone}.xml"
        if os.path.exists(path):
            with open(path, "rb") as file:
                data = file.read()
            try:
                return data.decode("utf-8-sig")
            except UnicodeDecodeError:
                return data.decode("latin-1")  # XML may be in it; then what is no ASCII is in comments and descriptions
    return core.STOCK


def runtime(zone):
    services, ports, masquerade = (bus(ask, zone) for ask in ("getServices", "getPorts", "queryMasquerade"))
    if None not in (services, ports, masquerade):
        pairs = core.words(ports)
        shown = [f"{port}/{protocol}" for port, protocol in zip(pairs[::2], pairs[1::2])]  # noqa: B905 - Python 3.9
        return core.Zone(frozenset(core.words(services)), frozenset(shown), "true" in masquerade)
    services, ports = (command(f"--zone={zone}", ask).split() for ask in ("--list-services", "--list-ports"))
    return core.Zone(frozenset(services), frozenset(ports), "yes" in command(f"--zone={zone}", "--query-masquerade"))


def bus(method, argument):
    """Ask firewalld over D-Bus, which takes a tenth of firewall-cmd's time. Return busctl's words, None without busctl."""
    command = ["busctl", "--system", "call", *BUS, f"{BUS[0]}.zone", method, "s", argument]
    try:
        ended = mattermost_subprocess.run(command)
    except FileNotFoundError:
        return None
    return ended.stdout if ended.returncode == 0 else None


def command(*options):
    return mattermost_subprocess.run(["firewall-cmd", *options]).stdout
