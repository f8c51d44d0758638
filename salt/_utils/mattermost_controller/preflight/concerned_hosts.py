"""Which hosts a breaking change of the bundle concerns: the functions that ``concerns`` in salt/mattermost/bundle.yaml names. Pure.

Each takes the host's merged settings and the facts of ``hosts.probe.parse``. It returns None for a host that notices nothing,
else a dict of the values that ``what_changes`` names in braces.
"""

from __future__ import annotations


def every_host(settings: dict, facts: dict) -> dict | None:
    """Every deployed host."""
    return {}


def has_additional_names(settings: dict, facts: dict) -> dict | None:
    """A host that answers to other names than its public one."""
    others = settings["names"][1:]
    return {"names": ", ".join(others), "name": settings["name"]} if others else None
