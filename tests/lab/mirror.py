"""An HTTPS mirror on the bridge that serves the lab's release archives, faults included.

Run as a program it answers for the project's own mirror name and for the vendor's.
Faults are read from a file at each request, so that tests switch them while it
runs; `Mirror` is how they do that.
"""

from __future__ import annotations

import argparse
import http.server
import json
import re
import ssl
import time
from pathlib import Path

from tests.lab.plan import RELEASES_NAME, VENDOR_RELEASES_NAME

CHUNK = 1 << 16
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
KINDS = {"status", "slow", "short", "wrong"}


def locate(host, path, archives, sites):
    """The file that a request means, or None.

    host: name that was asked. path: of the request. archives: directory of release
    archives, offered as /VERSION/NAME. sites: directory with one document root per
    further name.
    """
    parts = path.split("?", 1)[0].split("/")[1:]
    if any(part in ("", ".", "..") for part in parts):
        return None
    if host in (RELEASES_NAME, VENDOR_RELEASES_NAME):
        if len(parts) != 2 or f"-{parts[0]}-" not in parts[1]:
            return None
        found = archives / parts[1]
    else:
        found = sites / host / "/".join(parts)
    return found if found.is_file() else None


def byte_range(header, size):
    """The ``(first, last)`` byte that a Range *header* asks for of *size* bytes.

    Returns None when all is wanted, and False when the range cannot be satisfied.
    """
    found = _RANGE.fullmatch(header or "")
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        first, last = max(0, size - int(last)), size - 1
    first, last = int(first), min(int(last or size - 1), size - 1)
    return (first, last) if first <= last else False


def pick(faults, path, used):
    """The fault that applies to *path* now, or None.

    faults: list of dicts as `Mirror.fault` writes them. used: fault id to how often it
    struck; counted up here.
    """
    for fault in faults:
        if fault["path"] not in (path, "*"):
            continue
        if fault["times"] is not None and used.get(fault["id"], 0) >= fault["times"]:
            continue
        used[fault["id"]] = used.get(fault["id"], 0) + 1
        return fault
    return None


def spoil(chunk):
    """*chunk* with other bytes, of the same length."""
    return bytes(byte ^ 0xFF for byte in chunk)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    archives = sites = faults = Path()
    used: dict = {}

    def do_GET(self):
        host = (self.headers.get("Host") or "").split(":")[0]
        fault = pick(self._faults(), self.path, self.used)
        if fault and fault["kind"] == "status":
            return self._empty(fault["value"])
        found = locate(host, self.path, self.archives, self.sites)
        if found is None:
            return self._empty(404)
        size = found.stat().st_size
        wanted = byte_range(self.headers.get("Range"), size)
        if wanted is False:
            return self._empty(416, {"Content-Range": f"bytes */{size}"})
        first, last = wanted or (0, size - 1)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if self.command == "GET":
            self._body(found, first, last - first + 1, fault or {"kind": None})

    do_HEAD = do_GET

    def log_request(self, code="-", size="-"):
        """One JSON object a line, for `Mirror.requests`."""
        seen = {"path": self.path, "range": self.headers.get("Range"), "status": int(code), "method": self.command}
        print(json.dumps(seen), flush=True)

    def _faults(self):
        return json.loads(self.faults.read_text()) if self.faults.exists() else []

    def _empty(self, status, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, path, first, length, fault):
        """Send *length* bytes from *first* on, as the fault has it."""
        if fault["kind"] == "short":
            # The header has promised more: what comes is cut off, as by a lost connection.
            length = min(length, fault["value"])
            self.close_connection = True
        chunk_size = CHUNK
        if fault["kind"] == "slow":
            chunk_size = max(1, fault["value"] // 10)
        with path.open("rb") as source:
            source.seek(first)
            while length > 0 and (chunk := source.read(min(chunk_size, length))):
                self.wfile.write(spoil(chunk) if fault["kind"] == "wrong" else chunk)
                length -= len(chunk)
                if fault["kind"] == "slow":
                    time.sleep(0.1)


class Server(http.server.ThreadingHTTPServer):
    """TLS is spoken in the worker thread, so that one silent client blocks nobody."""

    daemon_threads = True

    def finish_request(self, request, client_address):
        request.settimeout(30)
        request.do_handshake()
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        """A client that went away is no news."""


class Mirror:
    """The tests' switch for the mirror's faults, and what hosts asked it for."""

    def __init__(self, faults, log):
        self.faults, self.log = Path(faults), Path(log)

    def requests(self):
        """What was asked so far: dicts with ``path``, ``range``, ``status``, ``method``."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def read(self):
        return json.loads(self.faults.read_text()) if self.faults.exists() else []

    def fault(self, kind, value=None, *, path="*", times=None):
        """Let requests for *path* (as in the URL, ``*`` for all) go wrong.

        kind and value: ``status`` a number to answer with; ``slow`` bytes a second;
        ``short`` bytes after which the connection ends; ``wrong`` (no value) other
        bytes. times: how many requests it strikes, all when None.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no fault of the mirror; there are {', '.join(sorted(KINDS))}.")
        fault = {"id": time.monotonic_ns(), "kind": kind, "value": value, "path": path, "times": times}
        self._write([*self.read(), fault])

    def heal(self):
        """End all faults."""
        self._write([])

    def _write(self, faults):
        self.faults.parent.mkdir(parents=True, exist_ok=True)
        new = self.faults.with_suffix(".new")
        new.write_text(json.dumps(faults))
        new.replace(self.faults)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--port", type=int, default=443)
    for name in ("chain", "key", "archives", "sites", "faults"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    Handler.archives, Handler.sites, Handler.faults = options.archives, options.sites, options.faults
    server = Server((options.listen, options.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.chain, options.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
