"""HTTP over TCP or over a unix socket, and the first frames of a websocket."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import struct


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
    """A websocket's opening, and its frames. status: of the opening."""

    def __init__(self, port, path="/api/v4/websocket", **headers):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        sent = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"GET {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in sent.items() if value]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self._file = self.socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers = http.client.parse_headers(self._file)

    def read(self):
        """Return the next text frame parsed; None at the end of the stream; answers pings."""
        for _ in range(100):
            head = self._file.read(2)
            if len(head) < 2:
                return None
            kind, size = head[0] & 15, head[1] & 127
            if size > 125:
                size = int.from_bytes(self._file.read(2 if size == 126 else 8), "big")
            data = self._file.read(size)
            if kind == 8:
                return "close frame"
            if kind == 1:
                return json.loads(data)
        raise AssertionError("100 frames without a text")

    def send(self, value):
        data, mask = json.dumps(value).encode(), os.urandom(4)
        head = bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, len(data))
        self.socket.sendall(head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)))

    def close(self):
        self._file.close()
        self.socket.close()
