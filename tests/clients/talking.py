"""A client of others at work on a site: a program (client.cjs, client.py) that prints a line for each thing that it did or was sent."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time

from tests.clients import installed

BEGINS = ("signed in", "file is the same", "hello")


class Talker:
    """A running client, signed in to the site as one user; what it did not say in time, if anything, is ``missing``.

    site: name, address (where that name is), login, password. ca_file: PEM to trust.
    """

    def __init__(self, kind, cache, site, ca_file):
        command, needed = installed.program(kind, cache)
        trust = {"NODE_EXTRA_CA_CERTS": str(ca_file), "SSL_CERT_FILE": str(ca_file)}
        self.said, self.errors = (tempfile.NamedTemporaryFile("w+", prefix=f"{kind}-") for _ in range(2))
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **needed, **trust, "SITE": json.dumps(site)},
            stdin=subprocess.PIPE, stdout=self.said, stderr=self.errors, text=True,
        )  # fmt: skip
        self.kind, self.missing = kind, ""

    def lines(self) -> list[str]:
        with open(self.said.name) as file:
            return file.read().splitlines()

    def hellos(self) -> int:
        """How many times the websocket was opened."""
        return self.lines().count("hello")

    def wait(self, what, true, seconds):
        """Wait until *true*(), else note that *what* is missing; nothing more is waited for then."""
        deadline = time.monotonic() + seconds
        while not self.missing and not true():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.missing = what
            time.sleep(0.1)

    def begin(self, seconds=60):
        for line in BEGINS:
            self.wait(line, lambda line=line: any(said.startswith(line) for said in self.lines()), seconds)
        self.post("first")

    def post(self, text, seconds=20):
        """Post *text* and wait until the websocket brings it back, which brings the same user's other clients' too."""
        text = f"{text} by {self.kind}"
        try:
            self.process.stdin.write(f"{text}\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it ended: its event is missing
        for line in (f"event {text}", f"posted {text}"):  # in either order
            self.wait(line, lambda line=line: line in self.lines(), seconds)

    def reconnects(self, while_, seconds=60):
        """Post after the websocket is open once more than it was *while_* times."""
        self.wait(f"hello {while_ + 1}", lambda: self.hellos() > while_, seconds)

    def told(self) -> str:
        with open(self.errors.name) as file:
            return "\n".join([*self.lines(), file.read()[-3000:]])

    def end(self):
        self.process.kill()
        self.process.communicate()


def talk(cache, site, ca_file, changes) -> dict:
    """Have a client of each kind use the site while *changes* happen to it: functions by the name of what they do.

    Returns by kind its Talker, or the reason why it cannot be had.
    """
    found = {}
    try:
        for kind in installed.KINDS:
            try:
                found[kind] = Talker(kind, cache, site, ca_file)
            except installed.Missing as missing:
                found[kind] = str(missing)
        talkers = [talker for talker in found.values() if isinstance(talker, Talker)]
        for talker in talkers:
            talker.begin()
        for name, change in changes.items():
            before = {talker: talker.hellos() for talker in talkers}
            change()
            for talker in talkers:
                talker.reconnects(before[talker])
                talker.post(name)
        return found
    finally:
        for talker in found.values():
            if isinstance(talker, Talker):
                talker.end()
