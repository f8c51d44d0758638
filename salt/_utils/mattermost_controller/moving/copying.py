"""The copying of a server from one host to another: ahead, and the rest while it is stopped."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from mattermost_controller.moving import plan as core
from mattermost_controller.moving.transfer import LEASE, OWN, End, Heart, WireError, pour
from mattermost_controller.stages import backup

ASKED = 60  # times, 2 seconds apart
SPENT = 3  # rounds of copying while the source serves and people send files


class Done(NamedTuple):
    """What was done, in words; the files copied; Salt's changes."""

    said: str
    files: int = 0
    changes: dict | str = ""


def is_same(source: End, target: End) -> bool:
    """Say whether both are one machine: what is written on one is there on the other."""
    mark = f"{OWN}/{secrets.token_hex(8)}"
    source.do(f": >{mark}")
    try:
        return target.do(f"[ ! -e {mark} ] || echo same").strip() == "same"
    finally:
        source.do(f"rm -f {mark}")


def tidied(ends) -> None:
    """Take what was laid on the hosts away again, as far as they can be reached; it may hold a password."""
    for end in ends:
        end.do("tidy", 60, check=False)


def said_ahead(look: dict) -> str:
    """Return what there is to move, in words. look: of the source."""
    size = backup.size
    return (
        f"They do: {core.number(look, 'posts')} messages, a database of {size(core.number(look, 'database_bytes'))}, "
        f"{size(core.number(look, 'stored') * 1024)} of files."
    )


def ahead(source: End, target: End, say, in_place: bool = False) -> Done:
    """Copy all files while the source serves, prove their bytes, and rehearse the database's way. say: takes a line.

    in_place: there is no server on the target yet, and no database: the source's is only read.
    """
    started = time.monotonic()
    if in_place:
        source.do("$fits")
    source.do("roots")
    target.do('mkdir -p "$staging"' if in_place else "target_closed")
    count = size = 0
    for _ in range(SPENT):
        sent = _files(source, target, say)
        count, size = count + len(sent.send), size + sent.bytes
        if not sent.send:
            break
    _compare_bytes(source, target, sorted(_listing(target, '"$staging"')))
    say("rehearsing the database's way")
    begun = time.monotonic()
    if in_place:
        source.do("dump >/dev/null")
    else:
        pour(source, "dump", target, "load")
        target.do("drop_new")
    seconds = time.monotonic() - begun
    words = backup.size(size)
    rehearsed = "database was read whole" if in_place else "database's way was rehearsed"
    return Done(
        f"{count} files ({words}) were copied while the server went on, in {time.monotonic() - started:.0f} s; the "
        f"{rehearsed}: it takes {seconds:.1f} s of the pause.",
        count,
    )


def _listing(end: End, directory: str) -> dict:
    return core.listing(end.feed(f"listing {directory}"))


def _files(source: End, target: End, say) -> core.Step:
    files = _listing(source, f"{OWN}/roots")
    step = core.step(files, _listing(target, '"$staging"'))
    done = 0
    for group in core.batches(step.send, files):
        pour(source, "send", target, "receive", b"\0".join(group) + b"\0")
        done += sum(files[name].size for name in group)
        say(f"{backup.size(done)} of {backup.size(step.bytes)} copied")
    if step.discard:
        target.feed("discard", b"\0".join(step.discard) + b"\0")
    return step


def _compare_bytes(source: End, target: End, names: list) -> None:
    """Raise WireError when a file's bytes differ. Those that the source lacks meanwhile are no fault."""
    if not names:
        return
    feed = b"\0".join(names) + b"\0"
    ours = _sums(source, f"{OWN}/roots", feed)
    theirs = _sums(target, '"$staging"', feed)
    wrong = sorted(name for name in ours if ours[name] != theirs.get(name))
    if wrong:
        raise WireError(
            f"{len(wrong)} files have other bytes on the target than on the source, the first of them {wrong[0]}."
        )


def _sums(end: End, directory: str, feed: bytes) -> dict:
    lines = end.feed(f"sums {directory} 2>/dev/null || :", feed).decode("utf-8", "surrogateescape").splitlines()
    return {line[66:]: line[:64].lstrip("\\") for line in lines if len(line) > 66}


