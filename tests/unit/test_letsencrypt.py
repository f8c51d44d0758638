"""What an ACME certificate needs, certbot's renewal file, and the CA's reason to refuse."""

import mattermost_letsencrypt_certificate as certificates
import mattermost_letsencrypt_core as core
import pytest

from tests.states import load_state

DAY = 86400
NOW = 1_800_000_000.0
NAME = "chat.example.test"
SERVER = "https://acme.example.test/directory"
WANTED = {
    "name": NAME,
    "email": "admin@example.test",
    "server": SERVER,
    "key_type": "ecdsa",
    "webroot": "/var/www/letsencrypt",
    "renews_by_lifetime": False,
}
PARAMS = {"server": SERVER, "key_type": "ecdsa"}
TALK = """\
# renew_before_expiry = 30 days
version = 0.9.3
cert = /etc/letsencrypt/live/chat.example.test/cert.pem
fullchain = /etc/letsencrypt/live/chat.example.test/fullchain.pem

# Options used in the renewal process
[renewalparams]
account = 0123456789abcdef
authenticator = webroot
installer = None
pre_hook = systemctl stop nginx
server = https://acme-v01.api.letsencrypt.org/directory
webroot_path = /usr/share/nginx/html,
[[webroot_map]]
chat.example.test = /usr/share/nginx/html
"""


def certificate(left_days=80, lifetime_days=90, names=(NAME,), key_type="ecdsa"):
    end = NOW + left_days * DAY
    return certificates.Certificate(names, end - lifetime_days * DAY, end, key_type)


@pytest.mark.parametrize(
    ("found", "params", "what"),
    [
        (None, {}, "issue"),
        (certificate(), PARAMS, ""),
        (certificate(names=("other.example.test",)), PARAMS, "issue"),
        (certificate(), PARAMS | {"server": "https://other.example.test/dir"}, "issue"),
        (certificate(), PARAMS | {"key_type": "rsa"}, "issue"),
        (certificate(key_type="rsa"), {"server": SERVER}, "issue"),  # certbot before 1.10 wrote no key type
        (certificate(key_type="rsa"), PARAMS, ""),  # the next renewal makes the wanted kind
        (certificate(left_days=29), PARAMS, ""),  # the timer's work
        (certificate(left_days=14), PARAMS, "renew"),
        (certificate(left_days=-1), PARAMS, "renew"),
        (certificate(left_days=14, lifetime_days=45), PARAMS, ""),
        (certificate(left_days=7, lifetime_days=45), PARAMS, "renew"),
    ],
)
def test_what_is_to_be_done(found, params, what):
    assert core.task(found, params, WANTED, NOW)[0] == what


MORE = WANTED | {"names": [NAME, "second.example.test"]}


@pytest.mark.parametrize(
    ("names", "wanted", "task"),
    [
        ((NAME,), MORE, ("issue", "the existing certificate does not cover second.example.test")),
        ((NAME, "second.example.test"), MORE, ("", "")),
        ((NAME, "second.example.test"), WANTED, ("trim", "the existing certificate also covers second.example.test")),
        (("second.example.test",), MORE, ("issue", "the existing certificate is for another name")),
        ((NAME, "second.example.test"), MORE | {"names": [NAME.upper(), "Second.example.test"]}, ("", "")),
    ],
)
def test_the_certificate_covers_the_wanted_names_and_no_others(names, wanted, task):
    assert core.task(certificate(names=names), PARAMS, wanted, NOW) == task


def test_every_name_is_asked_for_and_renewed():
    asked = core.arguments(MORE, again=True)
    assert [asked[at + 1] for at, part in enumerate(asked) if part == "--domain"] == MORE["names"]
    assert asked[asked.index("--cert-name") + 1] == NAME
    text = core.wanted_renewal(TALK + "reuse_key = True\n", MORE, 90 * DAY)
    assert core.read_renewal(text)["webroot_map"] == dict.fromkeys(MORE["names"], "/var/www/letsencrypt")
    assert core.wanted_renewal(text, MORE, 90 * DAY) == text


def test_a_renewal_makes_a_key_of_its_own():
    text = TALK.replace("[[webroot_map]]", "reuse_key = True\n[[webroot_map]]")
    assert "reuse_key" not in core.wanted_renewal(text, WANTED, 90 * DAY)


def test_the_first_protocol_version_is_the_same_authority():
    wanted = WANTED | {"server": "https://acme-v02.api.letsencrypt.org/directory"}
    params = {"server": "https://acme-v01.api.letsencrypt.org/directory", "key_type": "ecdsa"}
    assert core.task(certificate(), params, wanted, NOW) == ("", "")


