"""What only one minion and the process that sends it a job can read: of a job, the master keeps arguments and answer for a day.

The sender makes a key for each job, and encrypts it with the public key that the master accepted of the minion. Both directions use it.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def letter(public_pem: bytes, data: bytes) -> tuple[str, bytes]:
    """Return *data* as a text for whom *public_pem* belongs to, and the key that opens the reply."""
    key = AESGCM.generate_key(256)
    for_whom = serialization.load_pem_public_key(public_pem).encrypt(key, _OAEP)
    return f"{base64.b64encode(for_whom).decode()}.{reply(key, data)}", key


def opened(private_pem: bytes, text: str) -> tuple[bytes, bytes]:
    """Return what a `letter` says, and the key for the reply. Raises ValueError when it is somebody else's."""
    for_whom, _, sealed = text.partition(".")
    private = serialization.load_pem_private_key(private_pem, None)
    key = private.decrypt(base64.b64decode(for_whom), _OAEP)
    return read(key, sealed), key


def reply(key: bytes, data: bytes) -> str:
    """Return *data* as a text for whoever has *key*."""
    nonce = os.urandom(_NONCE)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, data, None)).decode()


def read(key: bytes, text: str) -> bytes:
    """Return what a `reply` says. Raises ValueError for anything else."""
    sealed = base64.b64decode(text)
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except InvalidTag:
        raise ValueError("The message was encrypted with another key.") from None
