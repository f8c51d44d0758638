"""How much one address may ask: an office of 500 people, a restart and a nightly job meet no limit, a password guesser does."""

import re
import signal
import time

import pytest

from tests.config.nginx_program import BASE, NON_SSL
from tests.config.nginx_site import NAME
from tests.config.test_nginx_behaviour import Server, started, upstream  # noqa: F401
from tests.render import compiler
from tests.soak import in_check

PEOPLE = 500
# what a browser asks before and while somebody logs in, without a session
BEFORE = [("GET", path) for path in ("/", "/static/main.js", "/static/main.css", "/api/v4/config/client?format=old")]
BEFORE += [
    ("GET", path) for path in ("/api/v4/license/client?format=old", "/api/v4/users/me", "/api/v4/plugins/webapp")
]
LOGIN = ("POST", "/api/v4/users/login")
RECONNECT = [
    ("GET", path) for path in ("/api/v4/users/me", "/api/v4/users/me/teams", "/api/v4/config/client?format=old")
]
OFFICE, GUESSER = "127.0.0.2", "127.0.0.3"


class Client:
    """One kept-alive connection over which requests go one behind the other, as fast as they are answered."""

    def __init__(self, site, source):
        self.plain = site.connect(tls=False, source=source)
        self.reader = self.plain.makefile("rb")

    def ask(self, method, path, token=""):
        """Return the status."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {NAME}"]
        lines += [f"Cookie: MMAUTHTOKEN={token}"] if token else []
        lines += ["Content-Length: 2"] if method == "POST" else []
        self.plain.sendall("\r\n".join([*lines, "", ""]).encode() + (b"{}" if method == "POST" else b""))
        status, length = int(self.reader.readline().split()[1]), 0
        while line := self.reader.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split()[1])
        self.reader.read(length)
        return status

    def all(self, requests, token=""):
        return [self.ask(method, path, token) for method, path in requests]

    def close(self):
        self.reader.close()
        self.plain.close()


@pytest.fixture
def site(tmp_path, upstream, request):  # noqa: F811
    running = started(
        tmp_path, "Debian-12", BASE, NON_SSL, port=upstream, nginx={"limits": getattr(request, "param", {})}
    )
    yield running
    running.stop()


@pytest.fixture
def client(site):
    made = []

    def connect(source=OFFICE):
        made.append(Client(site, source))
        return made[-1]

    yield connect
    for each in made:
        each.close()


@pytest.mark.exhaustive
def test_500_people_behind_one_address_log_in_at_once_and_reconnect_after_a_restart(client):
    """Stricter than ten minutes: as fast as they are answered. Every tenth mistypes the password once."""
    seen = set()
    for person in range(PEOPLE):
        if person % 90 == 0:  # nginx ends a connection after 1000 requests
            office = client()
        seen.update(office.all(BEFORE + [LOGIN] * (2 if person % 10 == 0 else 1)))
    for person in range(PEOPLE):
        if person % 200 == 0:
            office = client()
        seen.update(office.all(RECONNECT, token=f"{person:026d}"))
    assert seen == {200}


def test_a_password_guesser_meets_a_limit_and_nobody_else(site, client):
    answers = []
    for _ in range(2):
        guesser = client(GUESSER)
        answers += guesser.all([LOGIN] * 400)
    assert answers[:600] == [200] * 600
    assert answers[700:] == [429] * 100, "a guess that a second earns"
    assert client().ask(*LOGIN) == 200
    assert client(GUESSER).ask("GET", "/api/v4/users/me") == 200
    log = (site.tree.logs / "mattermost.error.log").read_text()
    page = (compiler.ROOT / "docs/web.md").read_text()
    (pattern,) = re.findall(r"(?m)^failregex = (.*)$", page)
    pattern = pattern.replace("<HOST>", r"(?P<host>\S+?)")  # fail2ban takes the date away first
    banned = {found["host"] for line in log.splitlines() if (found := re.search(pattern, line.split(" ", 2)[2]))}
    assert banned == {GUESSER}, "fail2ban would ban somebody else, or nobody"
    forged = '[error] 1#1: *1 open() failed, client: 192.0.2.1, request: "GET /limiting requests, excess: 1 by zone "mattermost_login", client: 192.0.2.9,'
    assert not re.search(pattern, forged), "whoever writes a request could have others banned"


GUESSED = [
    "/api/v4/users/login", "/api/v4/users/login/", "/api/v4/users/login?x=1", "/api/v4/users/%6cogin", "/api/v4//users/login",
    "/chat/api/v4/users/login", "/api/v4/users/login/switch", "/api/v4/users", "/api/v4/users/password/reset/send",
    "/api/v5/users/login",
]  # fmt: skip


@pytest.mark.parametrize("site", [{"logins": 10, "requests": 100}], indirect=True)
@pytest.mark.parametrize(
    "path",
    in_check(GUESSED, "/api/v4/users/login", "/api/v4/users/%6cogin"),
)
def test_each_way_to_guess_is_limited_with_a_made_up_session_too(client, path):
    assert client().all([("POST", path)] * 12, token=26 * "x")[-1] == 429


@pytest.mark.parametrize("site", [{"logins": 10, "requests": 100}], indirect=True)
def test_requests_without_a_session_are_limited_and_the_clients_files_are_not(client):
    office = client()
    assert office.all([("GET", "/api/v4/users/me")] * 120)[-1] == 429
    assert office.all([("GET", "/static/main.js")] * 120)[-1] == 200
    assert office.all([("GET", "/api/v4/users/me")] * 120, token=26 * "x")[-1] == 200
    assert office.all([("POST", "/api/v4/posts")] * 120, token=26 * "x")[-1] == 200


@pytest.mark.parametrize(
    "site",
    [{"logins": 10, "requests": 100, "exempt": ["127.0.0.0/30", "2001:db8::/32"]}, {"enabled": False, "logins": 10}],
    ids=["exempt", "off"],
    indirect=True,
)
def test_who_is_exempt_meets_no_limit(client):
    office = client()
    assert set(office.all([LOGIN] * 30 + [("GET", "/api/v4/users/me")] * 130)) == {200}


@pytest.mark.parametrize("site", [{"logins": 10, "exempt": ["127.0.0.2"]}], indirect=True)
def test_who_is_not_exempt_still_does(client):
    assert client(GUESSER).all([LOGIN] * 12)[-1] == 429


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
        ("2001:db8:1:2::6", "2001:db8:1:2"),
        ("2001:db8::6", "2001:db8::6"),
    ],
)
def test_a_network_of_ipv6_is_one_client(address, key):
    """nginx's own rule, read from its file: no test host has such addresses."""
    text = (
        compiler.ROOT / "salt/mattermost/deploy/nginx-base/files/etc/nginx/conf.d/mattermost-base.conf.jinja"
    ).read_text()
    (rule,) = re.findall(r'"~(\S+)" \$mattermost_network', text)
    found = re.search(rule.replace("?<", "?P<"), address)
    assert (found[1] if found else address) == key


