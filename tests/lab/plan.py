"""Names and addresses of a lab instance: pure data, nothing is touched here.

Several checkouts run labs side by side, so everything that the machine shares
(bridge, subnet, control groups, mounts, firewall table) carries the instance's
number as its mark, and cleaning up never has to guess.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

MARK = "mmlab"
INSTANCES = range(16)
FIRST_HOST, LAST_HOST = 11, 250

PUBLIC_NAME = "chat.example.test"
ACME_NAME = "acme.lab.test"
APT_NAME = "apt.lab.test"
MAIL_NAME = "mail.lab.test"
RELEASES_NAME = "releases.lab.test"
# The lab answers for the vendor's own name too, so that default URLs run unchanged.
VENDOR_RELEASES_NAME = "releases.mattermost.com"
SERVICE_NAMES = (ACME_NAME, APT_NAME, MAIL_NAME, RELEASES_NAME, VENDOR_RELEASES_NAME)

_HOST_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Instance:
    """One lab of the up to sixteen that a machine can hold."""

    number: int

    @property
    def mark(self):
        """The word that everything of this instance carries; also its bridge and its
        parent control group."""
        return f"{MARK}{self.number}"

    @property
    def network(self):
        return ipaddress.ip_network(f"10.203.{self.number}.0/24")

    @property
    def gateway(self):
        """The bridge's own address: all services listen on it."""
        return str(self.network[1])

    def address(self, octet):
        """The address of the host with this last octet."""
        if not FIRST_HOST <= octet <= LAST_HOST:
            raise ValueError(f"{octet} is not a host's octet ({FIRST_HOST}-{LAST_HOST}).")
        return str(self.network[octet])

    def machine(self, octet):
        """The nspawn machine name. Short, so that the link ``vb-NAME`` (15 bytes at
        most) keeps its name, and unique over all instances."""
        return f"{self.mark}-{octet}"

    def link(self, octet):
        """The host's network interface as the controller sees it."""
        return f"vb-{self.machine(octet)}"

    def mount_label(self, name):
        """What the mount table shows as the source of a host's file system."""
        return f"{self.mark}-{name}"

    def holds(self, address):
        """Whether *address* is one of this lab's hosts."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return parsed in self.network and str(parsed) != self.gateway


def free_octet(taken, last=None):
    """The next host octet after *last* that is not in *taken*; ValueError when all are.

    Going round rather than back to the lowest keeps a new host from being taken for
    the one that just went away.
    """
    order = list(range(FIRST_HOST, LAST_HOST + 1))
    if last in order:
        start = order.index(last) + 1
        order = order[start:] + order[:start]
    for octet in order:
        if octet not in taken:
            return octet
    raise ValueError("All addresses of this lab are taken.")


def check_host_name(name):
    """Return *name* when it can be a lab host's name, else raise ValueError."""
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no lab host name: use up to 31 lower-case letters, digits and dashes, a letter first."
        )
    return name
