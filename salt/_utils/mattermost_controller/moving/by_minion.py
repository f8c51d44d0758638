"""The steps of a move between two minions: the target leads them, and nothing of what it copies comes by this controller.

For each step the target makes a key, and the source opens one port for that key and that address (move-door.sh). A source that is no
minion is one that the target can log in to by ssh.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
import secrets
import shlex
import threading
import time

import mattermost_progress
import mattermost_subprocess
from mattermost_lines import lines_of

from mattermost_controller.hosts import beyond, bounded, minion, scripts
from mattermost_controller.moving import copying, leading, transfer

SCRIPT = "mattermost/scripts/move-door.sh"
PORTS = range(20000, 32000)  # below those that a system takes for its own connections
DOOR_SECONDS = 180  # seconds after the target's last sign of life
PROGRESS_SECONDS = 5  # between two looks at what the target says
DECIDED_SECONDS = 2 * transfer.LEASE_SECONDS + 60  # until a source that hears nobody has taken itself back
MOST = 20_000  # characters of what a step tells
KEY = re.compile(r"ecdsa-sha2-nistp256 [A-Za-z0-9+/=]+")


def step(
    name: str, source: transfer.Endpoint, target: transfer.Endpoint, say, roots: list[str], apply=None, **more
) -> copying.Outcome:
    """Have the target take a step of `leading.STEPS`. Raises TransferError.

    say: takes a line. roots: folders of the tree. more: further arguments of that step. apply: one of them, a function; a minion gets what
    it does as ``states``.
    """
    if not isinstance(target.host, minion.Minion):
        more = {**more, "apply": apply} if apply else more
        return leading.STEPS[name](source, target, say, **more)
    if isinstance(source.host, beyond.Beyond):
        door = contextlib.nullcontext({"ssh": source.host.id})
    else:
        door = contextlib.nullcontext({}) if source.host is target.host else _door(source, target.host, roots)
    try:
        letter, _ = target.host.letter(json.dumps(more).encode())
        with door as way, _progress(target.host, say):
            answer = target.host.job("mattermost_moving.lead", [name, source.host.id, target.host.id, way, letter])
        return _outcome(target.host.id, answer)
    except minion.NoAnswer as err:
        why = " ".join(lines_of(str(err)))
        is_decisive = name in ("cut_over", "bring")
        raise _undecided(source, target, why) if is_decisive else transfer.TransferError(why) from None


def _outcome(target_id: str, answer) -> copying.Outcome:
    """Return what the target answered. Raises TransferError for a step that failed, NoAnswer for what is no answer of one."""
    try:
        if "done" in answer:
            done = copying.Outcome(**answer["done"])
            kinds = isinstance(done.summary, str), type(done.files) is int, isinstance(done.changes, (dict, str))
            if not all(kinds) or len(repr(done)) > MOST:
                raise TypeError
            return done
        fault = copying.UnknownState if answer["unknown"] is True else transfer.TransferError
        raise fault(" ".join(str(answer["failed"])[:2000].split()))
    except bounded.ODD:
        raise minion.NoAnswer(
            f"The minion {target_id} could not run this step. On that host, see: journalctl -u salt-minion. Its answer: {str(answer)[-300:].rstrip('.')}."
        ) from None


def _undecided(source: transfer.Endpoint, target: transfer.Endpoint, why: str) -> transfer.TransferError:
    """Return what to tell when the target does not answer: the source says whether it was left, or serves again by itself."""
    deadline = time.monotonic() + DECIDED_SECONDS
    is_reached = not isinstance(source.host, beyond.Beyond)  # there the way to it is the silent target
    while is_reached and (said := source.run("is_left", 60, check=False).strip()) != "left":
        if said == "serves":
            return transfer.TransferError(
                f"{why} {source.host.id} serves again, with all its data, unless its server was stopped before."
            )
        if time.monotonic() > deadline:
            break
        time.sleep(2)
    return copying.UnknownState(
        f"{why} The server on {source.host.id} may already be stopped for good. When {target.host.id} answers, start the same command again."
    )


@contextlib.contextmanager
def _door(source: transfer.Endpoint, target: minion.Minion, roots: list[str]):
    """While this is entered, the target can log in to the source for what a move asks. Yields how. Raises TransferError."""
    address, client = route(source.host, target)
    values = {
        "library": f"{source.workdir}/library",
        "address": address,
        "client": client,
        "port": secrets.choice(PORTS),
        "lease": DOOR_SECONDS,
        "hold_lease": transfer.LEASE_SECONDS,
    }
    public = _key(target, scripts.build(roots, (scripts.TOOLS, SCRIPT), {}) + "key_made\n")
    script = scripts.build(roots, (scripts.TOOLS, SCRIPT), {**values, "public": public})
    try:
        host_key = _key(source.host, script + "door_opened\n")
        yield {"address": address, "port": values["port"], "host_key": host_key}
    finally:
        source.host.run(script + "door_shut\n")
        target.run(script + "key_removed\n")


def _key(host, script: str) -> str:
    done = host.run(script, 120)
    found = done.out.strip()
    if done.rc or not KEY.fullmatch(found):
        said = " ".join((done.err or done.out or "no key").split())[-500:].rstrip(".")
        raise transfer.TransferError(f"{host.id}: {said}.")
    return found


def route(source: minion.Minion, target: minion.Minion) -> tuple[str, str]:
    """Return the source's address that the target reaches best, and the target's own on that way. Raises TransferError."""
    known = source.addresses()
    asked = "".join(f"ip -o route get {shlex.quote(address)}\n" for address in known)
    found = [way for way in routes(target.run(asked).out) if way[0] in known]
    if not found:
        raise transfer.TransferError(
            f"{target.id} has no route to an address of {source.id}. Connect the networks of both hosts."
        )
    return found[0]


def routes(text: str) -> list[tuple[str, str]]:
    """Return address and own address of each line of ``ip route get``, those of a common network first; none for an address of its own."""
    found = re.findall(r"^([\da-f.:]+)(?: from \S+)?( via \S+)? dev .*?src ([\da-f.:]+)", text, re.MULTILINE)
    return [(address, own) for address, _, own in sorted(found, key=lambda each: bool(each[1]))]


def address(host) -> str:
    """Return where this controller reaches a host's site before its name leads there. Raises NoAnswer."""
    if not isinstance(host, minion.Minion):
        return host.address
    if (login := host.connect()).rc:
        raise minion.NoAnswer(login.err)
    known = host.addresses()
    asked = [["ip", "-o", "route", "get", each] for each in known]
    with contextlib.suppress(OSError):
        said = "".join(mattermost_subprocess.run(each).stdout for each in asked)
        known = [each for each, _ in routes(said)] or known
    if not known:
        raise minion.NoAnswer(
            f"The minion {host.id} reports no address in its grains.\nSee on the master: salt {host.id} grains.item ipv4 ipv6"
        )
    return known[0]


@contextlib.contextmanager
def _progress(host: minion.Minion, say):
    """While this is entered, tell what the target says of its step."""
    ended = threading.Event()
    host = copy.copy(host)  # a look that gets no answer says nothing of the step's own job

    def tell():
        seen = 0
        while seen < mattermost_progress.MOST_LINES and not ended.wait(PROGRESS_SECONDS):
            lines = lines_of(host.run(f"tail -n +{seen + 1} {leading.PROGRESS} 2>/dev/null | head -n 100").out)
            for line in lines[:100]:  # all that was asked for
                say(line[:200])
            seen += len(lines)

    threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
