"""The mail sink keeps what a real client sends."""

import asyncio
import smtplib
import threading
from email.message import EmailMessage

import pytest

from tests.lab import mail
from tests.lab.shell import wait_until


@pytest.fixture
def sink(tmp_path):
    """A running sink on loopback; yields ``(port, mailbox)``."""
    loop = asyncio.new_event_loop()
    ports = []

    async def main():
        def started(server):
            ports.append(server.sockets[0].getsockname()[1])

        await mail.serve("127.0.0.1", 0, tmp_path, started=started)

    thread = threading.Thread(target=lambda: _run(loop, main()))
    thread.start()
    wait_until(lambda: ports, "the start of the sink")
    yield ports[0], mail.Mailbox(tmp_path)
    loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
    thread.join(10)


def _run(loop, coroutine):
    try:
        loop.run_until_complete(coroutine)
    except asyncio.CancelledError:
        pass
    finally:
        loop.close()


def test_a_message_is_kept_with_its_envelope(sink):
    port, mailbox = sink
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message.set_content("first\n.dot\n..two\n")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.login("chat", "geheim")
        client.send_message(message, "from@example.test", ["a@example.test", "b@example.test"])
    (kept,) = mailbox.messages()
    assert kept["Subject"] == "Grüße"
    assert kept.get_content().splitlines() == ["first", ".dot", "..two"]
    assert (kept["X-Lab-From"], kept["X-Lab-To"]) == ("from@example.test", "a@example.test, b@example.test")
    assert kept["X-Lab-User"] == "chat"


def test_messages_stay_in_order(sink):
    port, mailbox = sink
    for number in range(3):
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("a@x", ["b@x"], f"Subject: {number}\r\n\r\n")
    assert [message["Subject"] for message in mailbox.messages()] == ["0", "1", "2"]


def test_nothing_is_kept_without_a_recipient(sink):
    port, mailbox = sink
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo()
        client.mail("a@x")
        assert client.docmd("DATA")[0] == 503
    assert mailbox.messages() == []