@pytest.mark.parametrize(
    ("days", "words"),
    [(90, "30 days"), (64, "21 days"), (45, "15 days"), (6, "2 days"), (1, "8 hours"), (1 / 24, "20 minutes")],
)
def test_renewal_is_due_at_a_third_of_the_lifetime(days, words):
    assert core.renew_before(days * DAY) == words
    assert core.renew_before(days * DAY - 1) == words  # Pebble's certificates end a second early


def test_a_renewal_file_of_another_life_renews_by_our_webroot():
    text = core.wanted_renewal(TALK, WANTED, 90 * DAY)
    found = core.read_renewal(text)
    assert found["webroot_map"] == {NAME: "/var/www/letsencrypt"}
    assert found["webroot_path"] == "/var/www/letsencrypt,"
    assert found["server"] == SERVER
    assert found["key_type"] == "ecdsa"
    assert found["renew_before_expiry"] == "30 days"
    assert found["account"] == "0123456789abcdef"
    assert "pre_hook" not in found
    assert text.index("renew_before_expiry") < text.index("[renewalparams]")


def test_a_remark_stays_with_its_section():
    lines = core.wanted_renewal(TALK, WANTED, 90 * DAY).splitlines()
    assert lines[lines.index("[renewalparams]") - 1] == "# Options used in the renewal process"


def test_a_restored_renewal_file_fits_this_host():
    text = core.restored_renewal(TALK, "/srv/letsencrypt", NAME, "ecdsa")
    found = core.read_renewal(text)
    assert found["fullchain"] == f"/srv/letsencrypt/live/{NAME}/fullchain.pem"
    assert found["archive_dir"] == f"/srv/letsencrypt/archive/{NAME}"
    assert found["server"] == "https://acme-v02.api.letsencrypt.org/directory"
    # No reason to replace a good certificate: the wanted kind of key comes with the next renewal.
    wanted = WANTED | {"server": found["server"]}
    assert core.task(certificate(key_type="rsa"), found, wanted, NOW) == ("", "")


def test_a_fitting_renewal_file_is_left_alone():
    text = core.wanted_renewal(TALK, WANTED, 90 * DAY)
    assert core.wanted_renewal(text, WANTED, 90 * DAY) == text


def test_a_certbot_that_knows_lifetimes_is_left_to_it():
    wanted = WANTED | {"renews_by_lifetime": True}
    text = core.wanted_renewal(core.wanted_renewal(TALK, WANTED, 90 * DAY), wanted, 90 * DAY)
    assert "renew_before_expiry" not in core.read_renewal(text)


def test_the_command_line_has_no_option_that_an_old_certbot_lacks():
    known = {
        "--email --server --webroot --webroot-path --domain --cert-name --key-type",
        "--force-renewal --renew-with-new-domains --keep-until-expiring",
    }
    known = set(" ".join(known).split())
    for again in (True, False):
        assert {a for a in core.arguments(WANTED, again) if a.startswith("--")} <= known


FAILED = """\
Saving debug log to /var/log/letsencrypt/letsencrypt.log
Requesting a certificate for chat.example.test

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: chat.example.test
  Type:   connection
  Detail: 10.0.0.1: Fetching http://chat.example.test/.well-known/acme-challenge/x: Connection refused

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.

Some challenges have failed.
"""
WRAPPED = """\
   Domain: chat.example.test
   Type:   dns
   Detail: DNS problem: NXDOMAIN looking up A for
   chat.example.test
"""
HIDDEN = "An unexpected error occurred:\nAttributeError: can't set attribute\nAsk for help or search\n"
LOG = """\
2026-11-24 08:00:00,000:DEBUG:certbot._internal.main:certbot version: 2.1.0
{
  "type": "urn:ietf:params:acme:error:badNonce",
  "detail": "of an older run",
  "status": 400
}
2026-11-24 09:00:00,000:DEBUG:certbot._internal.main:certbot version: 2.1.0
{
  "type": "urn:ietf:params:acme:error:rateLimited",
  "detail": "too many certificates (5) already issued for this exact set of names, retry after 2026-11-25",
  "status": 429
}
"""
UNREACHABLE = """\
An unexpected error occurred:
requests.exceptions.ConnectionError: HTTPSConnectionPool(host='acme.example.test', port=14000): Max retries exceeded \
with url: /dir (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish \
a new connection: [Errno 111] Connection refused'))
Ask for help or search for solutions at https://community.letsencrypt.org.
"""


@pytest.mark.parametrize(
    ("output", "log", "kind", "words"),
    [
        (FAILED, "", "connection", "10.0.0.1: Fetching http://chat.example.test/.well-known/acme-challenge/x: Connection refused"),
        (WRAPPED, "", "dns", "DNS problem: NXDOMAIN looking up A for chat.example.test"),
        (HIDDEN, LOG, "rateLimited", "too many certificates (5) already issued for this exact set of names, retry after 2026-11-25"),
        (UNREACHABLE, "certbot version: 2.1.0", "unreachable", "acme.example.test:14000: [Errno 111] Connection refused"),
        (HIDDEN, "", "unknown", "AttributeError: can't set attribute"),
        ("", "", "unknown", "certbot printed nothing"),
    ],
)  # fmt: skip
def test_the_authoritys_own_reason_is_found(output, log, kind, words):
    assert core.reason(output, log) == (kind, words)


