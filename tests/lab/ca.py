"""The lab's own certificate authority: one root for the lab's services.

The hosts trust it as they trust a public one. Certificates for the deployed
server come from the ACME CA instead, which has a root of its own.
"""

from __future__ import annotations

import os

import trustme


class Authority:
    """A root in *directory*: ``authority.pem`` and ``authority.key``, made when missing."""

    def __init__(self, directory):
        self.directory = directory
        self.root = directory / "authority.pem"
        self._key = directory / "authority.key"

    def ensure(self):
        """Make the root when there is none."""
        if self.root.exists() and self._key.exists():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        made = trustme.CA(organization_unit_name="Lab root")
        _write_private(self._key, made.private_key_pem.bytes())
        self.root.write_bytes(made.cert_pem.bytes())

    def issue(self, label, names):
        """Issue a server certificate for *names* (host names and addresses).

        Returns the paths ``(chain, key)``, ``LABEL.pem`` and ``LABEL.key``; an
        existing pair for the same names by the same root is kept.
        """
        chain, key = self.directory / f"{label}.pem", self.directory / f"{label}.key"
        subject = self.directory / f"{label}.names"
        wanted = "\n".join([*names, self.root.read_text()])
        if not (chain.exists() and key.exists() and subject.exists() and subject.read_text() == wanted):
            root = trustme.CA.from_pem(self.root.read_bytes(), self._key.read_bytes())
            issued = root.issue_cert(*names)
            _write_private(key, issued.private_key_pem.bytes())
            chain.write_bytes(issued.cert_chain_pems[0].bytes())
            subject.write_text(wanted)
        return chain, key


def _write_private(path, content):
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
