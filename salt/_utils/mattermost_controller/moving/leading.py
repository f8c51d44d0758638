"""What the target of a move by minions does there itself: it leads the copying, and reaches the source by a key made for this run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time

from mattermost_controller.hosts import bounded, checkout_lock, login, roster
from mattermost_controller.importing import bringing
from mattermost_controller.moving import copying, transfer
from mattermost_controller.stages import stage as stages

DOOR = "/run/mattermost-move-door"  # `door` of move-door.sh
CONNECT_SECONDS = 30
PROGRESS = f"{transfer.WORKDIR}/progress"
STEPS = {
    "take_secrets": copying.take_secrets,
    "precopy": copying.precopy,
    "cut_over": copying.cut_over,
    "bring": bringing.bring,
}
ALIAS = "mattermost-move"  # in place of an address in the file of known hosts


class Here:
    """This host, as `transfer.Endpoint` needs one. host_id: what messages call it."""

    def __init__(self, host_id: str):
        self.id = host_id

    def run(self, script: str, timeout: float = 60, is_private: bool = False) -> roster.Result:
        """Run a POSIX sh *script*, which may hold secrets. timeout: seconds."""
        return login.ran(["/bin/sh", "-s"], script.encode(), timeout)

    def exchange(self, script: str, data: bytes, timeout: float, limit: int) -> subprocess.CompletedProcess:
        """Run a POSIX sh *script*, which holds none, with *data* on its standard input."""
        return bounded.run(self.stream(script)[0], data, timeout, limit)

    def stream(self, script: str) -> tuple[list[str], bytes]:
        """Return the command that runs a POSIX sh *script*, and the bytes to write to it first."""
        return ["/bin/sh", "-c", script], b""


class Away:
    """The source, behind the door that it opened for this host: it takes the words that move-door.sh lists.

    host_id: what messages call it. way: ``address``, ``port``, ``host_key``. door: the folder with this host's key.
    """

    def __init__(self, host_id: str, way: dict, door: str = DOOR):
        self.id, self._way, self._door = host_id, way, door
        with open(f"{door}/known_hosts", "w", encoding="utf-8") as file:
            file.write(f"{ALIAS} {way['host_key']}\n")

    def run(self, words: str, timeout: float = 60, is_private: bool = False) -> roster.Result:
        """Have the source run *words*. timeout: seconds."""
        return login.ran(*self.stream(words), timeout)

    def exchange(self, words: str, data: bytes, timeout: float, limit: int) -> subprocess.CompletedProcess:
        """Have the source run *words* with *data* on its standard input."""
        return bounded.run(self.stream(words)[0], data, timeout, limit)

    def stream(self, words: str) -> tuple[list[str], bytes]:
        """Return the command that has the source run *words*, and the bytes to write to it first.

        The first, ``stay``, has the connection that the others use.
        """
        door, is_first = self._door, words == "stay"
        options = {
            "IdentityFile": f"{door}/key",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": f"{door}/known_hosts",
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "HostKeyAlias": ALIAS,
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "ServerAliveInterval": "15",
            "ServerAliveCountMax": "4",
            "ControlPath": f"{door}/connection",
            "ControlMaster": "yes" if is_first else "no",
        }
        place = ["-p", str(self._way["port"]), f"root@{self._way['address']}"]
        return ["ssh", "-F", "/dev/null", "-T", *login.flags(options), *place, words], b""


class Words(transfer.Endpoint):
    """An endpoint behind a door: what it is told is no script, and its library is already there."""

    def __init__(self, host):
        self.host, self.workdir = host, transfer.WORKDIR

    def script(self, command: str) -> str:
        return command


class Prepared(transfer.Endpoint):
    """An endpoint on this host, whose library is already there."""

    def __init__(self, host, workdir: str = transfer.WORKDIR):
        self.host, self.workdir = host, workdir


def lead(step: str, source_id: str, target_id: str, way: dict, more: dict, salt: dict) -> dict:
    """Take a *step* of a move here; return ``{"done": Outcome's fields}``, or ``{"failed": a sentence, "unknown": whether of an UnknownState}``.

    step: of STEPS. way: of the source's door, see `Away`; ``{"ssh": name}`` of a source that this host logs in to (`hosts.login`); empty
    when the source is this host too. more: further arguments of the step, and
    ``states``, which it applies in between, see `_applied`. salt: Salt's functions of this minion.
    """
    states = more.pop("states", None)
    if states:
        more["apply"] = lambda: _applied(salt, target_id, **states)
    try:
        with _alone(target_id), _source(source_id, target_id, way) as (source, target):
            return {"done": STEPS[step](source, target, _say, **more)._asdict()}
    except transfer.TransferError as err:
        return {"failed": str(err), "unknown": isinstance(err, copying.UnknownState)}


@contextlib.contextmanager
def _source(source_id: str, target_id: str, way: dict):
    """While this is entered, the source hears of this host. Yields source and target."""
    here = Here(target_id)
    if not way:
        yield Prepared(here), Prepared(here, transfer.LOCAL_WORKDIR)
        return
    if "ssh" in way:
        yield Prepared(login.Login(way["ssh"])), Prepared(here)
        return
    source = Words(Away(source_id, way))
    with transfer.Heartbeat(source, "stay") as heart:
        _connect(source, heart, target_id, way)
        try:
            yield source, Prepared(here)
        finally:
            source.run("leave", 60, check=False)


def _applied(salt: dict, host_id: str, slses: list[str], arguments: dict) -> None:
    """Apply *slses* here. arguments: of that function of Salt. Raises TransferError when one failed."""
    failhard = salt["cp.cache_file"](stages.FAILHARD, "base")
    if not failhard:
        raise transfer.TransferError(stages.NOT_SERVED)
    answer = salt["state.sls"](",".join(slses), saltenv="base", localconfig=failhard, **arguments)
    bringing.judge(slses, host_id, {"return": answer})


@contextlib.contextmanager
def _alone(target_id: str):
    """While this is entered, no other run leads a move here. Raises TransferError."""
    with checkout_lock.opened(f"{DOOR}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise transfer.TransferError(
                f"An earlier move or import is still in progress on {target_id}. Start the same command again when that run has ended."
            ) from err
        with contextlib.suppress(OSError):
            os.unlink(PROGRESS)  # of the step before
        yield


def _connect(source, heart: transfer.Heartbeat, target_id: str, way: dict) -> None:
    """Return when the connection of *heart* takes the words of the others; from then on nobody needs the key. Raises TransferError."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while not os.path.exists(f"{DOOR}/connection") and not heart.is_over() and time.monotonic() < deadline:
        time.sleep(0.05)
    done = source.host.run("knock", 60)
    if done.rc:
        reason = transfer.last_sentence(done.err) or "no answer."
        raise transfer.TransferError(
            f"{target_id} cannot connect to {source.host.id} ({way['address']}, port {way['port']}): {reason} "
            f"Let {target_id} reach TCP ports 20000 to 31999 of that address (firewall)."
        )
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{DOOR}/key")


def _say(text: str, *_) -> None:
    with contextlib.suppress(OSError), open(PROGRESS, "a", encoding="utf-8") as file:
        file.write(text.replace("\n", " ") + "\n")
