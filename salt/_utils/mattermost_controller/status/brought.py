"""Whether what this bundle brings is current: the controller's Salt, a restic that it pins for a platform, and the bundle itself."""

from __future__ import annotations

import re
import subprocess

from mattermost_lines import lines_of
from mattermost_release_facts import numbers

from mattermost_controller.findings import Finding, note, ok, skipped, warning
from mattermost_controller.status.upkeep import support

MOST_BYTES = 65536


def newest_bundle(address: str) -> tuple[str, str]:
    """Return the version of the bundle.yaml at *address*, and, where that is not known, why. "" is not asked."""
    if not address:
        return "", ""
    command = ["curl", "-sSf", "--proto", "=https,file", "--connect-timeout", "10", "-m", "20", "-r", f"0-{MOST_BYTES}"]
    try:
        with subprocess.Popen([*command, "--", address], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
            text = done.stdout.read(MOST_BYTES).decode(errors="replace")
            done.stdout.close()  # whatever comes after that ends curl
            said = done.stderr.read(1000).decode(errors="replace").strip()
    except OSError as err:
        return "", f"curl cannot be run: {err}."
    found = re.search(r"^version: (\d{1,6}\.\d{1,6}\.\d{1,6})\s*$", text, re.MULTILINE)
    if found:
        return found[1], ""
    return "", lines_of(said)[-1] if said else "the address does not return the bundle.yaml of this bundle."


def findings(settings: dict, data: dict, salt: str, newest: tuple[str, str], today) -> list[Finding]:
    """Return what there is to say.

    settings: merged, of one host. data: of ``mattermost_settings_data.load``. salt: the controller's version. newest: of ``newest_bundle``.
    today: a date.
    """
    return [
        _salt(salt, data["releases"], today),
        _restic(settings["platform"]),
        _bundle(data["bundle"]["version"], *newest),
    ]


def _salt(version: str, table: dict, today) -> Finding:
    known = table["salt"].get(version.partition(".")[0], {})
    found = support(
        "salt",
        f"Salt {version} on this controller",
        known.get("ends", ""),
        today,
        "upgrade Salt on this controller (docs/salt-versions.md)",
    )
    if found.level in ("ok", "skipped") and numbers(known.get("newest", "")) > numbers(version):
        return note(
            "salt",
            f"Salt {version} runs on this controller. On {table['date']} the newest release of this line was {known['newest']}.",
            "see how to upgrade Salt in docs/salt-versions.md.",
        )
    return found


def _restic(platform: dict) -> Finding:
    program = platform["backup"]["program"]
    if not program["source"]:
        return ok("restic", f"restic comes from a package of {platform['name']}.")
    pinned = re.search(r"\d+\.\d+\.\d+", program["source"])
    return note(
        "restic",
        f"restic {(pinned[0] if pinned else 'of an unknown version')} is pinned for {platform['name']}. The host's package manager does not update this restic.",
        "to update restic, set the address and the SHA-256 of a newer one in mattermost:platform:backup:program.",
    )


def _bundle(checkout: str, newest: str, reason: str) -> Finding:
    if reason:
        return warning(
            "bundle-version",
            f"It is not known whether this bundle has a newer version: {reason}",
            "check the controller's network and mattermost:release_sources:bundle. To switch this check off, set that address to ''.",
        )
    if not newest:
        return skipped(
            "bundle-version",
            "It was not checked whether this bundle has a newer version, because mattermost:release_sources:bundle is empty.",
        )
    if numbers(newest) > numbers(checkout):
        return warning(
            "bundle-version",
            f"Version {newest} of this bundle is available. This checkout is {checkout}.",
            "run in the checkout on the controller: git pull && make setup. Then read CHANGELOG.md before the next run.",
        )
    return ok("bundle-version", f"This checkout, {checkout}, is the newest version of this bundle.")
