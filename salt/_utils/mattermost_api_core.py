"""Raw HTTP to Mattermost's API: through the local administration socket, which asks no login, or over loopback.

Standard library only. The command line tool that comes with the server is avoided on purpose: its exit codes say nothing
and a password given to it shows in the process list.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import threading
import time

import mattermost_json

PREFIX = "/api/v4/"
MOST = 64 << 20  # bytes of an answer
PAGE = 200  # the most users that the API lists at once


class Unreachable(Exception):
    """Nothing answers there; the text says where and why."""


class Refused(Exception):
    """The server answered with an error. ``status``: HTTP status. ``id``: the error's stable name, for comparing."""

    def __init__(self, status: int, error_id: str, message: str):
        self.status, self.id = status, error_id
        super().__init__(f"The server answered {status}: {message or error_id or 'no reason given'}")


class _OverSocket(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Api:
    """One server's API.

    place: absolute path of the local socket, or ``HOST:PORT``. timeout: seconds for one request.
    token: session token for requests over the network. path: of the site's address; the socket has none.
    """

    def __init__(self, place: str, timeout: float = 30, token: str = "", path: str = ""):
        self.place, self.timeout, self.token, self.path = place, timeout, token, path

    def _connected(self):
        is_socket = self.place.startswith("/")
        connection = (_OverSocket if is_socket else http.client.HTTPConnection)(self.place, timeout=self.timeout)
        try:
            connection.connect()
        except OSError as err:
            raise Unreachable(f"No server answers at {self.place}: {err.strerror or err}.") from err
        return connection

    def request(self, method: str, path: str, body=None):
        """Return ``(status, headers, body)`` whatever the status; the body parsed when it is JSON, else text.

        path: below ``/api/v4/``. body: anything that JSON can say. Raises Unreachable.
        """
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        connection = self._connected()
        # what answers may be somebody else, who sends a byte now and then or all that there is
        end, deadline = threading.Timer(self.timeout, _hang_up, [connection.sock]), time.monotonic() + self.timeout
        end.start()
        try:
            connection.request(method, self.path + PREFIX + path.lstrip("/"), data, headers)
            answer = connection.getresponse()
            read = answer.read(MOST + 1)
            if len(read) > MOST:
                raise http.client.HTTPException(f"the answer is longer than {MOST >> 20} MiB")
            if answer.length or time.monotonic() >= deadline:
                raise http.client.HTTPException("the answer broke off")
            text = read.decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as err:
            reason = getattr(err, "strerror", None) or str(err) or type(err).__name__
            if time.monotonic() >= deadline:
                reason = f"no whole answer came within {self.timeout:g} s"
            raise Unreachable(f"The server at {self.place} gave no usable answer: {reason}.") from err
        finally:
            end.cancel()
            connection.close()
        try:
            parsed = mattermost_json.parse(text)
        except ValueError:
            parsed = text
        return answer.status, answer.headers, parsed

    def call(self, method: str, path: str, body=None):
        """Return the parsed body of an answer below 300. Raises Refused for any other, Unreachable without one."""
        status, _headers, parsed = self.request(method, path, body)
        if status >= 300:
            error = parsed if isinstance(parsed, dict) else {}
            text = error.get("message") or (parsed if isinstance(parsed, str) else "")
            detail = error.get("detailed_error") or ""
            if detail and detail not in text:
                text = f"{text} ({detail})"
            raise Refused(status, error.get("id", ""), text.strip())
        return parsed


def _hang_up(connected) -> None:
    with contextlib.suppress(OSError):  # closed meanwhile
        connected.shutdown(socket.SHUT_RDWR)


def answers(socket_path: str) -> bool:
    """Say whether a server accepts connections on its local socket; a file left by a dead one does not count."""
    if not os.path.exists(socket_path):
        return False
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(5)
    try:
        probe.connect(socket_path)
    except OSError:
        return False
    finally:
        probe.close()
    return True


def people(api: Api, most: int = 1, pages: int = 25):
    """Return up to *most* accounts of people, deactivated ones too; plugins' bots are left out.

    pages: bound on the pages read when all that is found are bots.
    """
    found = []
    for page in range(pages):
        users = api.call("GET", f"users?page={page}&per_page={PAGE}") or []
        found += [user for user in users if not user.get("is_bot")]
        if len(found) >= most or len(users) < PAGE:
            break
    return found[:most]
