"""What a move of a server from one host to another asks and decides. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from mattermost_plural import plural
from mattermost_release_facts import EDITIONS

from mattermost_controller.given import asked
from mattermost_controller.hosts import bounded

SHOWN = 100  # characters of a name or a value that differs
SPARE_KIB = 256 * 1024  # left free beside what is copied


class File(NamedTuple):
    """One stored file: its length in bytes and its time of change as the source wrote it."""

    size: int
    changed: str


class Difference(NamedTuple):
    """What makes the target's files the source's: names to send, in order, names to discard, and how many bytes."""

    send: list
    discard: list
    bytes: int


def check_hosts(branch: str, pillar: dict, example: str) -> None:
    """Raise ValueError when ``from`` or ``to`` of the pillar's *branch* is no roster ID; *example*: how to write both."""
    for key in ("from", "to"):
        given = pillar.get(key)
        if not isinstance(given, str) or not re.fullmatch(r"[\w.@:-]+", given):
            wrong = "is missing" if given is None else f"is {given!r}, which is not the roster ID of a host"
            raise ValueError(f"{branch}:{key} {wrong}. Write it like this, with your own roster IDs: {example}")


def parse_request(pillar) -> dict:
    """Return ``{"from", "to", "overwrite", "ssh"}`` of the command's pillar ``move``. Raises ValueError, one sentence.

    pillar: ``{"from": ID, "to": ID}``, with ``overwrite`` and ``ssh`` (default False).
    """
    example = """pillar='{"move": {"from": "old.example.com", "to": "new.example.com"}}'"""
    if not isinstance(pillar, dict) or not pillar:
        raise ValueError(
            f"The command names no host in its pillar. A move needs two hosts. Write them like this, with your own roster IDs: {example}"
        )
    asked.check("move", pillar)
    check_hosts("move", pillar, example)
    if pillar["from"] == pillar["to"]:
        raise ValueError(f"move:from and move:to are both {pillar['from']}. A move needs two different hosts.")
    request = {"overwrite": False, "ssh": False, **pillar}
    for key in ("overwrite", "ssh"):
        if request[key] not in (True, False):
            raise ValueError(f"move:{key} is {request[key]!r}, but must be true or false.")
    return request


def parse_facts(text: str) -> dict:
    """Return the ``key=value`` lines of a look at a host."""
    return dict(line.split("=", 1) for line in text.split("\n") if "=" in line)


def number(facts: dict, key: str) -> int:
    """Return a fact as a number, 0 where there is none."""
    return _count(facts.get(key) or "")


def _count(text: str) -> int:
    """Return a number of what a host counted, 0 for what is none, or more than any host has."""
    return bounded.whole(text) or 0


def incompatibilities(request: dict, source: dict, target: dict, settings: tuple, is_same: bool) -> list[str]:
    """Return one sentence for each reason why the move cannot be, with what to do.

    request: of `parse_request`. source, target: of `parse_facts`, the source's with its ``edition``. settings: the merged settings of
    both hosts. is_same: both are one machine.
    """
    source_id, target_id = request["from"], request["to"]
    source_settings, target_settings = settings
    reasons = []
    if is_same:
        return [f"{source_id} and {target_id} are the same machine. Set move:to to another host."]
    if resumes(request, source, target):
        return []
    if not source.get("version"):
        reasons.append(
            f"{source_id} has no server of this bundle. Correct move:from. To take over a server of a different installation, use mattermost.import."
        )
    elif source.get("moved"):
        reasons.append(
            f"The server of {source_id} was already moved to {source['moved']}. Set move:from to {source['moved']}. To take "
            f"the server back to {source_id} as it was before that move, run on {source_id}: sh "
            f"{source_settings['paths']['work']}/take-back"
        )
    elif source.get("active") != "active":
        reasons.append(
            f"The server on {source_id} does not run (state: {source.get('active') or 'unknown'}). Start that server, then start the move again. If it cannot start, restore its newest backup on {target_id} instead (docs/restore.md)."
        )
    for host, facts in ((source_id, source), (target_id, target)):
        if facts.get("busy"):
            reasons.append(
                f"{facts['busy']} is running on {host}, or was interrupted. The host completes an interrupted operation, or rolls it back, by itself. Start the move again when that operation has ended."
            )
    if source_settings["paths"] != target_settings["paths"]:
        reasons.append(
            f"{target_id} and {source_id} have different mattermost:paths. Set for {target_id} the same paths as for {source_id}."
        )
    reasons += _edition(source_id, target_id, source, *settings)
    reasons += closed(source_id, source)
    reasons += _postgresql(source_id, target_id, source, target, target_settings)
    reasons += newer_messages(request, source, target)
    reasons += mounts(target_id, target, target_settings)
    reasons += disk_space(target_id, source, target)
    return reasons


