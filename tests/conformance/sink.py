"""A mail server that takes everything, for one test."""

from __future__ import annotations

import socketserver
import threading

from tests.conformance import ports


class Sink:
    """port: where it listens. mails: what came, as (sender, recipients, text)."""

    def __init__(self):
        self.port, self.mails = ports.free(), []
        mails = self.mails

        class Session(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

            def handle(self):
                self.say("220 sink ESMTP")
                sender, recipients = "", []
                while line := self.rfile.readline().decode("utf-8", "replace").strip():
                    verb = line.upper()
                    if verb.startswith("MAIL FROM:"):
                        sender = line[10:].split(">")[0].strip(" <")
                    elif verb.startswith("RCPT TO:"):
                        recipients.append(line[8:].split(">")[0].strip(" <"))
                    elif verb == "DATA":
                        self.say("354 go on")
                        text = b""
                        while (part := self.rfile.readline()) not in (b".\r\n", b""):
                            text += part
                        mails.append((sender, recipients, text.decode("utf-8", "replace")))
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    self.say("250 fine")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Session)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
