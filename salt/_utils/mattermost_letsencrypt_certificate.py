"""What a certificate file says, read by the host's openssl: names, dates, kind of key, whether a key belongs to it.

Salt-ssh brings hosts no cryptography package; the controller reads with it (mattermost_controller.preflight).
"""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple

import mattermost_subprocess


class CertificateError(ValueError):
    """A certificate or key that can't be used; the message says why."""


class Certificate(NamedTuple):
    """names: DNS names, lower-case. not_before, not_after: seconds since the epoch. key_type: ecdsa or rsa."""

    names: tuple
    not_before: float
    not_after: float
    key_type: str

    @property
    def lifetime(self) -> float:
        """Seconds from its first to its last moment."""
        return self.not_after - self.not_before


def read(path: str) -> Certificate:
    """Return what the first certificate in the PEM file *path* says. Raises CertificateError when there is none."""
    return parse(_openssl("x509", "-in", path, "-noout", "-text"), path)


def parse(text: str, path: str = "the certificate") -> Certificate:
    """Return the certificate that ``openssl x509 -text`` described as *text*."""
    before, after = (re.search(rf"Not {word} *: (.+)", text) for word in ("Before", "After"))
    if not before or not after:
        raise CertificateError(f"{path} is not a certificate in PEM format.")
    names = [name.lower() for name in re.findall(r"DNS:([^,\s]+)", text)]
    names += re.findall(r"IP Address:([^,\s]+)", text)
    key_type = "ecdsa" if "id-ecPublicKey" in text else "rsa"
    return Certificate(
        tuple(names), ssl.cert_time_to_seconds(before.group(1)), ssl.cert_time_to_seconds(after.group(1)), key_type
    )


def covers(certificate: Certificate, name: str) -> bool:
    """Return whether *certificate* is good for *name*, by itself or by a wildcard of one label."""
    name = name.lower()
    wildcard = "*." + name.split(".", 1)[1] if "." in name else ""
    return name in certificate.names or wildcard in certificate.names


def check(chain: str, key: str, name: str, now: float) -> Certificate:
    """Return the certificate of *chain* after making sure that it can serve *name*.

    chain, key: PEM files. now: seconds since the epoch.
    Raises CertificateError: no certificate, an encrypted or foreign key, another name, not valid now.
    """
    certificate = matches(chain, key, name)
    require_valid(certificate, now)
    return certificate


def matches(chain: str, key: str, name: str) -> Certificate:
    """Return the certificate of *chain* after making sure that *key* belongs to it and that it is for *name*."""
    certificate = read(chain)
    require_match(certificate, public_key("x509", chain) == public_key("pkey", key), name)
    return certificate


def require_match(certificate: Certificate, has_key: bool, name: str) -> None:
    """Raise CertificateError unless the key belongs to *certificate* (has_key) and it is for *name*."""
    if not has_key:
        raise CertificateError("The private key does not belong to the certificate.")
    if not covers(certificate, name):
        shown = ", ".join(certificate.names) or "no name at all"
        raise CertificateError(f"The certificate is for {shown}, not for {name}.")


def require_valid(certificate: Certificate, now: float) -> None:
    """Raise CertificateError unless *certificate* is valid at *now* (seconds since the epoch)."""
    if now >= certificate.not_after:
        raise CertificateError("The certificate has expired.")
    if now < certificate.not_before:
        raise CertificateError("The certificate is not valid yet. Check the clocks of the controller and of the host.")


def public_key(kind: str, path: str) -> str:
    """Return the public key in PEM form of a certificate (kind x509) or a private key (kind pkey) at *path*."""
    if kind == "x509":
        return _openssl("x509", "-in", path, "-noout", "-pubkey")
    # An empty pass phrase: an encrypted key fails instead of asking.
    return _openssl("pkey", "-in", path, "-passin", "pass:", "-pubout")


def _openssl(*arguments: str) -> str:
    ended = mattermost_subprocess.run(["openssl", *arguments])
    if ended.returncode:
        what = "unencrypted private key" if arguments[0] == "pkey" else "certificate"
        raise CertificateError(f"{arguments[2]} contains no {what} in PEM format.")
    return ended.stdout