def test_every_kind_has_advice():
    assert core.advice("dns") != core.advice("connection")
    assert core.advice("of a new kind").endswith(".")


SENT = {
    "a minion": ({"root_dir": "/", "file_client": "remote"}, False, "salt chat.example.com"),
    "salt-ssh": ({"root_dir": "/var/tmp/.root_1_salt/running_data", "file_client": "local"}, False, "salt-ssh chat.example.com"),
    "masterless": ({"root_dir": "/", "file_client": "local"}, True, "salt-call --local"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "stays", "command"), SENT.values(), ids=SENT)
def test_what_must_come_first_is_named_with_the_command_of_the_engine(tmp_path, options, stays, command):
    state = load_state("mattermost_letsencrypt")
    state.__opts__ |= options
    (tmp_path / ".well-known/acme-challenge").mkdir(parents=True)
    said = state._unanswered(str(tmp_path), "no.such.example.test")
    assert said.endswith(f"Run first: {command} state.apply mattermost.deploy.nginx-base")


@pytest.mark.parametrize(("options", "stays", "command"), SENT.values(), ids=SENT)
def test_a_shipped_key_leaves_no_copy_and_a_masterless_host_keeps_the_users_own_file(tmp_path, options, stays, command):
    key = tmp_path / "key.pem"
    key.write_text("key")
    state = load_state("mattermost_letsencrypt", modules={"cp.cache_file": lambda url: str(key)})
    state.__opts__ |= options
    assert state._shipped("salt://mattermost/local/key.pem") == b"key"
    assert key.exists() == stays


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("answer", [None, ("unreachable", "no answer")], ids=["reached", "unreached"])
def test_a_certificate_that_has_no_account_to_renew_with_gets_one(tmp_path, monkeypatch, answer, test):
    """An archive was restored while the authority did not answer; certbot renew cannot ask for an address."""
    state = load_state("mattermost_letsencrypt")
    state.__opts__["test"] = test
    asked, accounts = [], tmp_path / "accounts/acme.example.test/directory"

    def run(self, *arguments):
        asked.append(arguments[0])
        if answer is None:
            (accounts / "1").mkdir(parents=True)
        return answer

    monkeypatch.setattr(state.certbot.Certbot, "run", run)
    monkeypatch.setattr(state, "_certificate", lambda *_: certificate())
    monkeypatch.setattr(state.time, "time", lambda: NOW)
    (tmp_path / "renewal").mkdir()
    (tmp_path / f"renewal/{NAME}.conf").write_text(
        f"[renewalparams]\nserver = {SERVER}\nkey_type = ecdsa\n[[webroot_map]]\n"
    )
    given = {"email": "admin@example.test", "server": SERVER, "webroot": str(tmp_path / "webroot")}

    def issued():
        return state.issued(NAME, **given, work=str(tmp_path), directory=str(tmp_path))

    ret = issued()
    assert asked == ([] if test else ["register"])
    assert SERVER in ret["changes"] or answer and not test
    assert ret["result"] is (None if test else True)
    assert bool(ret.get("warnings")) == bool(answer and not test)
    if answer is None and not test:
        again = issued()
        assert (again["changes"], asked) == ({}, ["register"])


RENEWALS = "# renew_before_expiry = 30 days\nversion = 2.1.0\narchive_dir = /x\n{top}[renewalparams]\naccount = abc\n{hook}authenticator = webroot\n[[webroot_map]]\n"


@pytest.mark.parametrize(
    "hook",
    ['"renew_hook" = touch x\n', "'pre_hook' = touch x\n", "\tpost_hook = touch x\n", "x = 1\rpre_hook = touch x\n", "x = 1\u2028pre_hook = y\n", '"manual_auth_hook" = x\n'],
    ids=ascii,
)  # fmt: skip
def test_no_hook_of_a_restored_renewal_is_run(hook):
    """certbot runs it as root at each renewal; a backup or an archive of another host may name it in ways of its own."""
    for text in (RENEWALS.format(top="", hook=hook), RENEWALS.format(top=hook, hook="")):
        kept = core.wanted_renewal(
            core.restored_renewal(text, "/etc/letsencrypt", "chat.example.com", "ecdsa"), WANTED, 90 * 86400
        )
        assert "hook" not in kept
        assert "account = abc\n" in kept
        assert core.wanted_renewal(kept, WANTED, 90 * 86400) == kept
