"""Two hosts and what goes from one to the other, through this controller: neither host learns how to log in to the other.

Everything travels through the ssh connections that the run has anyway, as a stream: nothing is stored here.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading

from mattermost_lines import lines_of

from mattermost_controller.hosts import bounded, scripts

LIBRARY = (
    scripts.TOOLS,
    "mattermost/deploy/common/sql.sh",
    "mattermost/deploy/common/databases.sh",
    "mattermost/deploy/common/unpack.sh",
    "mattermost/deploy/common/rename.sh",
    "mattermost/scripts/move.sh",
    "mattermost/scripts/move-target.sh",
)
WORKDIR = "/run/mattermost-move"
LOCAL_WORKDIR = f"{WORKDIR}-here"  # of the target that is the source's own host
COPY_SECONDS = 7 * 86400  # seconds that one copy may take
SENTENCE = 1000  # characters of a host's reason
LISTING_BYTES = 1 << 30  # of the names of all stored files, at about 130 bytes a file
HEARTBEAT_SECONDS = 5  # seconds between two signs of life
LEASE_SECONDS = 30  # seconds after which the source takes itself back when none came


class TransferError(RuntimeError):
    """Something on a host or on the way failed; the text is a sentence."""


def library(file_roots: list[str], values: dict) -> str:
    """Return move.sh and what belongs to it, with a host's values put before them. Raises FileNotFoundError when no root has it."""
    return scripts.build(file_roots, LIBRARY, values)


def script_values(settings: dict, **more) -> dict:
    """Return what move.sh must know of a host with our layout. settings: the merged ones. more: further or other values."""
    paths, postgresql = settings["paths"], settings["platform"]["postgresql"]
    state = paths["state"]
    return {
        "name": settings["name"],
        "install": paths["install"],
        "state": state,
        "settings": paths["settings"],
        "work": paths["work"],
        "user": settings["server"]["user"],
        "service": "mattermost.service",
        "units": "mattermost-backup.timer"
        if settings["backup"]["enabled"] and settings["platform"]["backup"]["by_clock"]
        else "",
        "database": settings["database"]["name"],
        "role": settings["database"]["user"],
        "new": settings["database"]["name"][:38] + "_moving",
        "own": WORKDIR,
        "root": "",
        "checksum": "",  # that of sql.sh
        "maintenance": "/run/mattermost-switch.closed",
        "site_closed": f"{settings['platform']['nginx']['snippet_dir']}/closed",
        "left": f"{paths['work']}/moved",
        "halt": "systemctl stop mattermost.service",
        "resume": "systemctl start mattermost.service",
        "leave": "",
        "pg_kind": "local",
        "bin_dir": postgresql["bin_dir"],
        "socket_dir": postgresql["socket_dir"],
        "database_port": settings["database"]["port"],
        "certificates": settings["platform"]["certbot"]["directory"],
        "repository": settings["backup"]["repository"],
        "data": f"{state}/data",
        "plugins": f"{state}/plugins",
        "client_plugins": f"{state}/client-plugins",
        "config": f"{state}/config/config.json",
        "move_to": "",
        "id": "",
        **more,
    }


class Endpoint:
    """One of the two hosts, with move.sh laid on it.

    host: hosts.roster.Host, logged in. text: see `library`. own: directory there, the value of that name.
    """

    def __init__(self, host, text: str, workdir: str = WORKDIR):
        self.host, self.workdir = host, workdir
        self.install(text)

    def install(self, text: str) -> None:
        """Have another library there. Raises TransferError."""
        mark = "mattermost-move-library-ends"
        script = f"umask 077\nmkdir -p {self.workdir}\ncat >{self.workdir}/library <<'{mark}'\n{text}\n{mark}\n"
        done = self.host.run(script, is_private=True)
        if done.rc != 0:
            raise TransferError(f"{self.host.id}: {last_sentence(done.err or done.out)}")

    def script(self, command: str) -> str:
        """Return the script that runs a *command* of the library."""
        return f". {self.workdir}/library; {command}"

    def run(self, command: str, timeout: float = COPY_SECONDS, check: bool = True) -> str:
        """Run a *command* of the library and return what it printed. Raises TransferError unless told otherwise."""
        done = self.host.run(self.script(command), timeout=timeout)
        if check and done.rc != 0:
            raise TransferError(
                f"{self.host.id}: {last_sentence(done.err or done.out) or f'{command} ended with {done.rc}.'}"
            )
        return done.out

    def run_with_input(self, command: str, data: bytes = b"") -> bytes:
        """Run a *command* of the library with *data* on its standard input and return its output."""
        try:
            done = self.host.exchange(self.script(command), data, COPY_SECONDS, LISTING_BYTES)
        except bounded.TooLong as err:
            raise TransferError(f"{self.host.id}: {err}") from None
        if done.returncode:
            raise TransferError(
                f"{self.host.id}: {last_sentence(done.stderr.decode('utf-8', 'replace')) or f'{command} failed.'}"
            )
        return done.stdout


