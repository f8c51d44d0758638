"""Names inside the lab: dnsmasq on the bridge, with a table that tests may change."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import struct

from tests.lab.plan import SERVICE_NAMES
from tests.lab.platforms import mirror_names
from tests.lab.service import Service
from tests.lab.shell import wait_until


def query(name, server, timeout=2):
    """Ask *server* for the IPv4 address of *name*; None when it has none.

    A few lines of protocol, because the system's resolver cannot be pointed at one
    server for one question.
    """
    number = secrets.randbelow(65536)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = labels + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(timeout)
        connection.sendto(struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + question, (server, 53))
        answer = connection.recv(512)
    return parse(answer, len(question)) if answer[:2] == struct.pack(">H", number) else None


def parse(answer, question_length):
    """The address in the first A record of a DNS *answer* (bytes), or None."""
    count = struct.unpack(">H", answer[6:8])[0]
    if not count:
        return None
    record = answer[12 + question_length :]
    # The record's own name is a two-byte pointer to the question.
    kind, _, _, length = struct.unpack(">HHIH", record[2:12])
    return socket.inet_ntoa(record[12:16]) if (kind, length) == (1, 4) else None


class Names:
    """The lab's name table, kept in a file that dnsmasq reads again on SIGHUP."""

    def __init__(self, lab):
        self.lab = lab
        self.table = lab.directory / "run" / "names"
        self.service = Service(lab, "dnsmasq")

    def ensure(self):
        gateway = self.lab.instance.gateway
        fixed = {name: gateway for name in [*SERVICE_NAMES, *mirror_names()]}
        self._write({**self.read(), **fixed})
        self.service.ensure(
            [
                shutil.which("dnsmasq") or "/usr/sbin/dnsmasq",
                *("--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"),
                *(f"--listen-address={gateway}", "--bind-interfaces", "--pid-file=", "--cache-size=0"),
                *("--log-facility=-", f"--addn-hosts={self.table}", "--address=/#/"),
            ],
            address=gateway,
            port=53,
        )

    def read(self):
        """The table: name to address."""
        if not self.table.exists():
            return {}
        pairs = (line.split() for line in self.table.read_text().splitlines())
        return {name: address for address, name in pairs}

    def set(self, name, address):
        """Let *name* mean *address*; None takes the name away. Holds when this returns."""
        table = self.read()
        table.pop(name, None)
        if address is not None:
            table[name] = address
        self._write(table)
        self.service.group.signal(signal.SIGHUP)
        wait_until(
            lambda: query(name, self.lab.instance.gateway) == address, f"The lab's name {name} at {address}", timeout=10
        )

    def _write(self, table):
        self.table.parent.mkdir(parents=True, exist_ok=True)
        self.table.write_text("".join(f"{address} {name}\n" for name, address in sorted(table.items())))