def switch(source: End, target: End, say, config=bytes, deploy=None) -> Done:
    """Stop the source, bring the rest, prove the target, leave the source. Raises WireError, the source serving again.

    config: makes the target's config.json out of the source's. deploy: where both are one host, has the target's server there once
    the source's is aside.
    """
    place = False
    if not deploy:
        target.do("target_closed")
    with Heart(source):
        started = time.monotonic()
        try:
            source.do(f"hold_begin {LEASE}", 300)
            say("the server is stopped")
            if deploy:
                target.do(_while_held(source, "target_closed"))
                deploy()
                target.do(_while_held(source, "target_closed"))
            sent = _files(source, target, say)
            if sent.send and core.step(_listing(source, f"{OWN}/roots"), _listing(target, '"$staging"')).send:
                raise WireError("The files on the target are not those of the source after the last copy.")
            _compare_bytes(source, target, sent.send)
            with ThreadPoolExecutor(1) as pool:  # the source counts while it gives
                counting = pool.submit(source.do, 'census "$database"')
                pour(source, "dump", target, "load")
                ours = counting.result()
            difference = core.differing(ours, target.do('census "$new"'))
            if difference:
                raise WireError(f"The database on the target is not that of the source: of its tables {difference}")
            settings = config(source.feed("give_config"))
            place = True
            target.feed("place", settings)
            say("starting the server with what was copied" if deploy else "starting the server on its new host")
            target.do("prove", 600)
            _leave(source)
        except Unknown:
            raise
        except WireError as err:
            raise WireError(_given_back(source, target, place, str(err), bool(deploy))) from err
    if deploy:  # once more: where people reach it
        try:
            target.do("prove", 600)
        except WireError as err:
            raise WireError(
                f"The server was proved, and is not well where people reach it: {err} The one of before is aside, whole: "
                f"mattermost-aside back overwrite, on {target.host.id}."
            ) from err
    target.do("open_site")
    seconds = time.monotonic() - started
    counts = {table: core.rows(ours, table) for table in ("users", "channels", "posts", "fileinfo")}
    return Done(
        f"The server was without answer for {seconds:.1f} s. Moved and compared by checksum: {counts['users']} users, "
        f"{counts['channels']} channels, {counts['posts']} messages, {counts['fileinfo']} attachments; "
        f"{len(sent.send)} files came while it was stopped.",
        changes={"seconds": round(seconds, 1), **counts},
    )


class Unknown(WireError):
    """The source does not say whether it was left for good: nothing may be opened or undone."""


def _leave(source: End) -> None:
    """Leave the source for good. Raises WireError when it serves again, Unknown when it does not answer."""
    try:
        source.do("commit", 120)
        return
    except WireError as err:
        why = err
    for _ in range(ASKED):
        answer = source.do("is_left", 30, check=False).strip()
        if answer == "left":
            return
        if answer == "serves":
            raise why
        time.sleep(2)
    raise Unknown(
        f"{source.host.id} does not answer, so nobody knows whether it was left for good ({why}). The other host is ready "
        "and stays closed. Start again when it answers: the run goes on from there."
    )


def _given_back(source: End, target: End, placed: bool, why: str, in_place: bool = False) -> str:
    """Have the source serve again and the target as before; return what to tell."""
    said = [why]
    # In place first, for the target's server has the name that the source's gets back; not when that has it already.
    if in_place:
        _tidied(target, _while_held(source, "unplace" if placed else "drop_new"), said)
    try:
        source.do("give_back", 300)
        said.append(f"{source.host.id} serves again, whole.")
    except WireError as err:
        said.append(f"{source.host.id} takes itself back within {LEASE} s of its last sign of life from here ({err}).")
    if not in_place:
        _tidied(target, "unplace" if placed else "drop_new", said)
    return " ".join(said)


def _while_held(source: End, command: str) -> str:
    """Return a command for the target on the source's own host, whose server may have its name again otherwise."""
    return f"( own={source.own}; is_held ) || fail 'The server of before serves again already.'; {command}"


def _tidied(target: End, command: str, said: list) -> None:
    try:
        target.do(command, 300)
        said.append(f"What was copied stays on {target.host.id}: correct the cause and start again.")
    except WireError as err:
        said.append(f"{target.host.id} could not be tidied ({err}); the next run does it.")


def opened(target: End) -> Done:
    """Open the target of a run that was cut short after its source was left for good."""
    target.do("prove", 600)
    target.do("open_site")
    return Done("The server serves on its new host.", changes="opened")
