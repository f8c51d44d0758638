"""Send one mail by SMTP, with the server's mail settings."""

from __future__ import annotations

import os
from typing import Any

BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class MailError(Exception):
    """Why the mail was not taken."""


def send(settings: dict[str, Any], to: str, subject: str, text: str) -> None:
    """Send *text* to one address. settings: EmailSettings. Blocks; raises MailError."""
    import smtplib
    import ssl
    from email.message import EmailMessage
    from email.utils import formataddr, formatdate, make_msgid

    sender = settings["FeedbackEmail"]
    message = EmailMessage()
    message["From"] = formataddr((settings["FeedbackName"], sender))
    message["To"], message["Subject"] = to, subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="stand-in.invalid")
    if settings["ReplyToAddress"]:
        message["Reply-To"] = settings["ReplyToAddress"]
    message.set_content(text)

    context = ssl.create_default_context()
    for bundle in filter(os.path.isfile, BUNDLES):
        context.load_verify_locations(bundle)
    if settings["SkipServerCertificateVerification"]:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    kind, timeout = settings["ConnectionSecurity"], settings["SMTPServerTimeout"]
    try:
        where = (settings["SMTPServer"], int(settings["SMTPPort"]))
        client = (
            smtplib.SMTP_SSL(*where, timeout=timeout, context=context)
            if kind == "TLS"
            else smtplib.SMTP(*where, timeout=timeout)
        )
        with client:
            if kind == "STARTTLS":
                client.starttls(context=context)
            if settings["EnableSMTPAuth"]:
                client.login(settings["SMTPUsername"], settings["SMTPPassword"])
            client.send_message(message, sender, [to])
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise MailError(f"Connection unsuccessful: {error}") from None
