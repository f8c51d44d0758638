"""A few lines of HTTP on a local socket that behave like a server's configuration and accounts, for unit tests."""

from __future__ import annotations

import copy
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

MASK = "*" * 32


class _Handler(BaseHTTPRequestHandler):
    def _answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self._answer(*self.server.fake.handle(self.command, self.path.removeprefix("/api/v4/"), body))

    do_GET = do_PUT = do_POST = _serve

    def address_string(self):
        return "local"

    def log_message(self, *args):
        pass


def _below(config, way):
    for name in way:
        config = config[name]
    return config


class FakeServer:
    """Holds ``config`` in memory and saves it to ``config_file``; ``requests`` are what came in.

    refuse: paths answered with 400. secrets: dotted keys shown masked: by every answer, or with in_clear, as since 11.0,
    only by those to a change. forgets: dotted keys that the next change loses.
    """

    def __init__(self, socket_path, config_file, secrets=(), in_clear=False):
        self.config_file, self.secrets, self.in_clear, self.forgets = config_file, set(secrets), in_clear, set()
        self.config = json.loads(config_file.read_text())
        self.users, self.requests, self.refuse = [], [], set()
        server = socketserver.ThreadingUnixStreamServer(str(socket_path), _Handler)
        server.daemon_threads, server.fake = True, self
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def shown(self):
        config = copy.deepcopy(self.config)
        for name in self.secrets:
            *way, key = name.split(".")
            _below(config, way)[key] = MASK
        return config

    def handle(self, method, path, body):
        self.requests.append((method, path))
        if path in self.refuse:
            return 400, {"id": "model.config.is_valid.app_error", "message": "This value is not valid."}
        if (method, path) == ("GET", "config"):
            return 200, self.config if self.in_clear else self.shown()
        if (method, path) == ("PUT", "config/patch"):
            for section, keys in body.items():
                known = self.config.get(section, {})
                known.update(
                    {key: value for key, value in keys.items() if key in known}
                )  # a map whole, as the real one
            for *way, key in (name.split(".") for name in self.forgets):
                _below(self.config, way).pop(key, None)
            self.config_file.write_text(json.dumps(self.config))
            return 200, self.shown()
        if (method, path) == ("POST", "config/reload"):
            self.config = json.loads(self.config_file.read_text())
            return 200, {"status": "OK"}
        return self._accounts(method, path, body)

    def _accounts(self, method, path, body):
        if method == "GET" and path.startswith("users?"):
            return 200, self.users
        if (method, path) == ("POST", "users"):
            user = {**body, "id": f"id{len(self.users)}", "roles": "system_user"}
            self.users.append(user)
            return 201, user
        user = next(user for user in self.users if user["id"] == path.split("/")[1])
        if method == "PUT":
            user.update(body)
        return 200, user
