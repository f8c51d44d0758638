"""The host's own look at its certificate: when somebody is needed, with which reason, and how they are told."""

import json
import os
import pathlib
import subprocess
import time

import mattermost_letsencrypt_core as core
import pytest

from tests import programs
from tests.unit import fake_site

NAME = "chat.example.test"
DAY = 86400

DETAIL = """Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: other.example.test
  Type:   dns
  Detail: not ours
  Domain: chat.example.test
  Type:   unauthorized
  Detail: Non-200 status code: 404
"""
PROBLEM = """{
  "type": "urn:ietf:params:acme:error:rateLimited",
  "detail": "too many certificates already issued",
  "status": 429
}
"""


def run_of_certbot(when, body, error="Some challenges have failed.", name=NAME):
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
    failed = f"{stamp},9:ERROR:certbot._internal.renewal:Failed to renew certificate {name} with error: {error}\n"
    return f"{stamp},1:DEBUG:certbot._internal.main:certbot version: 2.1.0\n{body}{failed if error else ''}"


class Host:
    """A directory that mattermost-certificate takes for a host: its settings, a certificate, systemctl and curl by stubs."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.units = {"is-active": "active", "is-enabled": "enabled"}
        self.failed = False
        self.log = path / "letsencrypt.log"
        self.settings = {
            "name": NAME, "source": "letsencrypt", "chain": path / "fullchain.pem", "min_days": 21, "site": path / "site.conf",
            "work": path / "work", "timer": "certbot.timer", "service": "certbot.service", "log": self.log,
        }  # fmt: skip
        (path / "site.conf").touch()
        (path / "bin").mkdir()

    def certificate(self, days=90, age=1):
        leaf = fake_site.certificate(NAME, fake_site.certificate("Authority"), days=days, age=age)[0]
        (self.path / "fullchain.pem").write_text(fake_site.pem(leaf))

    def stub(self, name, text):
        program = self.path / "bin" / name
        program.write_text(f"#!/bin/sh\n{text}")
        program.chmod(0o755)

    def run(self, command):
        (self.path / "conf").write_text("".join(f"{key}={value}\n" for key, value in self.settings.items()))
        self.stub(
            "systemctl",
            "case $1 in "
            + " ".join(f"{k}) echo {v};;" for k, v in self.units.items())
            + f" is-failed) exit {0 if self.failed else 1};; esac",
        )
        environment = {
            **os.environ,
            "PATH": f"{self.path}/bin:{os.environ['PATH']}",
            "MATTERMOST_CERTIFICATE_SETTINGS": str(self.path / "conf"),
            "MATTERMOST_CERTIFICATE_PORT": "1",  # nothing listens there: the file on disk counts
        }
        return subprocess.run(
            ["dash", programs.installed("mattermost-certificate", self.path), command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def report(self):
        text = (self.path / "work/certificate/report").read_text()
        return dict(line.split("=", 1) for line in text.splitlines())


@pytest.fixture
def host(tmp_path):
    made = Host(tmp_path)
    made.certificate()
    return made


def test_a_young_certificate_needs_nobody(host):
    done = host.run("check")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert host.report()["result"] == "done"
    assert "88 days left" in host.report()["what"] or "89 days left" in host.report()["what"]


def test_a_look_changes_nothing(host):
    done = host.run("look")
    assert done.returncode == 0
    assert "limit=" in done.stdout
    assert not (host.path / "work").exists()


@pytest.mark.parametrize(("age", "code"), [(62, 0), (64, 4), (100, 4)])
def test_a_renewal_counts_as_failed_long_before_the_end(host, age, code):
    host.certificate(days=90, age=age)
    assert host.run("check").returncode == code
    assert host.report()["result"] == ("failed" if code else "done")


@pytest.mark.parametrize("days", [0.05, 1, 6, 45, 90, 398])
def test_host_and_controller_reckon_the_same(host, days):
    host.certificate(days=days, age=0)
    shown = dict(line.split("=", 1) for line in host.run("look").stdout.splitlines())
    lifetime = int(shown["last"]) - int(shown["first"])
    assert int(shown["limit"]) == pytest.approx(core.overdue(lifetime), abs=2)


@pytest.mark.parametrize(
    ("body", "error", "reason"),
    [
        (DETAIL, "Some challenges have failed.", "unauthorized: Non-200 status code: 404"),
        (PROBLEM, "can't set attribute", "rateLimited: too many certificates already issued"),
        ("", "HTTPSConnectionPool(host='acme'): refused", "HTTPSConnectionPool(host='acme'): refused"),
    ],
)
def test_the_authoritys_reason_is_told(host, body, error, reason):
    host.certificate(age=70)
    host.log.write_text(
        run_of_certbot(time.time() - 7200, "", "an older reason")
        + run_of_certbot(time.time() - 3600, body, error)
        + run_of_certbot(time.time(), "somebody looked\n", error=None)
    )
    done = host.run("check")
    assert done.returncode == 4
    assert f"The last renewal failed: {reason}." in host.report()["what"]


def test_a_renewal_file_that_certbot_does_not_take_is_a_reason(host):
    host.certificate(age=70)
    broken = f"Renewal configuration file /etc/letsencrypt/renewal/{NAME}.conf (cert: {NAME}) produced an unexpected error: not a symlink. Skipping.\n"
    host.log.write_text(run_of_certbot(time.time(), broken, error=None))
    host.run("check")
    assert "not a symlink" in host.report()["what"]


def test_a_certbot_that_fails_without_a_reason_is_said_to(host):
    host.certificate(age=70)
    host.failed = True
    host.run("check")
    assert "The last renewal failed: journalctl -u certbot.service shows the reason." in host.report()["what"]


def test_another_certificates_failure_is_not_ours(host):
    host.certificate(age=70)
    host.log.write_text(run_of_certbot(time.time(), "", "not ours", "other.example.test"))
    host.run("check")
    assert "reason" not in host.report()


def test_a_first_failed_try_is_said_and_needs_nobody_yet(host):
    host.certificate(age=61)
    host.log.write_text(run_of_certbot(time.time(), DETAIL))
    assert host.run("check").returncode == 0
    assert "The last renewal failed (unauthorized" in host.report()["what"]


@pytest.mark.parametrize(("unit", "state"), [("is-active", "inactive"), ("is-enabled", "disabled")])
def test_a_timer_that_is_off_needs_somebody(host, unit, state):
    host.units[unit] = state
    assert host.run("check").returncode == 4
    assert f"certbot.timer is {state}" in host.report()["what"]


@pytest.mark.parametrize(("age", "code"), [(300, 0), (380, 4)])
def test_own_files_are_told_by_days(host, age, code):
    host.settings["source"] = "files"
    host.units["is-active"] = "inactive"  # no timer renews them
    host.certificate(days=398, age=age)
    assert host.run("check").returncode == code


def test_a_plain_site_has_none(host):
    (host.path / "site.conf").unlink()
    (host.path / "fullchain.pem").unlink()
    assert host.run("check").returncode == 0


def test_a_certificate_that_is_gone_needs_somebody(host):
    (host.path / "fullchain.pem").unlink()
    assert host.run("check").returncode == 4
    assert "shows no certificate" in host.report()["what"]


def test_what_is_told_is_the_report(host):
    host.certificate(age=100)
    host.run("check")
    host.stub("mattermost-tell", f'echo "$1" >{host.path}/subject; cat >{host.path}/text')
    assert host.run("tell").returncode == 0
    assert (host.path / "subject").read_text() == f"Certificate check of {NAME} failed\n"
    assert "expired on" in (host.path / "text").read_text()


def test_a_look_that_broke_is_told_too(host):
    host.stub("mattermost-tell", f"cat >{host.path}/text")
    host.run("tell")
    assert "could not be checked" in (host.path / "text").read_text()


def tell(path, text='It "broke".\nTwice.', **settings):
    """Run mattermost-tell with a curl that keeps its arguments, configuration and body."""
    (path / "bin").mkdir(exist_ok=True)
    curl = path / "bin/curl"
    curl.write_text(
        f'#!/bin/sh\necho "$*" >>{path}/arguments\ncat >>{path}/configuration\n'
        f'for word; do case $word in @*) cat "${{word#@}}" >>{path}/sent;; */body) cat "$word" >>{path}/sent;; esac; done\nexit ${{CURL:-0}}\n'
    )
    curl.chmod(0o755)
    (path / "conf").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    environment = {
        **os.environ,
        "PATH": f"{path}/bin:{os.environ['PATH']}",
        "MATTERMOST_TELL_SETTINGS": str(path / "conf"),
    }
    return subprocess.run(["dash", programs.installed("mattermost-tell", path), "A subject"], env=environment, input=text, capture_output=True, text=True, timeout=60)  # fmt: skip


def test_a_webhook_gets_json_and_its_address_is_no_argument(tmp_path):
    done = tell(tmp_path, webhook="https://chat.example.test/hooks/secret")
    assert done.returncode == 0, done.stderr
    assert "secret" not in (tmp_path / "arguments").read_text()
    assert "hooks/secret" in (tmp_path / "configuration").read_text()
    assert (tmp_path / "sent").read_text() == '{"text": "It \\"broke\\". Twice."}'


def test_mail_goes_the_way_of_the_servers_mail(tmp_path):
    mail = {
        "mail_to": "ops@example.test",
        "mail_from": "a@example.test",
        "smtp_server": "smtp.example.test",
        "smtp_port": 587,
    }
    done = tell(tmp_path, smtp_security="starttls", smtp_user="u", smtp_password="hidden=", **mail)
    assert done.returncode == 0, done.stderr
    assert "hidden" not in (tmp_path / "arguments").read_text()
    configuration = (tmp_path / "configuration").read_text()
    assert "ssl-reqd" in configuration
    assert 'user = "u:hidden="' in configuration
    assert "Subject: A subject\n" in (tmp_path / "sent").read_text().replace("\r", "")


def test_what_is_told_is_whole_json_and_no_line_of_a_mail_is_too_long(tmp_path):
    mail = {"mail_to": "o@example.test", "mail_from": "a@example.test", "smtp_server": "x", "smtp_port": 25}
    words = "word " * 600 + "x" * 2000
    assert tell(tmp_path, f"\x1b[31mred\x07\x7f {words}", webhook="https://x", **mail).returncode == 0
    hook, _, message = (tmp_path / "sent").read_bytes().partition(b"From: ")
    text = json.loads(hook)["text"]
    assert text.split() == ["[31mred", *words.split()]
    lines = message.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not [line for line in lines if b"\n" in line]
    body = message.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"").decode()
    assert body.replace(" ", "") == text.replace(" ", "")


def test_nobody_to_tell_is_a_failure(tmp_path):
    done = tell(tmp_path, mail_to="ops@example.test")
    assert done.returncode == 4
    assert "Nobody was notified" in done.stderr
