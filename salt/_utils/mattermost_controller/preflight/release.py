"""Whether the release, its database and what is already on the host go together. Pure.

Each check takes the merged settings, the facts of ``hosts.probe.parse`` and what the controller saw from outside.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

import mattermost_release_core as release_core
import mattermost_release_facts as release_facts
from mattermost_release_facts import EMPTY_SHA256, effective, numbers, postgresql_minimum

from mattermost_controller.findings import REFUSAL, WARNING, Finding, note, ok, refusal, warning
from mattermost_controller.status import upkeep


def is_ours(facts: dict, settings: dict) -> bool:
    """Say whether a run of this tree has been at work on the host before (finished or not)."""
    paths = settings["paths"]
    marks = {f"{paths['settings']}/environment", f"{paths['settings']}/secrets", paths["work"]}
    return bool(facts["current"]) or bool(marks & set(facts["files"]))


def postgresql(settings, facts, outside) -> Finding:
    version = effective(settings["release"], facts["current"])
    minimum, ours = postgresql_minimum(version), settings["platform"].get("postgresql", {}).get("version", 0)
    port = settings["database"]["port"]
    running = facts["postgresql"].get(port, "")
    major = numbers(running)[0] if running else 0
    coming = outside.get("another_postgresql") and major < ours  # the run at hand brings the data over
    if running and major < minimum and not coming:
        return refusal(
            "postgresql",
            f"Mattermost {version} needs PostgreSQL {minimum} or newer; {running} runs on port {port}.",
            "bring the data over first (mattermost:database:version, then mattermost.postgresql), or choose an earlier "
            "mattermost:release:version.",
        )
    if ours and ours < minimum:
        return refusal(
            "postgresql",
            f"Mattermost {version} needs PostgreSQL {minimum} or newer; PostgreSQL {ours} would be installed.",
            "choose an earlier mattermost:release:version, or a newer PostgreSQL in mattermost:database:version.",
        )
    if coming:
        return note("postgresql", f"PostgreSQL {running} is running; its data will be upgraded to {ours}.")
    if running and ours and major != ours and is_ours(facts, settings):
        older = "" if major > ours else " To bring the data over: salt-run state.orchestrate mattermost.postgresql."
        return refusal(
            "postgresql",
            f"The server's data is in PostgreSQL {running} and the settings say {ours}.{older}",
            f"to stay, set mattermost:database:version to {major}.",
        )
    if running and ours and major != ours:
        return refusal(
            "postgresql",
            f"PostgreSQL {running} runs on port {port}; the deploy would manage version {ours}.",
            "describe that cluster in mattermost:platform:postgresql, or set another mattermost:database:port.",
        )
    today = datetime.fromtimestamp(facts.get("time") or time.time(), timezone.utc).date()
    judged = upkeep.postgresql_support(str(major or ours), outside.get("postgresql_ends") or {}, today)
    if judged.level == REFUSAL:
        return judged._replace(check="postgresql", level=WARNING)
    return ok("postgresql", f"PostgreSQL {running or ours}; Mattermost {version} needs {minimum}.")


def existing_config(settings, facts, outside) -> Finding:
    foreign = [path for path in facts["files"] if path.endswith(("/config.json", "mmomni.mattermost.env"))]
    if is_ours(facts, settings) or not foreign:
        return ok("existing-config", "No configuration of another installation.")
    if outside.get("in_place"):
        return note("existing-config", f"{foreign[0]} is of the installation that is taken over.")
    if settings["server"]["adopt"]:
        return note("existing-config", f"{foreign[0]} is of another installation; server:adopt takes it over.")
    return refusal(
        "existing-config",
        f"{', '.join(foreign)} belongs to an installation that this bundle did not create.",
        "set mattermost:server:adopt: True to take it over with its contents, bring it to another host by mattermost.import, or move it away.",
    )


def existing_database(settings, facts, outside) -> Finding:
    found, name = facts["database"], settings["database"]["name"]
    if found and facts.get("unreadable"):
        return warning(
            "existing-database",
            f"The role {found['owner']} cannot read, so no backup can hold: {', '.join(facts['unreadable'])}. Backups refuse.",
            f"for each of them: ALTER TABLE ... OWNER TO {found['owner']}, or GRANT SELECT on it and USAGE on its schema, or another database.",
        )
    if is_ours(facts, settings) or not found or not found["tables"]:
        return ok("existing-database", "No database of another installation.")
    what = f"Database {name} (owner {found['owner']}, {found['tables']} tables) is there"
    if outside.get("in_place"):
        return refusal(
            "existing-database",
            f"{what}; it stays, and the new server's gets another name.",
            f"set mattermost:database: {{name: {name}_new}}, for good, and another user where {found['owner']} is mattermost:database:user.",
        )
    if settings["server"]["adopt"]:
        return note("existing-database", f"{what}; server:adopt takes it over.")
    return refusal(
        "existing-database",
        f"{what}, and this bundle did not create it.",
        "set mattermost:server:adopt: True to take it over with its contents, or set another mattermost:database:name.",
    )


def moved(settings, facts, outside) -> Finding:
    if not facts.get("moved") or outside.get("moving"):
        return ok("moved", "The server was not moved away from this host.")
    return refusal(
        "moved",
        f"The server was moved from this host to {facts['moved']}; a run would bring a second one to life.",
        f"set mattermost:hosts: [{facts['moved']}]; to take it back as it was left: sh {settings['paths']['work']}/take-back, there.",
    )


def downgrade(settings, facts, outside) -> Finding:
    installed, wanted = facts["current"], effective(settings["release"], facts["current"])
    if installed and not release_facts.is_version(installed):
        link = f"{settings['paths']['install']}/current"
        return refusal(
            "downgrade",
            f"{link} points to {installed}, which is not a version.",
            f"rename that directory to its version, MAJOR.MINOR.PATCH, and point {link} to it.",
        )
    # an upgrade or a rollback that was cut short: the deploy has it end first, at either of its two versions
    open_between = [version for version in facts.get("switching", []) if release_facts.is_version(version)]
    if len(open_between) == 2 and numbers(wanted) >= min(map(numbers, open_between)):
        return note(
            "downgrade", f"A change from Mattermost {' to '.join(open_between)} was interrupted; it is ended first."
        )
    program = f"{settings['paths']['install']}/current/bin/mattermost"
    if installed and wanted != installed and program not in facts.get("modes", [program]):
        return refusal(
            "downgrade",
            f"The host's data belong to Mattermost {installed}, which was removed there; the run would bring {wanted}.",
            f"set mattermost:release:version to {installed}, with its sha256 and source if you set these, run it, and upgrade after that.",
        )
    if installed and numbers(wanted) < numbers(installed):
        return refusal(
            "downgrade",
            f"Mattermost {installed} is installed; {wanted} is older, and the database does not go back.",
            f"set mattermost:release:version to {installed} or newer, go back to it by mattermost.rollback, or restore a backup of it on a fresh host.",
        )
    if settings["release"]["pinned"] and release_facts.is_newer_patch(settings["release"], installed):
        return note(
            "downgrade",
            f"Mattermost {installed} is installed, by an unattended patch; {settings['release']['version']} in the settings is the least patch.",
        )
    if installed and wanted != installed:
        return note("downgrade", f"Mattermost {installed} will be upgraded to {wanted}.")
    return ok(
        "downgrade", f"Mattermost {wanted} is installed." if installed else f"Mattermost {wanted} will be installed."
    )


def newer_default(settings, facts, outside) -> Finding:
    newer = release_facts.newer_default(settings["release"], facts["current"])
    if newer:
        return note(
            "newer-default",
            f"The default is now Mattermost {newer}; the host keeps {facts['current']}.",
            f"to upgrade, set mattermost:release:version: {newer}.",
        )
    return ok("newer-default", "No newer default version.")


def newest(found: list[Finding]) -> list[Finding]:
    """Return what is known of newer releases as a run needs it: the run may be what mends it, so nothing refuses it. found: of ``releases.look``."""
    return [one._replace(level=WARNING) if one.level == REFUSAL else one for one in found]


def checksum(settings, facts, outside) -> Finding:
    release, wanted = settings["release"], effective(settings["release"], facts["current"])
    if wanted == facts["current"]:
        return ok("checksum", f"Mattermost {wanted} is installed; nothing is downloaded.")
    if release["sha256"] == EMPTY_SHA256:
        return refusal(
            "checksum",
            "mattermost:release:sha256 is the sum of an empty file, as after a download that failed.",
            f"set the sum that the vendor publishes for Mattermost {wanted}, or remove the setting if salt/mattermost/releases.yaml has the version.",
        )
    try:
        known = release_core.check_proof(release)
    except release_facts.ReleaseError as err:
        sentence, _, fix = str(err).rpartition(". ")
        return refusal("checksum", f"{sentence}.", fix)
    if not known and "://" not in release["source"]:
        return refusal(
            "checksum",
            f"No SHA-256 is known for Mattermost {wanted} ({release['arch']}), and its archive is a file on the controller.",
            "set mattermost:release:sha256 to the sum that the vendor publishes; sha256sum FILE must print the same.",
        )
    if not known:
        return note(
            "checksum",
            f"No SHA-256 is known for Mattermost {wanted} ({release['arch']}): the vendor's signature by the key "
            f"{release['key_fingerprint']} must prove it.",
            f"or set mattermost:release:sha256 to the sum of its {release_facts.EDITIONS[release['edition']]} archive.",
        )
    return ok("checksum", f"SHA-256 of Mattermost {wanted} is known.")
