"""Whether the wanted edition and its license fit the host. Pure.

Each check takes the merged settings, the facts of ``hosts.probe.parse`` and what the controller saw from outside.
"""

from __future__ import annotations

import time

import mattermost_license
from mattermost_release_core import other_edition
from mattermost_release_facts import EDITIONS, effective

from mattermost_controller.findings import WARNING, Finding, note, ok, refusal, warning

SOON_DAYS = 30


def edition(settings, facts, outside) -> Finding:
    """An edition changes with the version alone; what a change takes away, and what an unlicensed server hides, is said first."""
    installed, wanted, server = facts["current"], settings["release"]["edition"], settings["server"]
    there = facts.get("edition") or wanted
    if there != wanted and effective(settings["release"], installed) == installed:
        sentence, fix = other_edition(installed, there, wanted)
        return refusal("edition", sentence, fix)
    if there != wanted and wanted == "team":
        return refusal(
            "edition",
            "The settings change this host to the Team Edition. People who sign in by LDAP, SAML or OpenID are locked out, and every licensed feature is lost.",
            "see docs/editions.md, or set mattermost:preflight:ignore: [edition] to change anyway.",
        )
    if wanted == "enterprise" and not server["license"] and "MM_LICENSE" not in server["environment"]:
        return warning(
            "edition",
            'The Enterprise Edition without a license is "Entry". It shows only the newest 10,000 messages, of all channels together.',
            "set mattermost:server:license, unless a license was uploaded in the System Console. The Team Edition has no such limit.",
        )
    if there != wanted:
        return note("edition", f"This run replaces the {EDITIONS[there]} by the {EDITIONS[wanted]}.")
    return ok("edition", f"{EDITIONS[wanted]}.")


def license_is_valid(settings, facts, outside) -> Finding:
    """The license has begun and has not expired. A server that has it already goes on, so that an expired one stops no other change."""
    server, where = settings["server"], "mattermost:server:license"
    if not server["license"]:
        return ok("license", "No license is set.")
    if settings["release"]["edition"] != "enterprise":
        return refusal(
            "license",
            f"{where} is set, but the Team Edition cannot use a license.",
            "set mattermost:release:edition to enterprise, or remove the license.",
        )
    if "MM_LICENSE" in server["environment"]:
        return refusal(
            "license",
            f"{where} and mattermost:server:environment:MM_LICENSE are both set.",
            "remove one of these two settings.",
        )
    found = license_lasts(server["license"], facts.get("time") or time.time())
    return found._replace(level=WARNING) if found.level != "ok" and facts.get("edition") == "enterprise" else found


def license_lasts(text: str, now: float) -> Finding:
    """Refuse a license that is not valid now, by its form and its own dates: only the server checks its signature."""
    try:
        license = mattermost_license.read(text)
    except ValueError as err:
        return refusal(
            "license",
            f"mattermost:server:license cannot be used: {err}.",
            "write the whole text of the vendor's license file into that setting.",
        )
    ends = time.strftime("%Y-%m-%d", time.gmtime(license.expires))
    if license.expires <= now:
        return refusal(
            "license",
            f"The license expired on {ends}.",
            "set a new license in mattermost:server:license, or set mattermost:preflight:ignore: [license] to continue without its features.",
        )
    if license.starts > now:
        begins = time.strftime("%Y-%m-%d", time.gmtime(license.starts))
        return warning("license", f"The license begins on {begins}. Until then the server runs without a license.")
    if license.expires - now < SOON_DAYS * 86400:
        return warning("license", f"The license expires on {ends}.", "set a new license in mattermost:server:license.")
    return ok("license", f"The license is valid to {ends}. The server checks the license's signature when it starts.")
