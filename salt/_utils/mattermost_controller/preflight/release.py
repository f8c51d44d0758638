"""Whether the release, its database and what is already on the host go together. Pure.

Each check takes the merged settings, the facts of ``hosts.probe.parse`` and what the controller saw from outside.
"""

from __future__ import annotations

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
            f"Mattermost {version} needs PostgreSQL {minimum} or newer, but {running} runs on port {port}.",
            f"set mattermost:database:version: {max(ours, minimum)}, then: salt-run state.orchestrate mattermost.postgresql. Or use an earlier Mattermost."
            if is_ours(facts, settings)
            else "set a free mattermost:database:port, to install a newer PostgreSQL too. Or set an earlier mattermost:release:version.",
        )
    if ours and ours < minimum:
        return refusal(
            "postgresql",
            f"Mattermost {version} needs PostgreSQL {minimum} or newer, but PostgreSQL {ours} would be installed.",
            "set an earlier mattermost:release:version, or a newer PostgreSQL in mattermost:database:version.",
        )
    if coming:
        return note("postgresql", f"PostgreSQL {running} is running. This run upgrades its data to PostgreSQL {ours}.")
    if running and ours and major != ours and is_ours(facts, settings):
        older = "" if major > ours else " To upgrade its data, run: salt-run state.orchestrate mattermost.postgresql"
        return refusal(
            "postgresql",
            f"The server's data is in PostgreSQL {running}, and the settings say {ours}.{older}",
            f"to stay with PostgreSQL {major}, set mattermost:database:version to {major}.",
        )
    if running and ours and major != ours:
        return refusal(
            "postgresql",
            f"PostgreSQL {running} runs on port {port}, but the deploy would manage PostgreSQL {ours}.",
            f"to use this PostgreSQL, set mattermost:database:version: {major}. To install PostgreSQL {ours} too, set a free mattermost:database:port.",
        )
    ends = outside.get("postgresql_ends") or {}
    judged = upkeep.postgresql_support(str(major or ours), ends, upkeep.day_of(facts))
    if judged.level == REFUSAL:
        return judged._replace(check="postgresql", level=WARNING)
    return ok(
        "postgresql",
        f"This deployment uses PostgreSQL {running or ours}, and Mattermost {version} needs {minimum} or newer.",
    )


def existing_config(settings, facts, outside) -> Finding:
    foreign = [path for path in facts["files"] if path.endswith(("/config.json", "mmomni.mattermost.env"))]
    if is_ours(facts, settings) or not foreign:
        return ok("existing-config", "The host has no configuration of another installation.")
    if outside.get("in_place"):
        return note("existing-config", f"{foreign[0]} belongs to the installation that this import takes over.")
    if settings["server"]["adopt"]:
        return note(
            "existing-config",
            f"{foreign[0]} belongs to another installation. mattermost:server:adopt is set, so the deploy takes it over.",
        )
    return refusal(
        "existing-config",
        f"{', '.join(foreign)} belongs to an installation that this bundle did not create.",
        "set mattermost:server:adopt: True to take it over with its contents. Or import it to another host (mattermost.import), or move its files away.",
    )


def existing_database(settings, facts, outside) -> Finding:
    found, name = facts["database"], settings["database"]["name"]
    if found and facts.get("unreadable"):
        return warning(
            "existing-database",
            f"The role {found['owner']} cannot read {', '.join(facts['unreadable'])}. A backup would not contain this data, so every backup is refused.",
            f"run as postgres in the database {name}, for each table: ALTER TABLE NAME OWNER TO {found['owner']}. Or grant this role SELECT, and schema USAGE.",
        )
    user = settings["database"]["user"]
    taken = found and (found["tables"] or found["owner"] != user)
    if is_ours(facts, settings) or not taken and not facts.get("foreign_role"):
        return ok("existing-database", "The host has no database of another installation.")
    if not taken:
        what = f"PostgreSQL has a role {user} (mattermost:database:user) that this bundle did not create."
        if settings["server"]["adopt"] and not outside.get("in_place"):
            return note("existing-database", f"{what} mattermost:server:adopt is set, so the deploy takes it over.")
        fix = "set another mattermost:database:user, or mattermost:server:adopt: True to take over this role."
        return refusal("existing-database", what, fix)
    what = f"The host already has a database {name} (owner {found['owner']}, {found['tables']} tables)"
    if outside.get("in_place"):
        return refusal(
            "existing-database",
            f"{what}. An import in place leaves that database as it is, so the new server needs a database of a different name.",
            f"set mattermost:database: {{name: {name}_new}}, and keep that setting. If mattermost:database:user is {found['owner']}, set another user, too.",
        )
    if settings["server"]["adopt"]:
        return note("existing-database", f"{what}. mattermost:server:adopt is set, so the deploy takes it over.")
    return refusal(
        "existing-database",
        f"{what}. This bundle did not create it.",
        "set mattermost:server:adopt: True to take it over with its contents, or set another mattermost:database:name.",
    )


