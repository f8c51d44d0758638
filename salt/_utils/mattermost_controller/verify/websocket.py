"""An open websocket as a client of the server holds it: what arrives is read; nothing is sent but its end."""

from __future__ import annotations

import time

import mattermost_json

from mattermost_controller.verify import http

_TEXT, _CONTINUED, _CLOSED = 1, 0, 8  # RFC 6455, 5.2
_CLOSE = b"\x88\x80" + bytes(4)
_LARGEST = 1024 * 1024


class Websocket:
    """A websocket of *site* below *path*, opened with *headers* and closed at the end of a ``with`` block.

    context: a TLS context that checks the certificate. Raises OSError, also for an answer that opens none, and HTTPException.
    """

    def __init__(self, site: http.Site, path: str, headers: dict, context):
        more, proof = http.websocket_headers(f"{'https' if site.secure else 'http'}://{site.name}")
        self._connection = http.connect(site, site.secure, context)
        try:
            with http.limited(self._connection, site.timeout):
                answer = http.exchange(site, self._connection, path, {**headers, **more})
            if answer.status != 101 or answer.getheader("Sec-WebSocket-Accept") != proof:
                raise ConnectionError(f"status {answer.status}")
        except BaseException:
            self._connection.close()
            raise
        self._answer = answer  # closes its stream when nobody has it any more
        self._stream = answer.fp  # it may have read more than the answer's head

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._connection.sendall(_CLOSE)
        except OSError:
            pass
        self._stream.close()
        self._connection.close()

    def wait(self, name: str, is_wanted, seconds: float) -> bool:
        """Say whether an event *name* whose data *is_wanted* arrives within *seconds*. Raises OSError when the server ends it."""
        try:
            with http.limited(self._connection, seconds):
                return self._comes(name, is_wanted, time.monotonic() + seconds)
        except TimeoutError:
            return False

    def _comes(self, name: str, is_wanted, last: float) -> bool:
        text = b""
        while (left := last - time.monotonic()) > 0:
            self._connection.settimeout(left)
            kind, is_whole, part = self._frame()
            if kind == _CLOSED:
                raise ConnectionError("the server closed the websocket")
            if kind not in (_TEXT, _CONTINUED):
                continue
            text += part
            if len(text) > _LARGEST:
                raise ConnectionError(f"the server sent a message of more than {_LARGEST} bytes")
            if not is_whole:
                continue
            event, text = _parsed(text), b""
            if event.get("event") == name and is_wanted(event.get("data") or {}):
                return True
        return False

    def _frame(self) -> tuple[int, bool, bytes]:
        first, size = self._exactly(2)
        if size in (126, 127):
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        if size > _LARGEST:
            raise ConnectionError(f"the server sent a message of {size} bytes")
        return first & 15, bool(first & 128), self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise ConnectionError("the connection was cut")
        return data


def _parsed(text: bytes) -> dict:
    try:
        found = mattermost_json.parse(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
