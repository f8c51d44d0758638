"""The user's own certificate, read by the cryptography package, which comes with Salt but not with salt-ssh to hosts."""

from __future__ import annotations

import mattermost_letsencrypt_certificate as certificates
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mattermost_controller.verify import tls


def check(chain: str, key: str, names: list[str], now: float) -> None:
    """Raise CertificateError unless the first certificate in *chain* can serve each of *names* with *key*.

    chain, key: PEM files. now: seconds since the epoch. The host checks the same with openssl before it takes them.
    """
    leaf = _load(chain, lambda pem: tls.load(pem, is_pem=True), "certificate")
    private = _load(key, lambda pem: load_pem_private_key(pem, None), "private key without a passphrase")
    first, last = (moment.timestamp() for moment in tls.validity(leaf))
    certificate = certificates.Certificate(_names(leaf), first, last, key_type="")
    for name in names:
        certificates.require_match(certificate, leaf.public_key() == private.public_key(), name)
    certificates.require_valid(certificate, now)


def _load(path: str, load, what: str):
    try:
        with open(path, "rb") as handle:
            return load(handle.read())
    except OSError as err:
        raise certificates.CertificateError(f"{path} cannot be read: {err.strerror}.") from err
    except (ValueError, TypeError) as err:  # TypeError: the key has a pass phrase
        raise certificates.CertificateError(f"{path} contains no {what} in PEM format.") from err


def _names(leaf: x509.Certificate) -> tuple:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*(name.lower() for name in found.get_values_for_type(x509.DNSName)), *map(str, addresses))
