"""Values that are new to a host are asked of its own programs first: the real systemd, PostgreSQL and curl of this machine."""

import http.server
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from mattermost_controller.hosts import probe, questions
from mattermost_controller.preflight import asked

from tests import restic
from tests.soak import in_check
from tests.unit import probing
from tests.unit.test_probe import settings

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: no cluster can be started as postgres")


HERE = "/srv/backups"
USED = ("for found in /usr/lib/postgresql/*/bin", "ask() {")


def told(pillar, path="", directory="", moving=False, place="", whole=False):
    """Return what the preflight finds of *pillar* on this machine.

    path: of programs that come first. directory: of the authority. place: that HERE is, where no setting may lie.
    whole: behind the probe as a host gets it, not only what the questions use of it.
    """
    made = settings({"letsencrypt": {"directory_url": "https://127.0.0.1:1/none"}} | pillar)
    asks = questions.script(["salt"], made)
    if directory:  # https by the schema; the script takes any
        asks = re.sub("(?m)^ACME_DIRECTORY=.*", f"ACME_DIRECTORY={directory}", asks)
    asks = asks.replace(HERE, str(place))
    probed = probe.script(["salt"], made)
    text = f"PATH={path}:$PATH\n{probed if whole else probing.part(probed, *USED)}{asks}"
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o711)
        environment = os.environ | {"TMPDIR": folder}
        done = subprocess.run(
            ["/bin/sh", "-s"], input=text, capture_output=True, text=True, timeout=100, env=environment
        )
        assert os.listdir(folder) == []
    assert done.stderr == ""
    return asked.values(probe.parse(done.stdout), "non-ssl" if "letsencrypt" not in pillar else "ssl", moving)


def only(found, level, *words):
    assert [one.level for one in found] == [level], found
    assert all(word in found[0].sentence for word in words), found


