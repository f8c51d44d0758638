"""Ask a site over one plain or TLS connection each, at a given address and under its public name.

Requests do not check the certificate unless they get a ``context`` that does: ``handshake`` alone does, so that one fault shows as one fault.
http.client and not urllib3: all but ``request`` needs the bare socket, and ``words`` the system's own errors, so
urllib3 adds more lines than it saves (tried: 9). No websocket library comes with Salt.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import os
import socket
import ssl
import threading
import warnings
from typing import NamedTuple

_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_BODY_LIMIT = 4 * 1024 * 1024


class Site(NamedTuple):
    """Where a site is asked.

    name: public name, for SNI and Host. address: what to connect to. secure: over TLS.
    ca_file: PEM to trust, "" for the machine's own trust. timeout: seconds for one request. http, https: ports.
    path: what the server's own paths are below.
    """

    name: str
    address: str
    secure: bool
    ca_file: str
    timeout: float
    http: int = 80
    https: int = 443
    path: str = ""

    @property
    def port(self) -> int:
        """The port of the site itself."""
        return self.https if self.secure else self.http


class Answer(NamedTuple):
    """An HTTP answer, headers by lower-case name; or status 0 and the ``error`` in words."""

    status: int
    headers: dict
    body: bytes
    error: str = ""


class Handshake(NamedTuple):
    """A TLS handshake: protocol version and the leaf certificate (DER); ``error`` says why it is not trusted."""

    version: str
    certificate: bytes
    error: str = ""


def connect(site: Site, secure: bool, context=None) -> socket.socket:
    """Return an open connection; without a *context* the certificate is not checked. Raises OSError."""
    plain = socket.create_connection((site.address, site.https if secure else site.http), site.timeout)
    if not secure:
        return plain
    try:
        return (context or _lenient()).wrap_socket(plain, server_hostname=site.name)
    except BaseException:
        plain.close()
        raise


def _lenient() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without loading the machine's trust, which takes 40 ms
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def limited(connection, seconds: float):
    """Cut an open *connection* after *seconds*: who answers may send a byte now and then, for ever. Raises TimeoutError then."""
    cut = threading.Event()

    def hang_up():
        cut.set()
        with contextlib.suppress(OSError):  # closed meanwhile
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    end = threading.Timer(seconds, hang_up)
    end.start()
    try:
        yield
    finally:
        end.cancel()
        if cut.is_set():
            raise TimeoutError


def exchange(site: Site, connection, path: str, headers: dict, method: str = "GET", body: bytes | None = None):
    """Send a request on an open *connection*; return http.client's response, which is read from there."""
    client = http.client.HTTPConnection(site.name, timeout=site.timeout)
    client.sock = connection
    client.request(method, path, body, headers)
    return client.getresponse()


def request(
    site: Site, path: str, *, secure: bool | None = None, headers: dict | None = None, context=None, **sent
) -> Answer:
    """Return the answer to GET *path*; never raises for what the network or the site does.

    context: a TLS context that checks the certificate. sent: another ``method``, and a ``body`` of bytes.
    """
    try:
        with (
            connect(site, site.secure if secure is None else secure, context) as connection,
            limited(connection, site.timeout),
        ):
            answer = exchange(site, connection, path, {"Connection": "close", **(headers or {})}, **sent)
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, b"" if answer.status == 101 else answer.read(_BODY_LIMIT))
    except (OSError, http.client.HTTPException) as err:
        return Answer(0, {}, b"", words(err))


def upgrade(site: Site, path: str, origin: str = "") -> Answer:
    """Return the answer to a websocket handshake; its error is set when a 101 does not prove our key."""
    headers, proof = websocket_headers(origin)
    answer = request(site, path, headers=headers)
    if answer.status == 101 and answer.headers.get("sec-websocket-accept") != proof:
        return answer._replace(error="the answer is not that of a websocket")
    return answer


def websocket_headers(origin: str) -> tuple[dict, str]:
    """Return what asks for a websocket, and what the answer's Sec-WebSocket-Accept must be."""
    key = base64.b64encode(os.urandom(16))
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key.decode(),
        **({"Origin": origin} if origin else {}),
    }
    # SHA-1 is what the websocket protocol asks for; nothing is protected by it
    return headers, base64.b64encode(hashlib.sha1(key + _WEBSOCKET_GUID, usedforsecurity=False).digest()).decode()


def announce(site: Site, path: str, size: int) -> Answer:
    """Return the first answer to a POST that announces *size* bytes with ``Expect: 100-continue`` and sends none.

    With a made-up session, for who has none may send little.
    """
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {site.name}\r\nContent-Type: application/octet-stream\r\n"
        f"Authorization: Bearer {26 * 'x'}\r\nContent-Length: {size}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    try:
        with connect(site, site.secure) as connection:
            connection.sendall(head.encode())
            with connection.makefile("rb") as stream:
                line = stream.readline(1024).split()
    except OSError as err:
        return Answer(0, {}, b"", words(err))
    if len(line) < 2 or not line[1].isdigit():
        return Answer(0, {}, b"", "the connection was closed without an answer")
    return Answer(int(line[1]), {}, b"")


def handshake(site: Site) -> Handshake:
    """Return the handshake that a careful client makes; with the certificate even where it is not trusted."""
    try:
        context = ssl.create_default_context(cafile=site.ca_file or None)
        with connect(site, True, context) as connection:
            return Handshake(connection.version() or "", connection.getpeercert(binary_form=True) or b"")
    except FileNotFoundError:
        return Handshake("", b"", f"there is no file {site.ca_file} on the controller (mattermost:verify:ca_file)")
    except (OSError, ValueError) as err:
        error = words(err)
    try:
        with connect(site, True) as connection:
            return Handshake(connection.version() or "", connection.getpeercert(binary_form=True) or b"", error)
    except (OSError, ValueError):
        return Handshake("", b"", error)


def old_protocols(site: Site) -> str:
    """Say whether TLS before 1.2 is spoken there: ``refused``, ``accepted TLSv1.1``, or ``untestable`` from here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        with connect(site, True, context) as connection:
            return f"accepted {connection.version()}"
    except ssl.SSLError as err:
        return "untestable" if err.reason in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE") else "refused"
    except ConnectionError:
        return "refused"
    except OSError:
        return "untestable"


def knock(address: str, port: int, timeout: float) -> str:
    """Say what a TCP port does: ``open``, ``refused`` or ``silent`` (no answer within *timeout* seconds)."""
    try:
        socket.create_connection((address, port), timeout).close()
    except (ConnectionError, socket.gaierror):
        return "refused"
    except OSError as err:
        # a firewall that answers "prohibited" arrives as "no route to host"
        return "silent" if isinstance(err, TimeoutError) else "refused"
    return "open"


def words(err: BaseException) -> str:
    """Return an error of the network in a few words."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return err.verify_message.rstrip(".")  # some end with one, but this is a part of a sentence
    if isinstance(err, ssl.SSLError):
        return (err.reason or str(err)).replace("_", " ").lower()
    if isinstance(err, socket.gaierror):
        return "the name does not resolve"
    if isinstance(err, TimeoutError):
        return "no answer within the time limit"
    if isinstance(err, ConnectionRefusedError):
        return "connection refused"
    return str(err) or type(err).__name__
