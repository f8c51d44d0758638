"""A small web site on the loopback that behaves like a deployed one, until told to misbehave; its own CA signs it."""

from __future__ import annotations

import json
import ssl
import threading
import warnings
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.utils import accept_key

NAME = "chat.example.test"
SECOND = "second.example.test"
LIMIT = 1000
CLIENT = {
    "Version": "11.7.10",
    "BuildEnterpriseReady": "false",
    "NoAccounts": "false",
    "EnableUserCreation": "true",
    "EnableSignUpWithEmail": "true",
    "EnableOpenServer": "false",
    "SiteURL": f"https://{NAME}",
}
HEALTHY = {"status": "OK", "database_status": "OK", "filestore_status": "OK"}


def certificate(name=NAME, issuer=None, days=90, age=1, more=()):
    """Return (certificate, key): of a CA when *issuer* is None, else a leaf for *name*, and *more* names, that it signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(timezone.utc) - timedelta(days=age)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in (name, *more)]), critical=False
        )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def pem(cert) -> str:
    return cert.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        kind = headers.pop("kind", "text/html")
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    @property
    def site(self):
        return self.server.site

    def do_GET(self):
        if self.headers["Host"] == SECOND:
            return self.additional()
        assert self.headers["Host"] == NAME
        if not self.server.secure:
            return self.plain()
        version = {"X_Version_Id": f"{self.site.version}.{self.site.version}.abc.false"}
        path = self.path.partition("?")[0]
        if path == "/api/v4/system/ping":
            body = json.dumps(self.site.health).encode()
            return self.answer(self.site.ping, body, kind="application/json", **version)
        if path == "/api/v4/config/client":
            body = json.dumps(self.site.client).encode()
            return self.answer(200, body, kind="application/json", **version)
        if path == "/api/v4/websocket":
            return self.upgrade()
        return self.answer(self.site.page, b"<html></html>", Strict_Transport_Security=self.site.hsts, **version)

    def additional(self):
        if self.path.startswith("/api/"):
            return self.answer(421, json.dumps({"message": self.site.told}).encode())
        where = self.site.leads_to if self.server.secure else self.site.leads_to_plain
        return self.answer(301, Location=where + self.path)

    def plain(self):
        if self.path.startswith("/.well-known/acme-challenge/"):
            return self.answer(self.site.challenge)
        return self.answer(self.site.redirect, Location=f"https://{NAME}{self.path}")

    def upgrade(self):
        origin = self.headers.get("Origin")
        if origin and self.site.origin_status != 101:
            return self.answer(self.site.origin_status)
        if self.site.no_websocket:
            return self.answer(400)
        proof = accept_key(self.headers["Sec-WebSocket-Key"])
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Sec-WebSocket-Accept", "wrong" if self.site.wrong_proof else proof)
        self.end_headers()
        self.close_connection = True

    def handle_expect_100(self):
        if int(self.headers["Content-Length"]) > self.site.limit:
            self.answer(413)
            return False
        return super().handle_expect_100()

    def do_POST(self):
        self.close_connection = True


class Server(ThreadingHTTPServer):
    request_queue_size = 64  # a look asks a dozen things at once
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing: a client that refuses our certificate is no fault here."""


class Site:
    """The two ports of a site. Attributes are what it answers; change one to break exactly that."""

    def __init__(self, folder, issuer, leaf=None, oldest=ssl.TLSVersion.TLSv1_2):
        self.version, self.health, self.client = "11.7.10", dict(HEALTHY), dict(CLIENT)
        self.ping, self.page, self.redirect, self.challenge = 200, 200, 301, 404
        self.hsts, self.limit = "max-age=63072000", LIMIT
        self.leads_to = self.leads_to_plain = f"https://{NAME}"
        self.told = f"Use https://{NAME} instead."
        self.no_websocket = self.wrong_proof = False
        self.origin_status = 403
        self.leaf = leaf or certificate(issuer=issuer)
        chain = folder / "chain.pem"
        key = self.leaf[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain.write_text(pem(self.leaf[0]) + key.decode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = oldest
        context.load_cert_chain(chain)
        self.http = self._serve(None)
        self.https = self._serve(context)

    def _serve(self, context):
        server = Server(("127.0.0.1", 0), Handler)
        server.site, server.secure = self, context is not None
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def close(self):
        for server in (self.http, self.https):
            server.shutdown()
            server.server_close()