def pipe(source: Endpoint, send_command: str, target: Endpoint, receive_command: str, feed: bytes = b"") -> None:
    """Run *send_command* on the source and *receive_command* on the target, the output of the one the input of the other.

    feed: standard input of *send_command*. Raises TransferError when either side failed. On one host it takes no way through this controller.
    """
    if source.host is target.host:
        source.run_with_input(f"hand_over '{target.workdir}/library' '{receive_command}' {send_command}", feed)
        return
    sender_argv, preface = source.host.stream(source.script(send_command))
    receiver_argv, mark = target.host.stream(target.script(receive_command))
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with (
        subprocess.Popen(sender_argv, stdout=subprocess.PIPE, **pipes) as sender,
        subprocess.Popen(receiver_argv, stdout=subprocess.DEVNULL, **pipes) as receiver,
    ):
        errors = {}
        threads = [
            threading.Thread(target=_write, args=(sender.stdin, preface + feed)),
            threading.Thread(target=_read, args=(sender.stderr, errors, "sender")),
            threading.Thread(target=_read, args=(receiver.stderr, errors, "receiver")),
        ]
        for thread in threads:
            thread.start()
        broken = _copy(sender.stdout, receiver.stdin, mark)
        if broken:
            sender.kill()
        for thread in threads:
            thread.join()
        rcs = sender.wait(), receiver.wait()
    if rcs[1] or broken:
        raise TransferError(
            f"{target.host.id}: {last_sentence(errors['receiver']) or f'{receive_command} ended with {rcs[1]}.'}"
        )
    if rcs[0]:
        raise TransferError(
            f"{source.host.id}: {last_sentence(errors['sender']) or f'{send_command} ended with {rcs[0]}.'}"
        )


def _copy(source, target, first: bytes) -> bool:
    """Return whether the target broke off."""
    try:
        target.write(first)
        while data := source.read1(1 << 18):
            target.write(data)
        target.close()
    except BrokenPipeError:
        _close(target)
        return True
    return False


def _write(stream, data: bytes) -> None:
    try:
        stream.write(data)
    except BrokenPipeError:
        pass
    _close(stream)


def _close(stream) -> None:
    """Close a pipe whose other end may be gone: what it still holds would have every close of it fail."""
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def _read(stream, texts: dict, key: str) -> None:
    """Read it to its end, and keep the end of it: its last line is the reason."""
    tail = b""
    while data := stream.read1(1 << 16):
        tail = (tail + data)[-65536:]
    texts[key] = tail.decode("utf-8", "replace")


def last_sentence(text: str) -> str:
    """Return the last line of *text*, which a host may have without an end, with a full stop; "" when there is none."""
    lines = [line.strip() for line in lines_of(text) if line.strip()]
    return f"{lines[-1][:SENTENCE].rstrip('.')}." if lines else ""


class Heartbeat:
    """While this is entered the source hears a sign of life every few seconds; when it ends, however, the source serves again.

    command: what hears it there.
    """

    def __init__(self, source: Endpoint, command: str = "heartbeat"):
        argv, preface = source.host.stream(source.script(command))
        self._child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._preface = preface
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def is_over(self) -> bool:
        """Say whether the source hears nothing any more."""
        return self._child.poll() is not None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(HEARTBEAT_SECONDS)
        _close(self._child.stdin)
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _beat(self) -> None:
        data = self._preface
        try:
            while not self._over.is_set():
                self._child.stdin.write(data + b"\n")
                self._child.stdin.flush()
                data = b""
                self._over.wait(HEARTBEAT_SECONDS)
        except (BrokenPipeError, ValueError):
            pass
