"""A running nginx with one of our sites on free ports of the loopback, and a small server behind it."""

import http.client
import http.server
import json
import signal
import socket
import ssl
import subprocess
import time

from websockets.utils import accept_key

from tests.render import compiler

NAME = compiler.HOST_ID


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked; /own-502 and /own-headers are answers that a real server may give."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    begun: set = set()  # paths of requests whose head is there

    def handle_any(self):
        if "upgrade" in self.headers.get("Connection", "").lower():
            self.send_response(101)
            self.send_header("Upgrade", self.headers["Upgrade"])
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
            self.end_headers()
            self.wfile.write(self.rfile.read(4))  # what came over the socket goes back
            self.close_connection = True
            return
        self.begun.add(self.path)
        length = int(self.headers.get("Content-Length", 0))
        read = len(self.rfile.read(length))
        answer = json.dumps({"path": self.path, "headers": list(self.headers.items()), "read": read}).encode()
        self.send_response(502 if self.path == "/own-502" else 200)
        if self.path == "/own-headers":
            for name, value in (
                ("X-Frame-Options", "DENY"), ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "origin"), ("Strict-Transport-Security", "max-age=1"),
            ):  # fmt: skip
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def send_response(self, code, message=None):
        self.send_response_only(code, message)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, *args):
        pass


class Site:
    """A running nginx with one of our sites."""

    def __init__(self, tree):
        self.tree = tree
        tree.listen_here()
        command = [tree.program, "-c", tree.etc / "nginx.conf", "-g", "daemon off;"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(200):
            if self.process.poll() is not None:
                raise AssertionError(self.process.stderr.read().decode())
            try:
                socket.create_connection(("127.0.0.1", tree.http), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("nginx did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process.stderr.close()

    def context(self, minimum=None):
        context = ssl.create_default_context(cafile=str(self.tree.ca))
        if minimum:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = minimum
        return context

    def connect(self, tls=True, name=NAME, source="127.0.0.1", **how):
        """source: the address that the client has."""
        port = self.tree.https if tls else self.tree.http
        plain = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
        return self.context(**how).wrap_socket(plain, server_hostname=name) if tls else plain

    def ask(self, path="/", method="GET", tls=True, name=NAME, headers=None, body=None, encode=False):
        """Return (status, list of headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.tree.http, timeout=20)
        connection.sock = self.connect(tls)
        try:
            connection.request(
                method, path, body=body, headers={"Host": name, **(headers or {})}, encode_chunked=encode
            )
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def seen(self, *args, **kwargs):
        """Return what the server behind was asked."""
        status, _, body = self.ask(*args, **kwargs)
        assert status == 200, body
        return json.loads(body)


def values(headers, name):
    return [value for key, value in headers if key.lower() == name.lower()]


def upgrade(site, path, kind="websocket", tls=True):
    """Return the status line and what came back for four bytes that were sent."""
    with site.connect(tls) as connection:
        lines = [f"GET {path} HTTP/1.1", f"Host: {NAME}", f"Upgrade: {kind}", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + b"ping")
        received = b""
        while chunk := connection.recv(4096):
            received += chunk
            if b"\r\n\r\n" in received and (received.endswith(b"ping") or b" 101 " not in received):
                break
        return received.split(b"\r\n")[0].decode(), received[-4:]
