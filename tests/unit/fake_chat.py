"""A chat server of a few lines, over a local socket and over HTTP, for the round trip: it keeps accounts, teams, posts and files until told to fail."""

from __future__ import annotations

import json
import secrets
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from websockets.utils import accept_key


def new_id():
    return secrets.token_hex(13)


def frame(text, first=0x81):
    """Return a websocket frame as servers send it. first: its first byte."""
    size = bytes([len(text)]) if len(text) < 126 else b"\x7e" + len(text).to_bytes(2, "big")
    return bytes([first]) + size + text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return "peer"

    def _serve(self):
        chat, length = self.server.chat, int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        address = urlsplit(self.path)
        path, self.query = address.path.removeprefix("/api/v4/"), parse_qs(address.query)
        chat.asked.append(f"{self.command} {path}")
        if path == "websocket":
            return self._websocket(chat)
        status, body = chat.answer(self, self.command, path)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    do_GET = do_POST = do_DELETE = _serve

    def _websocket(self, chat):
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.close_connection = True
        if chat.fault == "closes":
            return self.wfile.write(frame(b"", 0x88))
        chat.posted.clear()
        hello = json.dumps({"event": "hello", "data": {}}).encode()
        self.wfile.write(frame(b"ping", 0x89) + frame(hello[:7], 0x01) + frame(hello[7:], 0x80))
        if chat.posted.wait(10) and chat.fault != "no event":
            self.wfile.write(frame(json.dumps({"event": "posted", "data": {"post": json.dumps(chat.post)}}).encode()))
        return self.rfile.read(6)


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Chat:
    """fault: what goes wrong, by name; asked: the requests that came; tokens: those that were given."""

    def __init__(self, socket_path, fault=""):
        self.fault, self.asked, self.posted, self.post, self.files, self.tokens = (
            fault,
            [],
            threading.Event(),
            {},
            {},
            [],
        )
        self.users, self.teams, self.channels = {}, {}, {}
        self.servers = [_Unix(str(socket_path), _Handler), ThreadingHTTPServer(("127.0.0.1", 0), _Handler)]
        for server in self.servers:
            server.chat = self
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.port = self.servers[1].server_port

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def answer(self, request, method, path):
        local = isinstance(request.server, _Unix)
        if not local and request.headers.get("Authorization") not in [f"Bearer {token}" for token in self.tokens]:
            return 401, {"message": "Log in."}
        return (self.locally if local else self.remotely)(request, method, path)

    def locally(self, request, method, path):
        kind, _, rest = path.partition("/")
        if kind == "bots":
            bot, _, owner = rest.partition("/assign/")
            is_there = bot in self.users and "owner" in self.users[bot]
            self.users.get(bot, {}).update({"owner": owner} if is_there else {})
            return (200 if is_there else 404), {}
        kept = {"users": self.users, "teams": self.teams, "channels": self.channels}[kind]
        if method == "GET":
            found = [one for one in kept.values() if one["name"] == rest.partition("/")[2]]
            return (200, found[0]) if found else (404, {"id": "missing"})
        if method == "DELETE":
            assert request.query["permanent"] == ["true"]
            assert kept[rest].get("owner") != rest, "a real server would never come to an end with it"
            if self.fault != "keeps" and kept.pop(rest):
                self.channels = {} if kind == "teams" else self.channels
            return 200, {"status": "OK"}
        body = json.loads(request.body)
        if not rest:
            if self.fault == f"no {kind}":
                return 400, {"id": "x", "message": 'No "more" of them.'}
            made = {"id": new_id(), "name": body.get("username") or body["name"], "email": body.get("email", "")}
            made["roles"] = "system_admin system_user" if self.fault == "first" else "system_user"
            kept[made["id"]] = made
            return 201, made
        assert kept[rest.partition("/")[0]]
        if rest.endswith("/tokens"):
            self.tokens.append(new_id())
            return 200, {"id": new_id(), "token": self.tokens[-1]}
        if rest.endswith("/convert_to_bot"):
            kept[rest.partition("/")[0]]["owner"] = rest.partition("/")[0]
        return 201, {}

    def remotely(self, request, method, path):
        if path == "files":
            if self.fault == "files are off":
                return 501, {"id": "api.file.attachments.disabled.app_error", "message": "Off."}
            if self.fault == "no files":
                return 500, {"id": "x", "message": "The disk is full."}
            self.files["f1"] = request.body
            return 201, {"file_infos": [{"id": "f1"}]}
        if path == "posts":
            self.post = {"id": new_id(), **json.loads(request.body)}
            self.posted.set()
            return 201, self.post
        if path.startswith("posts/"):
            return 200, self.post | ({"message": "other"} if self.fault == "other text" else {})
        return 200, self.files["f1"][1:] if self.fault == "other file" else self.files["f1"]
