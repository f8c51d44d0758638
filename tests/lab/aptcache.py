"""A package mirror for the hosts that asks the machine's own mirror and remembers.

Run as a program it listens on the bridge. Several labs may share one cache
directory, so a file appears in it whole or not at all. Not apt-cacher-ng: its package
starts a service on the machine, and it wants a cache directory of its own for each lab.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import socket
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

# Package files and files named by their own hash never change.
_IMMUTABLE = re.compile(r"/pool/.+\.u?deb$|/by-hash/[^/]+/[0-9a-f]{32,}$")
TIMEOUT = 60


def locate(path, mirrors):
    """Say where a request goes: ``(upstream URL, name in the cache, is it immutable)``.

    path: of the request. mirrors: first path component to the mirror's URL.
    Returns None for a path that no mirror has.
    """
    path = urllib.parse.unquote(urllib.parse.urlsplit(path).path)
    first, _, rest = path.lstrip("/").partition("/")
    if first not in mirrors or not rest or ".." in rest.split("/"):
        return None
    return f"{mirrors[first]}/{urllib.parse.quote(rest)}", f"{first}/{rest}", bool(_IMMUTABLE.search(path))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mirrors: dict = {}
    cache = Path()
    locks: dict = {}

    def do_GET(self):
        target = locate(self.path, self.mirrors)
        if target is None:
            return self._refuse(404, "No such file on the lab's mirror.")
        url, name, immutable = target
        stored = self.cache / name
        if immutable:
            with self.locks.setdefault(name, threading.Lock()):
                return self._send(stored) if stored.is_file() else self._fetch(url, stored)
        return self._fetch(url, stored, fallback=True)

    do_HEAD = do_GET

    def _send(self, stored):
        with stored.open("rb") as source:
            self.send_response(200)
            self.send_header("Content-Length", str(os.fstat(source.fileno()).st_size))
            self.end_headers()
            if self.command != "HEAD":
                shutil.copyfileobj(source, self.wfile, 1 << 18)

    def _fetch(self, url, stored, fallback=False):
        """Pass *url* on to the host while storing it. fallback: when the mirror cannot
        be reached, serve the last copy."""
        try:
            answer = urllib.request.urlopen(url, timeout=TIMEOUT)  # noqa: S310  http(s) only: aptsources
        except urllib.error.HTTPError as error:
            return self._refuse(error.code, error.reason)
        except OSError as error:
            if fallback and stored.is_file():
                return self._send(stored)
            return self._refuse(502, f"The machine's own mirror does not answer: {error}")
        with answer:
            return self._pass_on(answer, stored)

    def _pass_on(self, answer, stored):
        length = answer.headers.get("Content-Length")
        self.send_response(200)
        for header in ("Content-Length", "Last-Modified", "Content-Type"):
            if answer.headers.get(header):
                self.send_header(header, answer.headers[header])
        if length is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return
        stored.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=stored.parent, prefix=".part-")
        got = 0
        try:
            with os.fdopen(handle, "wb") as copy:
                while chunk := answer.read(1 << 18):
                    got += len(chunk)
                    copy.write(chunk)
                    self.wfile.write(chunk)
            if length is None or got == int(length):
                os.chmod(temporary, 0o644)
                os.replace(temporary, stored)
            else:
                self.close_connection = True
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)

    def _refuse(self, status, reason):
        body = f"{reason}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A host that was cut off in the middle is no news."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--mirrors", type=json.loads, required=True)
    options = parser.parse_args()
    Handler.mirrors, Handler.cache = options.mirrors, options.cache
    # One look-up per mirror, not per file: name servers that limit how often they are
    # asked make every 25th package wait for seconds.
    socket.getaddrinfo = functools.lru_cache(maxsize=64)(socket.getaddrinfo)
    Server((options.listen, options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
