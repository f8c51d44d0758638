"""A mail server that takes everything, for one test."""

from __future__ import annotations

from aiosmtpd.controller import Controller

from tests.conformance import ports


class Sink:
    """port: where it listens. mails: what came, as (sender, recipients, text)."""

    def __init__(self):
        self.port, self.mails = ports.free(), []
        self._server = Controller(self, hostname="127.0.0.1", port=self.port, decode_data=True)
        self._server.start()

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 fine"

    def close(self):
        self._server.stop()
