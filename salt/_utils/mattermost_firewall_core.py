"""What a firewalld zone lets in, what it should let in, and the ports that ssh uses. No Salt here.

The permanent zone is read and, before firewalld has ever run, written as its XML file: so the very first start lets ssh
in already. Source of the format: firewalld.zone(5).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml  # noqa: S405 - files of root's
from typing import NamedTuple

import mattermost_nginx_process as process
from mattermost_lines import lines_of

STOCK = '<?xml version="1.0" encoding="utf-8"?><zone><short>Public</short><service name="dhcpv6-client"/></zone>'
# An address by DHCPv6 keeps coming also when everything else is closed.
ALWAYS = ("dhcpv6-client",)
RIVALS = ("nftables", "netfilter-persistent", "iptables", "ip6tables", "shorewall")


class Zone(NamedTuple):
    """services: names. ports: ``PORT/PROTOCOL``. masquerade: whether it rewrites what it forwards."""

    services: frozenset
    ports: frozenset
    masquerade: bool


class Step(NamedTuple):
    """One change of a zone: verb ``add`` or ``remove``, kind ``service``, ``port`` or ``masquerade``, value."""

    verb: str
    kind: str
    value: str = ""

    @property
    def option(self) -> str:
        """The change as an option of firewall-cmd."""
        return f"--{self.verb}-{self.kind}" + (f"={self.value}" if self.value else "")

    def __str__(self):
        done = "opened" if self.verb == "add" else "closed"
        return (
            f"{self.kind} {self.value} {done}" if self.value else f"{self.kind} {'on' if self.verb == 'add' else 'off'}"
        )


def wanted(ssh_ports, services, ports=()) -> Zone:
    """Return what must be let in: ssh on every port in use, *services* and *ports* (``PORT/PROTOCOL``)."""
    names = {"ssh" for port in ssh_ports if port == 22} | set(services)
    others = {f"{port}/tcp" for port in ssh_ports if port != 22} | set(ports)
    return Zone(frozenset(names), frozenset(others), False)


def steps(found: Zone, goal: Zone, strict: bool, masquerade: bool) -> list[Step]:
    """Return the changes that make *found* fit *goal*, openings first.

    strict: close what *goal* does not name. masquerade: leave masquerading as it is.
    """
    changes = [Step("add", "service", name) for name in sorted(goal.services - found.services)]
    changes += [Step("add", "port", port) for port in sorted(goal.ports - found.ports)]
    if found.masquerade and not masquerade:
        changes.append(Step("remove", "masquerade"))
    if strict:
        changes += [Step("remove", "service", name) for name in sorted(found.services - goal.services - set(ALWAYS))]
        changes += [Step("remove", "port", port) for port in sorted(found.ports - goal.ports)]
    return changes


def back(found: Zone, before: Zone, strict: bool, ports=()) -> list[Step]:
    """Return the changes that undo a deploy's: the web and *ports* closed again unless open before, masquerading as it was.

    strict: the deploys closed everything else, so what was open before is opened again. ssh stays open.
    """
    changes = []
    if strict:
        changes += [Step("add", "service", name) for name in sorted(before.services - found.services)]
        changes += [Step("add", "port", port) for port in sorted(before.ports - found.ports)]
    if before.masquerade and not found.masquerade:
        changes.append(Step("add", "masquerade"))
    web = found.services & {"http", "https"}
    changes += [Step("remove", "service", name) for name in sorted(web - before.services)]
    return changes + [Step("remove", "port", port) for port in sorted(found.ports & set(ports) - before.ports)]


def read_zone(text: str) -> Zone:
    """Return what the zone file *text* lets in."""
    root = xml.fromstring(text)  # noqa: S314
    ports = {f"{part.get('port')}/{part.get('protocol')}" for part in root.findall("port")}
    services = {part.get("name") for part in root.findall("service")}
    return Zone(frozenset(services), frozenset(ports), root.find("masquerade") is not None)


def edit_zone(text: str, changes: list[Step]) -> str:
    """Return the zone file *text* with *changes*; everything else in it stays."""
    root = xml.fromstring(text)  # noqa: S314
    for step in changes:
        port, _, protocol = step.value.partition("/")
        attributes = {"service": {"name": step.value}, "port": {"port": port, "protocol": protocol}}.get(step.kind, {})
        if step.verb == "add":
            xml.SubElement(root, step.kind, attributes)
            continue
        for part in [part for part in root.findall(step.kind) if attributes.items() <= part.attrib.items()]:
            root.remove(part)
    xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def ssh_ports(connection: str, listening, configured: str) -> list[int]:
    """Return every port that ssh uses on this host, so that none of them is closed.

    connection: ``SSH_CONNECTION`` of this run, may be empty. listening: ports of the running sshd.
    configured: text of sshd's configuration.
    """
    parts = connection.split()
    found = {int(parts[3])} if len(parts) == 4 and parts[3].isdigit() else set()
    found |= set(listening) | {int(port) for port in re.findall(r"(?mi)^\s*Port\s*=?\s*(\d+)", configured)}
    return sorted(found or {22})


def sshd_listens(proc: str = "/proc") -> list[int]:
    """Return the ports on which the main sshd listens beyond loopback; forwarded ports of sessions don't count."""
    inodes = {}
    for table in ("tcp", "tcp6"):
        try:
            with open(f"{proc}/net/{table}", encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except FileNotFoundError:
            continue
        for row in rows:
            address, port = row[1].split(":")
            if row[3] == process.LISTEN and not address.endswith(("0100007F", "00000000000000000000000001000000")):
                inodes[f"socket:[{row[9]}]"] = int(port, 16)
    found = set()
    for pid in process.processes(proc):
        if process.program(pid, proc) == "sshd" and process.parent(pid, proc) == 1:
            found |= {inodes[link] for link in process.open_files(pid, proc) if link in inodes}
    return sorted(found)


def default_interface(routes: str) -> str:
    """Return the interface of the default route in *routes* (the text of /proc/net/route), empty without one."""
    for line in lines_of(routes)[1:]:
        parts = line.split()
        if len(parts) > 7 and parts[1] == parts[7] == "00000000":
            return parts[0]
    return ""


def words(reply: str) -> list[str]:
    """Return the strings in a reply of busctl, e.g. ``as 2 "ssh" "http"`` -> ``["ssh", "http"]``."""
    return re.findall(r'"([^"]*)"', reply)
