"""What a person wants to know of a site that serves, in a line. Pure."""

from __future__ import annotations

from mattermost_controller.status.report import certificate
from mattermost_controller.status.text import period


def summary(settings: dict, facts: dict, observed: dict, site: str) -> dict:
    """Return ``url``, ``version``, ``certificate`` (its last day) and ``backup`` (how old the last good one is).

    settings: merged. facts: ``hosts.probe.parse``. observed: ``verify.observe.observe_site``. site: ``ssl`` or ``non-ssl``. What is
    not known is None.
    """
    last_day = certificate(settings, facts, observed)["not_after"] if site == "ssl" else None
    good = facts["backup"]["good"]
    return {
        "url": f"{'https' if site == 'ssl' else 'http'}://{settings['name']}{settings['server']['path']}",
        "version": facts["current"] or None,
        "certificate": last_day[:10] if last_day else None,
        "backup": f"{period(max(0, facts['time'] - good))} ago" if good else None,
    }
