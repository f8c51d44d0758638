"""Ports nobody listens on."""

from __future__ import annotations

import socket


def free():
    """A TCP port on loopback that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
