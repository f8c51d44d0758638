"""Stop a run that would bring a breaking change of the bundle to a host, until the operator acknowledges it. Pure.

The changes are listed in salt/mattermost/bundle.yaml. A host notes the number of the last change that it has passed (``mattermost_bundle_record``).
"""

from __future__ import annotations

from mattermost_controller.findings import Finding, note, ok, refusal, warning
from mattermost_controller.preflight import concerned_hosts

CHECK = "breaking-changes"
NO_VERSION = "a version before 1.0.0"


def judge(settings: dict, facts: dict, outside: dict) -> list[Finding]:
    """Return a finding for each change that concerns the host, or one that says that there is none.

    outside: ``bundle`` is what bundle.yaml holds, ``acknowledged`` the IDs that the command itself acknowledges, ``dry_run``
    whether nothing will be changed: then a change is only a warning.
    """
    bundle = outside["bundle"]
    passed = passed_number(facts)
    if passed is None:
        return [
            ok(
                CHECK,
                f"This is the host's first deploy (version {bundle['version']} of this bundle), so no breaking change affects it.",
            )
        ]
    version = f"version {facts['bundle']['version']}" if facts["bundle"] else NO_VERSION
    came = f"deployed with {version} of this bundle"
    found = []
    for change in bundle["breaking_changes"]:
        values = getattr(concerned_hosts, change["concerns"])(settings, facts) if change["number"] > passed else None
        if values is not None:
            acknowledged = {*settings["acknowledged"], *outside["acknowledged"]}
            found.append(_finding(change, values, came, acknowledged, outside["dry_run"]))
    return found or [
        ok(CHECK, f"The host was {came}. No breaking change up to version {bundle['version']} affects it.")
    ]


def passed_number(facts: dict) -> int | None:
    """Return the number of the last breaking change that a host has passed, None for a host that nothing was deployed to.

    A host without a note has passed none: it was deployed before there were numbers.
    """
    if facts["bundle"]:
        return facts["bundle"]["breaking_changes"]
    return 0 if facts["current"] else None


def _finding(change: dict, values: dict, came: str, acknowledged: set, dry_run: bool) -> Finding:
    name = change["id"]
    summary = f"{name}: {change['title']} On this host: {change['what_changes'].format(**values)}"
    if name in acknowledged:
        return note(CHECK, f"{summary} You have acknowledged this change.")
    fix = (
        f"{change['what_to_do']} Then set mattermost:acknowledged: [{name}], "
        f'or add pillar=\'{{"acknowledged": ["{name}"]}}\' to the salt-run command.'
    )
    sentence = f"{summary} The change came with version {change['version']}, and the host was {came}."
    return warning(CHECK, sentence, fix) if dry_run else refusal(CHECK, sentence, fix)
