"""HTTP over TCP or over a unix socket, and a websocket."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


class Answer:
    """What came back. json: the parsed body."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        """The name of an API error."""
        return self.json.get("id")

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.text[:400]}"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Wire:
    """where: a port on loopback, or the path of a socket. token: of a session."""

    def __init__(self, where, token=""):
        self.where, self.token = where, token

    def connection(self):
        if isinstance(self.where, int):
            return http.client.HTTPConnection("127.0.0.1", self.where, timeout=30)
        return _UnixConnection(self.where)

    def call(self, method, path, body=None, headers=None):
        """Send one request. body: bytes as they are, anything else as JSON."""
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = self.connection()
        try:
            connection.request(method, path, body, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def api(self, method, path, body=None, headers=None):
        return self.call(method, f"/api/v4/{path}", body, headers)

    def get(self, path):
        return self.api("GET", path)

    def post(self, path, body=None):
        return self.api("POST", path, {} if body is None else body)

    def put(self, path, body=None):
        return self.api("PUT", path, {} if body is None else body)

    def delete(self, path):
        return self.api("DELETE", path)

    def login(self, login_id, password):
        """Return a wire with a session of its own."""
        answer = self.post("users/login", {"login_id": login_id, "password": password})
        assert answer.status == 200, answer
        return Wire(self.where, answer.headers["Token"])


class WebSocket:
    """A websocket's opening, and its messages. status, headers: of the opening's answer."""

    def __init__(self, port, path="/api/v4/websocket", **headers):
        self._ending = contextlib.ExitStack()
        how = {"additional_headers": headers, "proxy": None, "compression": None}
        try:
            self._open = self._ending.enter_context(connect(f"ws://127.0.0.1:{port}{path}", **how))
            answer = self._open.response
        except InvalidStatus as err:
            answer = err.response
        self.status, self.headers = answer.status_code, answer.headers

    def read(self):
        """Return the next message parsed; "close frame" when the server sent one, None at the end of the stream."""
        try:
            return json.loads(self._open.recv(timeout=30))
        except ConnectionClosed as err:
            return "close frame" if err.rcvd else None

    def send(self, value):
        self._open.send(json.dumps(value))

    def close(self):
        self._ending.close()
