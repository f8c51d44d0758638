"""Run all checks of a preflight and report them. The sentence that a user reads is with its check, in the module of its subject beside this.

Pure: no host is asked here. Each check returns one Finding; its name can stand in ``mattermost:preflight:ignore``, which turns a refusal into a warning.
"""

from __future__ import annotations

import difflib

from mattermost_controller.findings import ACKNOWLEDGED, FITNESS, Finding, reasons, refusal, refused, soften, table
from mattermost_controller.preflight import (
    asked,
    belongings,
    breaking_changes,
    edition,
    files,
    machine,
    other_services,
    private_files,
    public_name,
    release,
    upgrade,
)


def run(settings: dict, facts: dict, outside: dict, site: str) -> list[Finding]:
    """Return every check's finding for one host.

    settings: the host's merged settings. facts: ``hosts.probe.parse``. site: ``ssl``, ``non-ssl``, or empty for none.
    outside: what the controller saw: ``skew`` (seconds), ``resolved`` (addresses of the public name), ``reached``
    (addresses that ssh goes to), ``moving`` (whether a move is what is wanted), ``in_place`` (of the installation that is about to be
    taken over there, ``importing.in_place.expected_on_host``), ``postgresql_ends`` (last day of support by major), what ``preflight.files.inspect`` and ``preflight.private_files.inspect`` return, and what
    ``preflight.breaking_changes.judge`` asks for: those are acknowledged, never ignored.
    """
    checks = (
        machine.platform,
        machine.glibc,
        machine.systemd,
        machine.transport,
        machine.disk,
        machine.mounts,
        machine.memory,
        machine.ports,
        release.postgresql,
        release.existing_config,
        release.existing_database,
        belongings.account,
        belongings.directories,
        belongings.unit,
        other_services.nginx_in_use,
        other_services.postgresql_in_use,
        release.moved,
        other_services.aside,
        release.downgrade,
        release.newer_default,
        release.checksum,
        edition.edition,
        edition.license_is_valid,
        upgrade.user_limit,
        upgrade.sign_in,
        files.source,
        files.named_files,
        files.own_certificate,
        private_files.readable_secrets,
        machine.other_run,
        machine.clock,
        machine.firewall,
    )
    found = [check(settings, facts, {**outside, "site": site}) for check in checks]
    found += upgrade.changes(settings, facts, outside) + asked.values(facts, site, outside.get("moving", False))
    found += [public_name.mail_address(settings, site), public_name.public_name(settings, facts, outside, site)]
    wrong = unknown_ignores(settings)
    found = soften(found, settings["preflight"]["ignore"]) + wrong
    return found + breaking_changes.judge(settings, facts, outside)


def unknown_ignores(settings: dict) -> list[Finding]:
    """Refuse names in ``preflight.ignore`` that no check has: a mistyped one would do nothing."""
    wrong = []
    for ignored in settings["preflight"]["ignore"]:
        if ignored in ACKNOWLEDGED:
            sentence = f"mattermost:preflight:ignore names {ignored}, a check that cannot be ignored."
            fix = f"remove {ignored} there, and write the names of the changes that you accept in mattermost:acknowledged."
            wrong.append(refusal("settings", sentence, fix))
        elif ignored not in FITNESS:
            near = difflib.get_close_matches(ignored, FITNESS, n=1)
            hint = (
                f"Did you mean {near[0]}?"
                if near
                else f"Remove {ignored} there, or write one of these checks: {', '.join(sorted(FITNESS))}."
            )
            wrong.append(
                refusal("settings", f"mattermost:preflight:ignore names {ignored}, which is not a check.", hint)
            )
    return wrong


def report(found: dict, hosts: list) -> dict:
    """Return ``result`` and ``comment``. found: findings by host. hosts: the hosts in words."""
    total, wrong = sum(map(len, found.values())), refused(found)
    lines = table(found)
    if not wrong:
        return {"comment": "\n".join([f"Preflight passed: {total} checks on {', '.join(hosts)}.", *lines])}
    head = f"The preflight refused this run, because {len(wrong)} of {total} checks failed. Nothing was changed. Hosts of this run: {', '.join(hosts)}."
    return {"result": False, "comment": "\n".join([head, *reasons(found), "All findings:", *lines])}


def unique_names(found: dict, names: dict[str, list]) -> dict:
    """Return the findings with a refusal for each host of whose names another one has one already.

    found: findings by host. names: all public names by host.
    """
    owners: dict[str, str] = {}
    judged = dict(found)
    for host, public in ((host, public) for host, several in names.items() for public in several):
        other = owners.setdefault(public, host)
        if other != host:
            sentence = f"{host} and {other} have the same public name {public}."
            judged[host] = [
                *judged[host],
                refusal("settings", sentence, "set a different mattermost:name and additional_names for each host."),
            ]
    return judged
