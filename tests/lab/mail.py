"""A mail server on the bridge that keeps what it gets, one file a message."""

from __future__ import annotations

import argparse
import asyncio
import itertools
from email import message_from_bytes
from email.policy import default as policy
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult

LIMIT = 1 << 24
PORT = 25


class Handler:
    """Keeps each message with its envelope in *directory*."""

    def __init__(self, directory):
        self.directory = directory
        taken = [int(path.stem) for path in directory.glob("[0-9]*.eml")]
        self.numbers = itertools.count(max(taken, default=0) + 1)

    async def handle_DATA(self, server, session, envelope):
        user = session.auth_data.login.decode() if session.authenticated else ""
        recipients = ", ".join(envelope.rcpt_tos)
        head = f"X-Lab-From: {envelope.mail_from}\r\nX-Lab-To: {recipients}\r\nX-Lab-User: {user}\r\n"
        name = f"{next(self.numbers):05}.eml"
        unfinished = self.directory / f".{name}"
        unfinished.write_bytes(head.encode() + envelope.original_content)
        unfinished.rename(self.directory / name)
        return "250 2.0.0 Kept"


def _welcome(server, session, envelope, mechanism, credentials):
    return AuthResult(success=True, auth_data=credentials)


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
    """Listen and keep messages in *directory* for ever; everybody may log in. started: told the server once."""
    directory.mkdir(parents=True, exist_ok=True)
    handler = Handler(directory)

    def session():
        return SMTP(
            handler,
            hostname="mail.lab.test",
            data_size_limit=LIMIT,
            enable_SMTPUTF8=True,
            authenticator=_welcome,
            auth_require_tls=False,
        )

    server = await asyncio.get_running_loop().create_server(session, address, port)
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
