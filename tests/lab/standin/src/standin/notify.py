"""Tell systemd that the server is ready: one datagram, nothing else ever."""

from __future__ import annotations

import os
import socket


def ready() -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto(b"READY=1", address)
        except OSError:
            pass
