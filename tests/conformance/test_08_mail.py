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


def asked_for_mail(admin):
    """Have the test mail sent as the console does: with the whole configuration."""
    return admin.post("email/test", admin.get("config").json)


def test_it_reaches_the_mail_server(site, sink):
    answer = asked_for_mail(admin_of(site, sink.port))
    assert answer.status == 200, answer
    sender, recipients, text = sink.mails[-1]
    assert (sender, recipients) == ("chat@example.test", ["admin@example.test"])
    assert "From:" in text
    assert "chat@example.test" in text


def test_the_settings_come_with_the_request_and_the_servers_own_are_used(site, sink, rules):
    """11.0 wants them whole, and sends by its own; older ones send by those of the request."""
    admin = admin_of(site, ports.free())
    config = admin.get("config").json
    config["EmailSettings"]["SMTPPort"] = str(sink.port)
    assert (admin.post("email/test", config).status == 200) is not rules.at_least(11, 0)
    assert (admin.post("email/test", {}).status == 400) is rules.at_least(11, 0)


def test_a_mail_server_that_is_away_is_an_error(site):
    assert asked_for_mail(admin_of(site, ports.free())).status == 500


def test_it_is_for_admins(chat):
    config = chat.as_admin.get("config").json
    assert chat.as_member.post("email/test", config).status == 403
    assert chat.http.post("email/test", config).status == 401