def resumes(request: dict, source: dict, target: dict) -> bool:
    """Say whether an earlier run already left the source for good and only the target's opening remains."""
    return source.get("moved") == request["to"] and bool(target.get("placed"))


def _edition(source_id: str, target_id: str, source: dict, source_settings: dict, target_settings: dict) -> list[str]:
    """Return why the target would get another edition than the source has, or none of its license: a move changes neither."""
    there, wanted = source.get("edition") or "team", target_settings["release"]["edition"]
    if there != wanted:
        return [
            f"{source_id} has the {EDITIONS[there]}, and the settings of {target_id} set the {EDITIONS[wanted]}. Set "
            f"mattermost:release:edition: {there} for {target_id}. To change the edition, upgrade before or after the move (docs/editions.md)."
        ]
    if (
        there == "enterprise"
        and _has_license(source_settings["server"])
        and not _has_license(target_settings["server"])
    ):
        return [
            f"{source_id} has a license, and the settings of {target_id} have none. Without a license, all but "
            f"the newest 10,000 messages are hidden. Set mattermost:server:license for {target_id}."
        ]
    return []


def _has_license(server: dict) -> bool:
    return bool(server["license"]) or "MM_LICENSE" in server["environment"]


def _postgresql(source_id: str, target_id: str, source: dict, target: dict, settings: dict) -> list[str]:
    source_major = number(source, "postgresql") // 10000
    target_major = number(target, "postgresql") // 10000 or int(settings["platform"]["postgresql"]["version"])
    if not source_major:
        return [f"PostgreSQL on {source_id} does not answer. See on that host: systemctl status 'postgresql*'"]
    if target_major < source_major:
        return [
            f"{source_id} has PostgreSQL {source_major} and {target_id} has PostgreSQL {target_major}. A database cannot move to an older PostgreSQL. Use a target with PostgreSQL {source_major} or newer (docs/postgresql.md)."
        ]
    return []


def closed(host: str, facts: dict) -> list[str]:
    """Return why the messages on a host cannot be counted, if they cannot. facts: of `parse_facts`."""
    account = facts.get("closed_to")
    if not account:
        return []
    return [
        f"{account} cannot log in to the database on {host}, because an older version of this bundle deployed that "
        "host. Run salt-run state.orchestrate mattermost.ssl (or .non-ssl) for that host, then start the same command again."
    ]


def newer_messages(request: dict, source: dict, target: dict, key: str = "move") -> list[str]:
    """Return why the target's own messages are in the way, if they are. key: key of the pillar that *request* came by."""
    if reasons := closed(request["to"], target):
        return reasons
    posts = number(target, "posts")
    if not posts or request["overwrite"]:
        return []
    target_id = request["to"]
    is_ours = bool(target.get("moved") or target.get("target_of"))
    if is_ours and number(target, "newest") <= number(source, "newest"):
        return []  # what an earlier move left there, or brought there
    is_newer = number(target, "newest") > number(source, "newest")
    what = f", some newer than the newest on {request['from']}" if is_newer else " of another server"
    return [
        f"{target_id} has {posts} messages{what}. This run would replace the data of {target_id}, so the site would lose these messages. "
        f'To replace the data anyway, add "overwrite": true to "{key}" in the pillar of the command. The replaced data is then kept on {target_id}.'
    ]


def mounts(target_id: str, target: dict, settings: dict) -> list[str]:
    """Return which of the folders that new ones are to take the place of cannot be renamed on the target. settings: its own."""
    state = settings["paths"]["state"]
    fixed = [f"{target_id}: {target['fixed']}"] if target.get("fixed") else []
    return fixed + [
        f"{folder} is a mount point on {target_id}, so this run cannot replace that folder. Mount that disk at {state} "
        f"instead of at {folder}: first copy all of {state} to another disk, then mount, then copy back."
        for folder in target.get("mounted", "").split()
    ]


