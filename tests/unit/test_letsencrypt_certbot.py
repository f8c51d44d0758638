"""certbot is asked again when the CA only stumbled, and not when it refused."""

import mattermost_letsencrypt_certbot as certbot
import pytest


class Scripted(certbot.Certbot):
    """Answers as told, the last answer for ever."""

    def __init__(self, *answers):
        super().__init__("certbot", "", "/etc/letsencrypt", "/var/log/x")
        self.answers, self.asked = list(answers), 0

    def _run(self, *arguments):
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    ("answers", "result", "asked"),
    [
        ([None], None, 1),
        ([("badNonce", "x"), None], None, 2),
        ([("badNonce", "x")], ("badNonce", "x"), 3),
        ([("rateLimited", "x")], ("rateLimited", "x"), 1),  # another try would count against the limit
        ([("dns", "x")], ("dns", "x"), 1),
    ],
)
def test_only_a_stumble_is_tried_again(answers, result, asked):
    client = Scripted(*answers)
    assert (client.run("certonly"), client.asked) == (result, asked)


def test_the_accounts_of_a_server_have_their_folder():
    client = Scripted(None)
    assert client.accounts("https://acme.example.test:14000/dir") == (
        "/etc/letsencrypt/accounts/acme.example.test:14000/dir"
    )


def account(tmp_path, *answers):
    client = Scripted(*answers)
    client.directory = str(tmp_path)
    folder = tmp_path / "accounts/acme.example.test/dir/old"
    folder.mkdir(parents=True)
    return client


SERVER, MAIL = "https://acme.example.test/dir", "admin@example.test"


def test_an_account_that_the_authority_knows_stays(tmp_path):
    client = account(tmp_path, None)
    assert client.usable_account(SERVER, MAIL, "old") == ("old", "")
    assert (tmp_path / "accounts/acme.example.test/dir/old").exists()


def test_an_account_stays_while_the_authority_cannot_be_asked(tmp_path):
    client = account(tmp_path, ("unreachable", "no answer"))
    kept, warning = client.usable_account(SERVER, MAIL, "old")
    assert kept == "old"
    assert "could not be checked (unreachable)" in warning


def test_an_unknown_account_is_put_aside_for_a_new_one(tmp_path):
    client = account(tmp_path, ("accountDoesNotExist", "x"), None)
    asked = client._run

    def registers(*arguments):
        if arguments[0] == "register":
            (tmp_path / "accounts/acme.example.test/dir/new").mkdir()
        return asked(*arguments)

    client._run = registers
    assert client.usable_account(SERVER, MAIL, "old") == ("new", "")
    assert (tmp_path / "unknown-account-old").exists()


def test_it_runs_in_a_locale_that_every_host_has(tmp_path):
    program = tmp_path / "certbot"
    program.write_text('#!/bin/sh\nlocale -a | grep -qx "$LC_ALL" || exit 1\n[ "$LC_ALL" != C.UTF-8 ]\n')
    program.chmod(0o755)
    assert certbot.Certbot(str(program), "", str(tmp_path), "").run("renew") is None
