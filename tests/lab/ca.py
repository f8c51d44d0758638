"""The lab's own certificate authority: one root for the lab's services.

The hosts trust it as they trust a public one. Certificates for the deployed
server come from the ACME CA instead, which has a root of its own.
"""

from __future__ import annotations

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 30


class Authority:
    """A root in *directory*: ``root.pem`` and ``root.key``, made when missing."""

    def __init__(self, directory):
        self.directory = directory
        self.root = directory / "root.pem"
        self._key = directory / "root.key"

    def ensure(self):
        """Make the root, or make it anew when a week or less of its life is left."""
        if self.root.exists() and self._key.exists():
            root = x509.load_pem_x509_certificate(self.root.read_bytes())
            if root.not_valid_after_utc - _now() > datetime.timedelta(days=7):
                return
        self.directory.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lab root")])
        builder = (
            _builder(name, name, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
        )
        _write_private(self._key, _pem(key))
        self.root.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, label, names):
        """Issue a server certificate for *names* (host names and addresses).

        Returns the paths ``(chain, key)``, ``LABEL.pem`` and ``LABEL.key``; an
        existing pair for the same names by the same root is kept.
        """
        chain, key_path = self.directory / f"{label}.pem", self.directory / f"{label}.key"
        subject = self.directory / f"{label}.names"
        wanted = "\n".join([*names, self.root.read_text()])
        if chain.exists() and key_path.exists() and subject.exists() and subject.read_text() == wanted:
            return chain, key_path
        root = x509.load_pem_x509_certificate(self.root.read_bytes())
        root_key = serialization.load_pem_private_key(self._key.read_bytes(), None)
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        builder = (
            _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]), root.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(alternatives, critical=False)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        _write_private(key_path, _pem(key))
        chain.write_bytes(builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        subject.write_text(wanted)
        return chain, key_path


def _now():
    return datetime.datetime.now(datetime.timezone.utc)


def _builder(subject, issuer, key):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(hours=1))
        .not_valid_after(_now() + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(sign_certificates):
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path, content):
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
