"""Commands on hosts, of whose answer only so much is read: a host that was taken over can send for ever."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
import time
from concurrent.futures import Future

LIMIT = 32 << 20  # bytes of each stream; no answer that anything here asks for comes near it
# what an answer may raise that is not what was asked for, in the numbers, the JSON and the shape that it claims to have
ODD = (ValueError, ArithmeticError, RecursionError, TypeError, AttributeError, LookupError)

ODD_REPORT = (
    "The host's report is not that of this bundle's program. Check whether somebody else controls that host. To see how the host is,"
    " run: salt-run state.orchestrate mattermost.status"
)


def whole(text: str) -> int | None:
    """Return the number that *text* of a host is, None for what is none and for one that nothing on a host comes to."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def text(data: bytes) -> str:
    """Return *data* of a host as text, whatever is in it."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


class TooLong(ValueError):
    """More came than any answer has; the text is a sentence."""

    def __init__(self, limit: int = LIMIT):
        super().__init__(
            f"The host sent more than {limit >> 20} MiB. That answer was not used. Check whether somebody else controls that host."
        )


class Stream:
    """What a *process* writes to one *pipe*, read in a thread of its own. The process is ended when it is more than *limit* bytes."""

    def __init__(self, process, pipe, limit: int = LIMIT):
        self.found, self.is_too_long = bytearray(), False
        self._process, self._pipe, self._limit = process, pipe, limit
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._pipe:
            while part := self._pipe.read1(1 << 18):
                self.found += part
                if len(self.found) > self._limit:
                    self.is_too_long = True
                    self.found.clear()
                    self._process.kill()
                    return

    def ended(self, seconds: float | None = None) -> bool:
        """Say whether all of it came, within *seconds* where they are given."""
        self._thread.join(seconds if seconds is None else max(0, seconds))
        return not self._thread.is_alive()


def run(argv: list[str], data, timeout: float, limit: int = LIMIT) -> subprocess.CompletedProcess:
    """Run *argv* with *data* on its standard input; the result has both other streams as bytes.

    data: bytes, or an open file. timeout: seconds. limit: bytes of each stream. Raises TooLong, and subprocess.TimeoutExpired with
    what came until then.
    """
    end = time.monotonic() + timeout
    pipe, is_file = subprocess.PIPE, not isinstance(data, bytes)
    process = subprocess.Popen(argv, stdin=data if is_file else pipe, stdout=pipe, stderr=pipe)
    streams = [Stream(process, process.stdout, limit), Stream(process, process.stderr, limit)]
    if not is_file:
        threading.Thread(target=_feed, args=(process.stdin, data), daemon=True).start()
    try:
        if not all(stream.ended(end - time.monotonic()) for stream in streams):
            raise subprocess.TimeoutExpired(argv, timeout, bytes(streams[0].found))
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if any(stream.is_too_long for stream in streams):
        raise TooLong(limit)
    return subprocess.CompletedProcess(argv, process.returncode, *(bytes(stream.found) for stream in streams))


def within(seconds: float, ask):
    """Return what *ask* returns, called in a thread that is left when it takes longer. Raises TimeoutError, and what *ask* does."""
    answer: Future = Future()

    def run():
        try:
            answer.set_result(ask())
        except BaseException as err:
            answer.set_exception(err)

    threading.Thread(target=run, daemon=True).start()
    return answer.result(seconds)


def _feed(pipe, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), pipe:
        pipe.write(data)
