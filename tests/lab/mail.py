"""A mail server on the bridge that keeps what it gets, one file a message."""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import re
from email import message_from_bytes
from email.policy import default as policy
from pathlib import Path

LIMIT = 1 << 24
PORT = 25


class Session:
    """One SMTP conversation (RFC 5321; AUTH PLAIN and LOGIN accept anybody)."""

    def __init__(self, directory, numbers, reader, writer):
        self.directory, self.numbers = directory, numbers
        self.reader, self.writer = reader, writer
        self.user, self.sender, self.recipients = "", "", []

    async def serve(self):
        await self.say("220 mail.lab.test ESMTP")
        while line := await self.reader.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            answer = getattr(self, f"do_{verb.lower()}", None)
            if answer is None:
                await self.say("502 5.5.1 Unknown command")
            elif await answer(rest) == "bye":
                return

    async def say(self, text):
        self.writer.write(f"{text}\r\n".encode())
        await self.writer.drain()

    async def do_ehlo(self, rest):
        await self.say("250-mail.lab.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN")

    async def do_helo(self, rest):
        await self.say("250 mail.lab.test")

    async def do_noop(self, rest):
        await self.say("250 2.0.0 OK")

    async def do_rset(self, rest):
        self.sender, self.recipients = "", []
        await self.say("250 2.0.0 OK")

    async def do_quit(self, rest):
        await self.say("221 2.0.0 Bye")
        return "bye"

    async def do_auth(self, rest):
        kind, _, first = rest.partition(" ")
        if kind.upper() == "PLAIN":
            answer = first or await self.ask("")
            self.user = _decode(answer).split("\0")[1]
        else:
            self.user = _decode(first or await self.ask("VXNlcm5hbWU6"))
            await self.ask("UGFzc3dvcmQ6")
        await self.say("235 2.7.0 Welcome")

    async def ask(self, prompt):
        await self.say(f"334 {prompt}")
        return (await self.reader.readline()).decode().strip()

    async def do_mail(self, rest):
        self.sender, self.recipients = _address(rest), []
        await self.say("250 2.1.0 OK")

    async def do_rcpt(self, rest):
        self.recipients.append(_address(rest))
        await self.say("250 2.1.5 OK")

    async def do_data(self, rest):
        if not self.recipients:
            await self.say("503 5.5.1 No recipients")
            return
        await self.say("354 Go ahead")
        lines = []
        while (line := await self.reader.readline()) not in (b".\r\n", b".\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        envelope = f"X-Lab-From: {self.sender}\r\nX-Lab-To: {', '.join(self.recipients)}\r\nX-Lab-User: {self.user}\r\n"
        name = f"{next(self.numbers):05}.eml"
        unfinished = self.directory / f".{name}"
        unfinished.write_bytes(envelope.encode() + b"".join(lines))
        unfinished.rename(self.directory / name)
        await self.say("250 2.0.0 Kept")


def _decode(text):
    return base64.b64decode(text).decode("utf-8", "replace")


def _address(rest):
    found = re.search(r"<([^>]*)>", rest)
    return found.group(1) if found else rest.partition(":")[2].strip()


class Mailbox:
    """What the mail server has kept."""

    def __init__(self, directory):
        self.directory = Path(directory)

    def messages(self):
        """All messages, oldest first, as EmailMessage; the envelope is in the headers
        ``X-Lab-From``, ``X-Lab-To`` and ``X-Lab-User`` (who logged in)."""
        return [
            message_from_bytes(path.read_bytes(), policy=policy) for path in sorted(self.directory.glob("[0-9]*.eml"))
        ]

    def clear(self):
        for path in self.directory.glob("[0-9]*.eml"):
            path.unlink()


async def serve(address, port, directory, started=lambda server: None):
    """Listen and keep messages in *directory* for ever. started: told the server once."""
    directory.mkdir(parents=True, exist_ok=True)
    taken = [int(path.stem) for path in directory.glob("[0-9]*.eml")]
    numbers = itertools.count(max(taken, default=0) + 1)

    async def converse(reader, writer):
        try:
            await asyncio.wait_for(Session(directory, numbers, reader, writer).serve(), 300)
        except (ConnectionError, asyncio.TimeoutError, ValueError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(converse, address, port, limit=LIMIT)
    async with server:
        started(server)
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--directory", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.listen, options.port, options.directory))


if __name__ == "__main__":
    main()