@pytest.fixture(params=in_check(["calendar", "timer"], "calendar"))
def systemd(request, tmp_path):
    """The folder of a systemd-analyze; one older than 236 knows no calendar, and reads a timer."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("NO systemd-analyze HERE")
    old = (
        '[ "$1" != calendar ] || { echo "Unknown operation calendar." >&2; exit 1; }\n'
        if request.param == "timer"
        else ""
    )
    program = tmp_path / "systemd-analyze"
    program.write_text(f'#!/bin/sh\n{old}exec {shutil.which("systemd-analyze")} "$@"\n')
    program.chmod(0o755)
    return tmp_path


# what form alone lets pass, for it cannot know it
@pytest.mark.parametrize("schedule", in_check(["*-02-31..30 03:15:00", "25:00", "Mon 99:00"], "25:00"))
def test_a_schedule_that_systemd_does_not_read_is_refused(schedule, systemd):
    only(
        told({"backup": {"schedule": schedule}}, systemd),
        "refusal",
        "mattermost:backup:schedule",
        "systemd says",
        schedule,
    )


@pytest.mark.parametrize("schedule", in_check(["2020-01-01 00:00:00", "*-02-31"], "*-02-31"))
def test_a_schedule_that_never_comes_is_refused(schedule):
    only(
        told({"backup": {"schedule": schedule}}), "refusal", "systemd says", f"{schedule} is in the past or never comes"
    )


def test_a_schedule_that_it_reads_passes(systemd):
    only(told({"backup": {"schedule": "Mon..Fri *-*-* 04:00"}}, systemd, whole=True), "ok")


def test_of_the_window_too_where_there_is_one():
    window = {"window": {"begins": "25:00"}}
    only(told({"release": {**window, "unattended": "patches"}}), "refusal", "mattermost:release:window:begins")
    only(told({"release": window}), "ok")


NOT_STARTED_WITH = [
    ({"shared_buffers": "900000GB"}, ["shared_buffers"]),
    ({"work_mem": "1kB"}, ["work_mem", "outside the valid range"]),
    ({"wal_levle": "logical"}, ["wal_levle"]),
    ({"session_preload_libraries": "nowhere"}, ["nowhere"]),  # it starts, and lets nobody in
]


@ROOT
@pytest.mark.parametrize(
    ("given", "words"),
    in_check(NOT_STARTED_WITH, NOT_STARTED_WITH[0]),
)
def test_what_a_scratch_postgresql_does_not_start_with_is_refused(given, words):
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("NO POSTGRESQL HERE")
    only(told({"database": {"settings": given}}), "refusal", "mattermost:database:settings", *words)


@ROOT
def test_what_it_starts_with_passes():
    only(told({"database": {"settings": {"work_mem": "32MB", "max_locks_per_transaction": 129}}}, whole=True), "ok")


def test_a_mail_server_that_does_not_answer_is_a_warning():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    given = {"mail": {"server": "127.0.0.1", "port": port, "security": "plain", "from_address": "a@example.org"}}
    only(told(given), "warning", "mattermost:mail:server does not answer")


def test_a_mail_server_that_greets_passes():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            connection, _ = server.accept()
            with connection, connection.makefile("rwb", 0) as lines:
                lines.write(b"220 mail ESMTP\r\n")
                while line := lines.readline():
                    lines.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 mail\r\n")

        threading.Thread(target=greet, daemon=True).start()
        port = server.getsockname()[1]
        given = {"mail": {"server": "127.0.0.1", "port": port, "security": "plain", "from_address": "a@example.org"}}
        only(told(given), "ok")


@pytest.fixture
def repository(tmp_path):
    """A repository that opens with `right`, and the folder beside it."""
    if not shutil.which("restic"):
        pytest.skip("NO restic HERE")
    return restic.repository(tmp_path / "repository", "right")


def of_repository(place=HERE, password="", **more):
    backup = {"repository": place, "password": password, **more}
    return {"backup": backup, "paths": {"settings": "/srv/none/settings"}}


def test_a_repository_is_refused_whose_password_is_another(repository):
    found = told(of_repository(password="wr'ong $(id)"), place=repository)
    only(found, "refusal", f"mattermost:backup:password: it does not open the repository {repository}")
    assert "mattermost:backup:repository" in found[0].fix
    assert "wr'ong" not in str(found)
    only(told(of_repository(password="right"), place=repository), "ok")


def test_a_repository_of_others_is_refused_on_a_host_without_its_password(repository):
    only(told(of_repository(), place=repository), "refusal", "backup:password: it is not set", str(repository))
    only(told(of_repository(), place=repository, moving=True), "ok")  # the host that is left gives the password


def test_a_directory_of_something_else_is_refused_and_an_empty_one_is_not(tmp_path):
    other = tmp_path / "other"
    only(told(of_repository(), place=other), "ok")
    (other / "data").mkdir(parents=True)  # restic's name, and no repository
    only(told(of_repository(), place=other), "refusal", f"mattermost:backup:repository: {other} is not empty")
    (other / "data").rmdir()
    only(told(of_repository(), place=other), "ok")


def test_what_restic_does_not_take_as_a_repository_is_refused():
    only(told(of_repository("rest:nowhere", "x")), "refusal", "mattermost:backup:repository: restic says")


def test_a_repository_elsewhere_that_does_not_answer_is_a_warning_without_its_login():
    found = told(of_repository("rest:http://me:secret@127.0.0.1:1/", "x", environment={"AWS_ACCESS_KEY_ID": "a b'c"}))
    only(found, "warning", "mattermost:backup:repository does not answer")
    assert "secret" not in str(found)


def test_restic_gets_the_login_and_neither_it_nor_the_password_in_arguments(tmp_path):
    program = tmp_path / "restic"
    program.write_text(f'#!/bin/sh\n{{ echo "$*"; env; cat "$RESTIC_PASSWORD_FILE"; }} >{tmp_path}/seen\n')
    program.chmod(0o755)
    login = {"AWS_ACCESS_KEY_ID": "it's", "AWS_SECRET_ACCESS_KEY": "a=b c"}
    only(told(of_repository("s3:https://s3.example.org/x", " $word ", environment=login), tmp_path), "ok")
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen[0] == "--no-lock --no-cache cat config"
    assert {f"{name}={value}" for name, value in login.items()} <= set(seen)
    assert seen[-1] == " $word "


def test_over_the_bus_of_a_master_no_secret_of_a_repository_is_sent():
    for backup in (
        {"password": "geheim"},
        {"environment": {"B2_ACCOUNT_KEY": "geheim"}},
        {"repository": "rest:https://a:geheim@b/"},
    ):
        made = settings({"backup": backup})
        assert "geheim" in questions.script(["salt"], made)
        assert "geheim" not in questions.script(["salt"], made, by_minion=True)
    assert "/var/backups/mattermost" in questions.script(["salt"], settings({}), by_minion=True)


ANSWERS = [
    (200, b'{"newAccount": "https://x/"}', "ok"),
    (200, b"<html>", "refusal"),
    (404, b"no", "refusal"),
    (503, b"busy", "warning"),
]


@pytest.mark.parametrize(
    ("status", "body", "level"),
    in_check(ANSWERS, *ANSWERS[:2]),
)
def test_an_authority_is_asked_for_its_directory(status, body, level):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = told({"letsencrypt": {}}, directory=f"http://127.0.0.1:{server.server_port}/dir")
        server.shutdown()
    only(found, level)


def test_a_site_without_an_authority_is_not_told_of_it():
    facts = {"refused_values": [], "unanswered": [(asked.AUTHORITY, "timeout")]}
    only(asked.values(facts, "non-ssl"), "ok")
    only(asked.values(facts, "ssl"), "warning", asked.AUTHORITY)