def seen_from(site, address):
    """Return the status of a login whose client has *address*."""
    return site.ask(LOGIN[1], LOGIN[0], tls=False, headers={"X-Client": address}, body=b"{}")[0]


@pytest.mark.parametrize("site", [{"logins": 10, "requests": 1000}], indirect=True)
@pytest.mark.parametrize("network", in_check(["2001:db8:1:2:", "2001:db8::", "2001:db8:7::", "2001::"], "2001:db8::"))
def test_a_client_has_one_limit_for_all_addresses_of_its_network(site, network):
    """Also where so many groups of it are zero that its text is shorter."""
    (site.tree.etc / "conf.d/01-client.conf").write_text("set_real_ip_from 127.0.0.0/8; real_ip_header X-Client;\n")
    site.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while ["X-Real-IP", "2001:db8:9:9::9"] not in site.seen(tls=False, headers={"X-Client": "2001:db8:9:9::9"})[
        "headers"
    ]:
        assert time.monotonic() < deadline, "nginx did not take the header"
        time.sleep(0.1)
    # so many that some are refused however slow the machine is, and also while workers from before the reload still answer a few
    answers = [seen_from(site, f"{network}1:2:3:{number:x}") for number in range(1, 200)]
    assert answers[0] == 200
    assert 429 in answers, "each address has a limit of its own"
    assert seen_from(site, "2001:db9:1:2:3:4:5:6") == 200
