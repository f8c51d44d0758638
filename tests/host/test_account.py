"""Who can get an account on a deployed host."""

import json
import subprocess
import urllib.parse

import pytest

API = "curl -sSf --unix-socket /run/mattermost/local.socket http://localhost/api/v4/"


@pytest.fixture(scope="module")
def people(host):
    """The accounts that the server has."""
    users = json.loads(host.check_output(API + "users"))
    return [user for user in users if not user.get("is_bot")]


def test_the_server_has_an_administrator(people):
    assert any("system_admin" in user["roles"].split() for user in people)


def test_the_one_time_login_is_roots_alone(host):
    """Once the administrator removed it, all the better."""
    file = host.file("/etc/mattermost/first-admin-login")
    assert not file.exists or (file.user, file.mode) == ("root", 0o600)


def test_a_stranger_cannot_sign_up(trial):
    """With the server's own defaults the first stranger who came would rule it, and this asks from outside."""
    body = json.dumps({"email": "s@example.test", "username": "stranger", "password": "Sign-up-1-please"})
    site = urllib.parse.urlsplit(trial["URL"])
    port = site.port or {"https": 443, "http": 80}[site.scheme]
    command = ["curl", "-sS", "--max-time", "15", "--cacert", trial["CA_FILE"], "-o", "/dev/null", "-w", "%{http_code}"]
    command += ["--resolve", f"{site.hostname}:{port}:{trial['ADDRESS']}", "-d", body]
    done = subprocess.run([*command, trial["URL"] + "/api/v4/users"], capture_output=True, text=True)
    assert done.stdout in ("403", "501"), done.stderr


def test_no_password_is_in_the_journal(host):
    login = host.file("/etc/mattermost/first-admin-login")
    if not login.exists:
        pytest.skip("the one-time login was removed")
    password = next(line for line in login.content_string.splitlines() if line.startswith("password: ")).split(": ")[1]
    journal = host.check_output("journalctl --no-pager -q -u mattermost -u ssh")
    assert password not in journal
