"""Row 8, continued: the test mail."""

import pytest

from tests.conformance import ports
from tests.conformance.conftest import PASSWORD
from tests.conformance.sink import Sink


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def admin_of(site, port):
    site.set(
        EmailSettings__SMTPServer="127.0.0.1",
        EmailSettings__SMTPPort=str(port),
        EmailSettings__FeedbackEmail="chat@example.test",
        EmailSettings__FeedbackName="Chat",
        EmailSettings__SendEmailNotifications=True,
    )
    server = site.up()
    server.local.post("users", {"email": "admin@example.test", "username": "admin", "password": PASSWORD})
    return server.http.login("admin", PASSWORD)


def test_it_reaches_the_mail_server(site, sink):
    answer = admin_of(site, sink.port).post("email/test")
    assert answer.status == 200, answer
    sender, recipients, text = sink.mails[-1]
    assert (sender, recipients) == ("chat@example.test", ["admin@example.test"])
    assert "From:" in text
    assert "chat@example.test" in text


def test_settings_may_come_with_the_request(site, sink):
    admin = admin_of(site, ports.free())
    config = admin.get("config").json
    config["EmailSettings"]["SMTPPort"] = str(sink.port)
    assert admin.post("email/test", config).status == 200
    assert len(sink.mails) >= 1


def test_a_mail_server_that_is_away_is_an_error(site):
    assert admin_of(site, ports.free()).post("email/test").status == 500


def test_it_is_for_admins(chat):
    assert chat.as_member.post("email/test").status == 403
    assert chat.http.post("email/test").status == 401
