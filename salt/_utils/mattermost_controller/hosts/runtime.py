"""How Salt runs on a host: ``thin`` by the host's own Python, or ``relenv`` by one that it brings. Pure.

The settings call it ``platform.transport``; that says which one a platform needs; a thin platform without a usable Python is refused.
"""

from __future__ import annotations

from mattermost_release_facts import numbers

THIN_PYTHON = (3, 9)


def choose(facts: dict) -> str:
    """Return how Salt can run there: ``thin`` (the host's Python), ``relenv`` (brings its own) or "" (neither)."""
    if any(numbers(found)[:2] >= THIN_PYTHON for found in facts["pythons"].values()):
        return "thin"
    return "relenv" if {"tar", "xz"} <= set(facts["programs"]) else ""


def by_runtime(hosts: list, known: dict) -> dict[str, list]:
    """Return the hosts by how Salt runs there, ``thin`` or ``relenv``; thin where no preflight looked.

    known: what the preflight learnt, by host ID, each with ``runtime`` and ``settings``.
    """
    found = {}
    for host in hosts:
        entry = known.get(host, {})
        by_platform = entry.get("settings", {}).get("platform", {}).get("transport")
        runtime = "relenv" if "relenv" in (entry.get("runtime"), by_platform) else "thin"
        found.setdefault(runtime, []).append(host)
    return found
