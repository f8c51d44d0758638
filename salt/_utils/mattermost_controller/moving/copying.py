"""The copying of a server from one host to another: ahead, and the rest while it is stopped."""

from __future__ import annotations

import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from mattermost_lines import lines_of

from mattermost_controller.moving import plan
from mattermost_controller.moving.transfer import LEASE_SECONDS, WORKDIR, Endpoint, Heartbeat, TransferError, pipe
from mattermost_controller.stages import backup

ATTEMPTS = 60  # times, 2 seconds apart
PRECOPY_ROUNDS = 3  # rounds of copying while the source serves and people send files


class Outcome(NamedTuple):
    """What was done, in words; the files copied; Salt's changes."""

    summary: str
    files: int = 0
    changes: dict | str = ""


def is_same(source: Endpoint, target: Endpoint) -> bool:
    """Say whether both are one machine: what is written on one is there on the other."""
    mark = f"{WORKDIR}/{secrets.token_hex(8)}"
    source.run(f": >{mark}")
    try:
        return target.run(f"[ ! -e {mark} ] || echo same").strip() == "same"
    finally:
        source.run(f"rm -f {mark}")


def clean_up(endpoints) -> None:
    """Take what was laid on the hosts away again, as far as they can be reached; it may hold a password."""
    for endpoint in endpoints:
        endpoint.run("tidy", 60, check=False)


def size_summary(facts: dict) -> str:
    """Return what there is to move, in words. facts: of the source."""
    size = backup.size
    return (
        f"The hosts meet all requirements. The run copies {plan.number(facts, 'posts')} messages, in a database of "
        f"{size(plan.number(facts, 'database_bytes'))}, and {size(plan.number(facts, 'stored') * 1024)} of files."
    )


def take_secrets(source: Endpoint, target: Endpoint, say) -> Outcome:
    """Give the target the source's secrets and certificates. say: never called."""
    target.run("target_begun")
    pipe(source, "give_secrets", target, "take_over")
    return Outcome(f"The secrets and certificates of {source.host.id} are on {target.host.id}.")


def precopy(source: Endpoint, target: Endpoint, say, in_place: bool = False) -> Outcome:
    """Copy all files while the source serves, prove their bytes, and rehearse the database's way. say: takes a line.

    in_place: there is no server on the target yet, and no database: the source's is only read.
    """
    started = time.monotonic()
    if in_place:
        source.run("$fits")
    source.run("roots")
    target.run('open_to_unpacker "$staging"' if in_place else "target_closed")
    count = size = 0
    for _ in range(PRECOPY_ROUNDS):
        sent = _files(source, target, say)
        count, size = count + len(sent.send), size + sent.bytes
        if not sent.send:
            break
    _compare_bytes(source, target, sorted(_listing(target, "in_staging")))
    say("testing the transfer of the database")
    begun = time.monotonic()
    if in_place:
        source.run("dump >/dev/null")
    else:
        pipe(source, "dump", target, "load")
        target.run("drop_new")
    seconds = time.monotonic() - begun
    size_text = backup.size(size)
    rehearsed = "database was read completely" if in_place else "transfer of the database was tested"
    return Outcome(
        f"{count} files ({size_text}) were copied in {time.monotonic() - started:.0f} s, without a downtime. The {rehearsed}. "
        f"The downtime will take at least {seconds:.1f} s.",
        count,
    )


def _listing(endpoint: Endpoint, where: str) -> dict:
    try:
        return plan.parse_listing(endpoint.run_with_input(f"listing {where}"))
    except ValueError:
        raise TransferError(
            f"{endpoint.host.id} listed its files in a way that this bundle does not. Check whether somebody else controls that host."
        ) from None


def _files(source: Endpoint, target: Endpoint, say) -> plan.Difference:
    if unreadable := source.run("unreadable").strip():
        raise TransferError(
            f"The server's account on {source.host.id} cannot read: {unreadable}. Change the owner of these files to that account (chown), or remove them."
        )
    files = _listing(source, "in_source")
    step = plan.difference(files, _listing(target, "in_staging"))
    # first: what comes may need the place, and nothing is written through a link that came before
    target.run_with_input("discard", b"\0".join([*step.discard, b""]))
    done = 0
    if step.bytes:
        say(f"copying {backup.size(step.bytes)}")
    for group in plan.batches(step.send, files):
        pipe(source, "send", target, "receive", b"\0".join(group) + b"\0")
        done += sum(files[name].size for name in group)
        say(f"{backup.size(done)} of {backup.size(step.bytes)} copied")
    return step


def _compare_bytes(source: Endpoint, target: Endpoint, names: list) -> None:
    """Raise TransferError when a file's bytes differ, and have the next run copy it again: by time and size it would be the same.

    Those that the source lacks meanwhile are no fault.
    """
    if not names:
        return
    name_list = b"\0".join(names) + b"\0"
    source_sums = _sums(source, "in_source", name_list)
    target_sums = _sums(target, "in_staging", name_list)
    wrong = sorted(name for name in source_sums if source_sums[name] != target_sums.get(name))
    if wrong:
        target.run_with_input("discard", b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in wrong))
        raise TransferError(
            f"{len(wrong)} files on {target.host.id} differed from those on {source.host.id}. The first was {wrong[0]}. "
            "Start the same command again: the new run copies these files again."
        )