def moved(settings, facts, outside) -> Finding:
    if not facts.get("moved") or outside.get("moving"):
        return ok("moved", "The server was not moved away from this host.")
    return refusal(
        "moved",
        f"The server was moved from this host to {facts['moved']}, which has the messages since then. This run would start a second server.",
        f"set mattermost:hosts: [{facts['moved']}]. To go back, stop the server on {facts['moved']}, then run on this host: sh {settings['paths']['work']}/take-back",
    )


def is_unpacked(settings, facts) -> bool:
    """Say whether the release that ``current`` names is on the host; a removal leaves the link alone, which says what the data are of."""
    program = f"{settings['paths']['install']}/current/bin/mattermost"
    return bool(facts["current"]) and program in facts.get("modes", [program])


def needs_archive(settings, facts) -> bool:
    """Say whether this run has to unpack a release: not the one that the host has, or that one again after a removal."""
    return effective(settings["release"], facts["current"]) != facts["current"] or not is_unpacked(settings, facts)


def downgrade(settings, facts, outside) -> Finding:
    installed, wanted = facts["current"], effective(settings["release"], facts["current"])
    if installed and not release_facts.is_version(installed):
        link = f"{settings['paths']['install']}/current"
        return refusal(
            "downgrade",
            f"{link} points to {installed}, which is not a version.",
            f"rename that directory to its version (MAJOR.MINOR.PATCH), and point {link} to it.",
        )
    # an upgrade or a rollback that was cut short: the deploy has it end first, at either of its two versions
    open_between = [version for version in facts.get("switching", []) if release_facts.is_version(version)]
    if len(open_between) == 2 and numbers(wanted) >= min(map(numbers, open_between)):
        return note(
            "downgrade",
            f"A change from Mattermost {' to '.join(open_between)} was interrupted. The deploy first completes that change or rolls it back.",
        )
    named = settings["release"][
        "version"
    ]  # what a line or no setting means counts here too: only that archive is known
    if installed and named != installed and not is_unpacked(settings, facts):
        return refusal(
            "downgrade",
            f"This host still has the data of Mattermost {installed}, but the server was removed. This run would install {named}.",
            f"set mattermost:release:version to {installed} (and sha256 and source, if you set these) and run again. Upgrade after that.",
        )
    if installed and numbers(wanted) < numbers(installed):
        return refusal(
            "downgrade",
            f"Mattermost {installed} is installed, and {wanted} is older. An older server cannot use the newer database.",
            f"set mattermost:release:version to {installed} or newer. To go back one upgrade: salt-run state.orchestrate mattermost.rollback.",
        )
    if settings["release"]["pinned"] and release_facts.is_newer_patch(settings["release"], installed):
        return note(
            "downgrade",
            f"An unattended patch installed Mattermost {installed}. It stays, because it is newer than mattermost:release:version ({settings['release']['version']}).",
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
            f"The default version of this bundle is now Mattermost {newer}, but the host keeps {facts['current']}.",
            f"to upgrade, set mattermost:release:version: {newer}.",
        )
    return ok("newer-default", "This bundle has no newer default version of Mattermost for this host.")


def newest(found: list[Finding]) -> list[Finding]:
    """Return what is known of newer releases as a run needs it: the run may be what mends it, so nothing refuses it. found: of ``releases.look``."""
    return [one._replace(level=WARNING) if one.level == REFUSAL else one for one in found]


def checksum(settings, facts, outside) -> Finding:
    release, wanted = settings["release"], effective(settings["release"], facts["current"])
    if not needs_archive(settings, facts):
        return ok("checksum", f"Mattermost {wanted} is installed, so nothing is downloaded.")
    if release["sha256"] == EMPTY_SHA256:
        return refusal(
            "checksum",
            "mattermost:release:sha256 is the checksum of an empty file, as after a failed download.",
            f"set the checksum that the vendor publishes for Mattermost {wanted}. If salt/mattermost/releases.yaml has that version, remove the setting.",
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
            "set mattermost:release:sha256 to the checksum that the vendor publishes, and compare it with: sha256sum FILE",
        )
    if not known:
        return note(
            "checksum",
            f"No SHA-256 is known for Mattermost {wanted} ({release['arch']}), so the run checks the vendor's signature "
            f"(key {release['key_fingerprint']}) instead.",
            f"to check its checksum instead, set mattermost:release:sha256 to the checksum of the {release_facts.EDITIONS[release['edition']]} archive.",
        )
    return ok("checksum", f"The SHA-256 of Mattermost {wanted} is known.")
