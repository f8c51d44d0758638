"""A certificate for one private machine, from an authority that can never sign anything else.

A private machine cannot be reached by Let's Encrypt. The authority's key is thrown away once it has signed, and the
authority is limited to the one name: who trusts it trusts nothing but this machine.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 397  # browsers refuse longer ones
RENEW_DAYS = 30


def ensure(folder: Path, name: str) -> bool:
    """Have ``authority.pem``, ``chain.pem`` and ``key.pem`` (0600) for *name* in *folder*; return whether they were made.

    A pair that is there for the name is kept until 30 days before its end; then the authority is another one too.
    """
    paths = [folder / part for part in ("authority.pem", "chain.pem", "key.pem")]
    if all(path.exists() for path in paths) and _serves(paths[1].read_bytes(), name):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, make(name), strict=True):
        _write(path, content)
    return True


def make(name: str) -> tuple[bytes, bytes, bytes]:
    """Return the authority's certificate, the server's certificate and the server's key, each as PEM."""
    now = datetime.datetime.now(datetime.timezone.utc)
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Vagrant machine {name}, {now:%Y-%m-%d %H:%M}")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def begun(owner, public_key):
        return (
            x509.CertificateBuilder()
            .subject_name(owner)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )

    root = (
        begun(issuer, signer.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(name)], None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    server = (
        begun(subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (
        root.public_bytes(serialization.Encoding.PEM),
        server.public_bytes(serialization.Encoding.PEM),
        private,
    )


def _serves(chain: bytes, name: str) -> bool:
    """Whether a certificate is for *name* and far from its end."""
    certificate = x509.load_pem_x509_certificate(chain)
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return left > datetime.timedelta(days=RENEW_DAYS) and name in names.get_values_for_type(x509.DNSName)


def _usage(**wanted: bool) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    ).split()
    return x509.KeyUsage(**{use: wanted.get(use, False) for use in every})


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