def _sums(endpoint: Endpoint, where: str, name_list: bytes) -> dict:
    """Return the checksums by name, as sha256sum prints them: where a name is escaped, its line begins with a backslash."""
    answer = endpoint.run_with_input(f"sums {where} 2>/dev/null || :", name_list).decode("utf-8", "surrogateescape")
    found = {}
    for line in lines_of(answer):
        is_escaped, line = line.startswith("\\"), line.removeprefix("\\")
        name = line[66:]
        if is_escaped:
            name = re.sub(r"\\(.)", lambda sign: {"n": "\n", "r": "\r"}.get(sign[1], sign[1]), name)
        if name:
            found[name] = line[:64]
    return found


def cut_over(source: Endpoint, target: Endpoint, say, config=bytes, deploy=None) -> Outcome:
    """Stop the source, bring the rest, prove the target, leave the source. Raises TransferError, the source serving again.

    config: makes the target's config.json out of the source's. deploy: where both are one host, has the target's server there once
    the source's is aside.
    """
    is_placed = False
    if not deploy:
        target.run("target_closed")
    with Heartbeat(source):
        started = time.monotonic()
        try:
            source.run(f"hold_begin {LEASE_SECONDS}", 300)
            say("the server is stopped")
            if deploy:
                target.run(_while_held(source, "target_closed"))
                deploy()
                target.run(_while_held(source, "target_closed"))
            sent = _files(source, target, say)
            if sent.send and plan.difference(_listing(source, "in_source"), _listing(target, "in_staging")).send:
                raise TransferError(
                    f"After the last copy, the files still differ from the originals on {source.host.id}. If another program writes there, stop that program."
                )
            _compare_bytes(source, target, sent.send)
            with ThreadPoolExecutor(1) as pool:  # the source counts while it gives
                counting = pool.submit(source.run, 'census "$database"')
                pipe(source, "dump", target, "load")
                census = counting.result()
            difference = plan.differences(census, target.run('census "$new"'))
            if difference:
                raise TransferError(
                    f"In the copied database, {difference} If another program writes to the database on {source.host.id}, stop that program."
                )
            settings = config(source.run_with_input("give_config"))
            is_placed = True
            target.run_with_input("place", settings)
            say("starting the server with what was copied" if deploy else "starting the server on its new host")
            target.run("prove", 600)
            _decommission(source)
        except UnknownState:
            raise
        except TransferError as err:
            raise TransferError(_give_back(source, target, is_placed, str(err), bool(deploy))) from err
    if deploy:  # once more: where people reach it
        try:
            target.run("prove", 600)
        except TransferError as err:
            raise TransferError(
                f"The server was healthy on its temporary port, but is not on its final port: {err} To go back to the previous "
                f"server, which is complete, run on {target.host.id}: mattermost-aside back overwrite"
            ) from err
    kept = target.run("open_site").strip()
    seconds = time.monotonic() - started
    counts = {table: plan.row_count(census, table) for table in ("users", "channels", "posts", "fileinfo")}
    return Outcome(
        f"The server did not answer for {seconds:.1f} s; {len(sent.send)} files were copied in that time.\nThe same on both sides: "
        f"{counts['users']} users, {counts['channels']} channels, {counts['posts']} messages, {counts['fileinfo']} attachments.\n{kept}".rstrip(),
        changes={"seconds": round(seconds, 1), **counts},
    )


class UnknownState(TransferError):
    """The source does not say whether it was left for good: nothing may be opened or undone."""


def _decommission(source: Endpoint) -> None:
    """Leave the source for good. Raises TransferError when it serves again, UnknownState when it does not answer."""
    try:
        source.run("commit", 120)
        return
    except TransferError as err:
        why = err
    for _ in range(ATTEMPTS):
        answer = source.run("is_left", 30, check=False).strip()
        if answer == "left":
            return
        if answer == "serves":
            raise why
        time.sleep(2)
    raise UnknownState(
        f"{source.host.id} does not answer ({str(why).rstrip('.')}), and may still run the server. So the new host stays in "
        f"maintenance mode. Start the same command again when {source.host.id} answers. The new run does the rest."
    )


def _give_back(source: Endpoint, target: Endpoint, placed: bool, why: str, in_place: bool = False) -> str:
    """Have the source serve again and the target as before; return what to tell."""
    messages = [why]
    # In place first, for the target's server has the name that the source's gets back; not when that has it already.
    if in_place:
        _clean_target(target, _while_held(source, "unplace" if placed else "drop_new"), messages)
    try:
        source.run("give_back", 300)
        messages.append(f"{source.host.id} serves again, with all its data, unless its server was stopped before.")
    except TransferError as err:
        messages.append(
            f"{source.host.id} did not confirm that its server runs again ({str(err).rstrip('.')}). Check the server there: if the connection is lost, that host starts the server by itself {LEASE_SECONDS} s after the last contact."
        )
    if not in_place:
        _clean_target(target, "unplace" if placed else "drop_new", messages)
    return " ".join(messages)


def _while_held(source: Endpoint, command: str) -> str:
    """Return a command for the target on the source's own host, whose server may have its name again otherwise."""
    return f"( own={source.workdir}; is_held ) || fail 'The previous server already serves again.'; {command}"


def _clean_target(target: Endpoint, command: str, lines: list) -> None:
    try:
        target.run(command, 300)
        lines.append(
            f"The files that were copied stay on {target.host.id}. Correct the cause and start the same command again: the new run copies only the files that are still missing."
        )
    except TransferError as err:
        lines.append(
            f"{target.host.id} could not be cleaned up ({str(err).rstrip('.')}). The next run of this command cleans up that host."
        )


def open_target(target: Endpoint) -> Outcome:
    """Open the target of a run that was cut short after its source was left for good."""
    target.run("prove", 600)
    kept = target.run("open_site")
    return Outcome(f"The server serves on its new host. {kept}".strip(), changes="opened")
