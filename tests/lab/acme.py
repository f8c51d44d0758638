"""The ACME certificate authority of the lab: Pebble, with a real HTTP-01 challenge.

Pebble keeps all in memory: each start has a new issuing root and knows no account.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
import urllib.request

from tests.lab.plan import ACME_NAME
from tests.lab.service import Service

PORT, MANAGEMENT_PORT = 14000, 15000
VALID_DAYS = 90


def config(address, chain, key, valid_days, number=0):
    """Pebble's configuration, as a dict. address: to listen on. valid_days: of each
    certificate that it issues. number: added to both ports."""
    return {
        "pebble": {
            "listenAddress": f"{address}:{PORT + number}",
            "managementListenAddress": f"{address}:{MANAGEMENT_PORT + number}",
            "certificate": str(chain),
            "privateKey": str(key),
            # Where the challenge is looked for on the host: the real ports.
            "httpPort": 80,
            "tlsPort": 443,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": int(valid_days * 86400),
        }
    }


class Acme:
    """A Pebble of the lab. ``url`` is its ACME directory, ``root`` its issuing root (PEM).

    number: 0 for the lab's own, which runs as long as the lab does: hosts and their snapshots have certificates and
    an account of it.
    """

    def __init__(self, lab, number=0):
        self.lab, self.number = lab, number
        self.url = f"https://{ACME_NAME}:{PORT + number}/dir"
        self.directory = lab.directory / "acme" / str(number)
        self.root = self.directory / "root.pem"
        self.service = Service(lab, f"pebble-{number}")

    def ensure(self, *, valid_days=VALID_DAYS, reject_nonces=0):
        """Have it running so; another way than now restarts it (and it forgets all).

        valid_days: life of its certificates, may be a fraction. reject_nonces: percent of
        requests that it answers with badNonce.
        """
        gateway = self.lab.instance.gateway
        chain, key = self.lab.authority.issue("acme", [ACME_NAME, gateway])
        text = json.dumps(config(gateway, chain, key, valid_days, self.number), indent=1)
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "pebble.json").write_text(text)
        environment = {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": str(reject_nonces),
            # Otherwise half of the renewals skip the challenge.
            "PEBBLE_AUTHZREUSE": "0",
        }
        started = self.service.ensure(
            [
                shutil.which("pebble") or "/usr/bin/pebble",
                *("-config", self.directory / "pebble.json", "-dnsserver", f"{gateway}:53"),
            ],
            env=environment,
            address=gateway,
            port=PORT + self.number,
            depends=text + chain.read_text(),
        )
        if started or not self.root.exists():
            self.service.wait(gateway, MANAGEMENT_PORT + self.number)  # it may listen there a moment later
            self._fetch_root()
        return started

    @contextlib.contextmanager
    def another(self, **how):
        """Have a second authority beside this one for as long as the context lasts: an Acme.

        how: as of `ensure`. Clients that trust ``ca_file`` trust this one alone.
        """
        second = Acme(self.lab, self.number + 1)
        second.ensure(**how)
        try:
            yield second
        finally:
            second.stop()

    def _fetch_root(self):
        context = ssl.create_default_context(cafile=self.lab.authority.root)
        url = f"https://{self.lab.instance.gateway}:{MANAGEMENT_PORT + self.number}/roots/0"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:  # noqa: S310
            self.root.write_bytes(answer.read())
        if self.number:
            return
        # One file for clients outside the hosts: what Pebble issued and the lab's own services.
        self.lab.ca_file.write_bytes(self.root.read_bytes() + self.lab.authority.root.read_bytes())

    def stop(self):
        """Take the CA off the net, as if it were down. `ensure` brings a new one."""
        self.service.stop()