def disk_space(target_id: str, source: dict, target: dict) -> list[str]:
    """Return what does not fit on the target's disks."""
    files = max(number(source, "stored") - number(target, "copied"), 0) + SPARE_KIB
    database = number(source, "database_bytes") // 1024 * 5 // 4 + SPARE_KIB
    if target.get("same_disk") == "yes":
        files, database = files + database, files + database
    reasons = []
    if number(target, "free") < files:
        reasons.append(
            f"The files{' and the database' if target.get('same_disk') == 'yes' else ''} need {files // 1024} MiB on {target_id}, and the disk with mattermost:paths:state has only {number(target, 'free') // 1024} MiB free. Free some space on that disk."
        )
    if number(target, "database_free") < database and target.get("same_disk") != "yes":
        reasons.append(
            f"The database needs {database // 1024} MiB on {target_id}, and PostgreSQL's disk has only {number(target, 'database_free') // 1024} MiB free. Free some space on that disk."
        )
    return reasons


def target_settings(source_settings: dict, version: str, address: str) -> dict:
    """Return the settings that make the target the source's server: its name, its version, seen at its own address."""
    release = {"version": version}
    if source_settings["release"]["version"] != version:
        release["sha256"] = ""  # the setting's is another version's; the table of releases may know this one's
    return {"name": source_settings["name"], "release": release, "verify": {"address": address}}


def parse_listing(data: bytes) -> dict[bytes, File]:
    """Return the files of a listing (``SIZE CHANGED NAME``, ended by NUL), by name. Raises ValueError for anything else."""
    files = {}
    for line in data.split(b"\0"):
        if line:
            size, changed, name = line.split(b" ", 2)
            length = bounded.whole(size.decode())
            if length is None:
                raise ValueError("the size of a file is no number")
            files[name] = File(length, changed.decode())
    return files


def difference(source: dict, target: dict) -> Difference:
    """Return what makes the files *target* the files *source*. A file of the same length and time is the same."""
    send = sorted(name for name, file in source.items() if not _same(target.get(name), file))
    return Difference(send, sorted(set(target) - set(source)), sum(source[name].size for name in send))


def _same(copy, file: File) -> bool:
    # tar keeps whole seconds
    return copy is not None and copy.size == file.size and copy.changed.split(".")[0] == file.changed.split(".")[0]


def batches(names: list, files: dict, limit: int = 256 * 1024 * 1024):
    """Yield *names* in groups of about *limit* bytes, so that there is something to say in between."""
    group, size = [], 0
    for name in names:
        group.append(name)
        size += files[name].size + 512
        if size >= limit:
            yield group
            group, size = [], 0
    if group:
        yield group


def differences(source: str, target: str) -> str:
    """Return what differs between two lists of lines (a census, checksums) in a sentence, "" when nothing does."""
    of_source, of_target = _lines(source), _lines(target)
    wrong = sorted(set(of_source.items()) ^ set(of_target.items()))
    if not wrong:
        return ""
    names = sorted({name for name, _ in wrong})
    there, here = (found.get(names[0], "missing")[:SHOWN] for found in (of_source, of_target))
    return f"{plural(len(names), 'table')} {'differ' if len(names) > 1 else 'differs'}. The first is {names[0][:SHOWN]} (rows and checksum): {there} on the source, {here} on the target."


def _lines(text: str) -> dict:
    values = {}
    for line in text.split("\n"):
        if line.strip():
            first, _, rest = line.partition(" ")
            # a checksum stands before the name, a table's name before its counts
            values[rest if len(first) == 64 else first] = first if len(first) == 64 else rest
    return values


def row_count(census: str, table: str) -> int:
    """Return the rows of one table in a census, 0 where it is not there."""
    found = (line.split(" ") for line in census.split("\n"))
    return next((_count(words[1]) for words in found if words[0] == table and words[1:2]), 0)


def next_steps(request: dict, settings: dict, address: str, site: str) -> list[str]:
    """Return what the operator has to do now, a sentence each. settings: the source's. address: the target's. site: ``ssl`` or ``non-ssl``."""
    name, source_id, target_id, work = settings["name"], request["from"], request["to"], settings["paths"]["work"]
    return [
        f"Now change the DNS record of {name} to {target_id} ({address}).",
        f"Set in pillar/mattermost.sls: mattermost:hosts: [{target_id}] and mattermost:name: {name}.",
        f"Then run: salt-run state.orchestrate mattermost.{site}",
        f"The server on {source_id} is stopped and complete, and a reboot does not start it. To go back and keep new messages, move the server from {target_id} to {source_id}.",
        f"To go back without new messages, run on {target_id}: systemctl disable --now mattermost; systemctl disable --now mattermost-backup.timer",
        f"Then run on {source_id}: sh {work}/take-back (and change the DNS record and mattermost:hosts back to {source_id})",
    ]
