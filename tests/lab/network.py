"""The lab's bridge, and faults on the way between the controller and its hosts."""

from __future__ import annotations

import json
from pathlib import Path

from tests.lab.shell import run

NETWORKS = Path("/sys/class/net")


class Network:
    """The bridge of one instance and its firewall table."""

    def __init__(self, instance):
        self.instance = instance

    def ensure(self):
        """Make the bridge. Nothing of the lab is routed to elsewhere."""
        bridge = self.instance.mark
        if run(["ip", "link", "show", bridge], check=False).returncode:
            run(["ip", "link", "add", bridge, "type", "bridge", "forward_delay", "0"])
        prefix = self.instance.network.prefixlen
        run(["ip", "addr", "replace", f"{self.instance.gateway}/{prefix}", "dev", bridge])
        run(["ip", "link", "set", bridge, "up"])
        self.heal()

    def remove(self):
        """Take bridge, table and what is left of hosts' interfaces away; harmless when there are none."""
        run(["nft", "delete", "table", "inet", self.instance.mark], check=False)
        for link in [self.instance.mark, *(path.name for path in NETWORKS.glob(f"vb-{self.instance.mark}-*"))]:
            run(["ip", "link", "del", link], check=False)

    def reset_connections(self, peer=None):
        """Break the controller's connections to *peer*, all hosts by default.

        A host that lost its power cannot say goodbye, so ssh connections kept open for
        later commands would wait for it long after it, or another at its address, is up.
        """
        run(["ss", "--tcp", "--kill", "dst", peer or self.instance.network], check=False)

    def drop(self, match):
        """Drop the controller's packets that *match* (nft words), as in
        ``ip daddr 10.203.0.11 tcp dport 22`` or ``numgen random mod 100 lt 20``."""
        for hook in ("input", "output"):
            run(["nft", "add", "rule", "inet", self.instance.mark, hook, *match.split(), "counter", "drop"])

    def dropped(self):
        """How many packets the faults have eaten so far."""
        listing = json.loads(run(["nft", "-j", "list", "table", "inet", self.instance.mark]).stdout)
        rules = [item["rule"] for item in listing["nftables"] if "rule" in item]
        return sum(part["counter"]["packets"] for rule in rules for part in rule["expr"] if "counter" in part)

    def heal(self):
        """End all packet faults: the table is made anew with only the rule that keeps
        the lab's packets from being routed off the bridge."""
        bridge = self.instance.mark
        table = f"table inet {bridge}"
        chains = "".join(
            f"chain {hook} {{ type filter hook {hook} priority -10; {rules} }}\n"
            for hook, rules in {
                "input": "",
                "output": "",
                "forward": f'iifname "{bridge}" oifname != "{bridge}" drop;',
            }.items()
        )
        run(["nft", "-f", "-"], input=f"{table}\ndelete {table}\n{table} {{\n{chains}}}\n")

    def unplug(self, host):
        """Pull the host's cable."""
        run(["ip", "link", "set", host.link, "down"])

    def plug(self, host):
        """Put the host's cable back."""
        run(["ip", "link", "set", host.link, "up"])
