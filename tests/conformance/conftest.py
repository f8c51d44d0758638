"""Conformance: does an archive keep the server's contract? ``pytest tests/conformance [--archive FILE]``.

Every test is one sentence of the contract, the same for the stand-in and for a real archive.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance import contract, postgres
from tests.conformance.release import Release
from tests.conformance.site import Site

ARCHIVES = Path(__file__).resolve().parents[2] / ".lab/archives"


def pytest_addoption(parser):
    parser.addoption("--archive", action="append", type=Path, default=[], help="release archive to ask (repeatable)")


def pytest_configure(config):
    config.addinivalue_line("markers", "standin_only: asks for something that only the stand-in has")


def _archives(config):
    """The archives to ask: those given, else the oldest of the lab's. Its stand-ins are one program with two numbers;
    the newer one is what upgrades are asked with."""
    given = config.getoption("--archive", default=[])
    found = [path for path in ARCHIVES.glob("*.tar.gz") if contract.of(path.name)]
    return given or sorted(found, key=lambda path: contract.of(path.name).numbers)[:1]


def pytest_generate_tests(metafunc):
    if "release" in metafunc.fixturenames:
        paths = _archives(metafunc.config)
        nothing = pytest.mark.skip(reason="NO ARCHIVE: run `make standin` or give --archive FILE")
        values = paths or [pytest.param(None, marks=nothing)]
        ids = [str(getattr(path, "name", "none")).split("-linux")[0] for path in paths] or ["none"]
        metafunc.parametrize("release", values, ids=ids, indirect=True, scope="session")


@pytest.fixture(scope="session")
def release(request):
    path = request.param
    assert path.is_file(), f"{path} is no file"
    assert contract.of(path.name), f"{path.name} is not named like a Team Edition archive"
    found = Release(path)
    yield found
    found.remove()


@pytest.fixture(autouse=True)
def _only_where_it_can_be_asked(request):
    if request.node.get_closest_marker("standin_only") and not request.getfixturevalue("release").is_standin:
        pytest.skip("only the stand-in can be asked this")


@pytest.fixture(scope="session")
def cluster():
    programs = postgres.find()
    if programs is None:
        pytest.skip("NO POSTGRESQL: install the package postgresql, the server is asked with a real database")
    made = postgres.Cluster(programs)
    yield made
    made.remove()


@pytest.fixture
def site(release, cluster):
    """A new installation, nothing started."""
    made = Site(release, cluster)
    yield made
    made.remove()


@pytest.fixture
def rules(release):
    return release.contract


PASSWORD = "Sesame-open-1"


def first_admin(server):
    """Make a running server's first account; return its session."""
    server.local.post("users", {"email": "a@example.test", "username": "admin", "password": PASSWORD})
    return server.http.login("admin", PASSWORD)


def a_square(admin) -> str:
    """Make a team; return the ID of the channel that it begins with. admin: who makes it."""
    team = admin.post("teams", {"name": "team", "display_name": "Team", "type": "O"}).json
    return admin.get(f"teams/{team['id']}/channels/name/town-square").json["id"]


def _furnish(server):
    """Give a running server an administrator, a team with a member, and sessions of both."""
    local = server.local
    for name in ("admin", "member"):
        body = {"email": f"{name}@example.test", "username": name, "password": PASSWORD}
        setattr(server, name, local.post("users", body).json)
    server.team = local.post("teams", {"name": "team", "display_name": "Team", "type": "O"}).json
    for user in (server.admin, server.member):
        local.post(f"teams/{server.team['id']}/members", {"team_id": server.team["id"], "user_id": user["id"]})
    server.square = local.get(f"teams/{server.team['id']}/channels/name/town-square").json
    server.as_admin = server.http.login("admin", PASSWORD)
    server.as_member = server.http.login("member", PASSWORD)
    return server


@pytest.fixture(scope="module")
def chat(release, cluster):
    """A running server with an administrator, a team and a member; for tests that leave it as it is."""
    made = Site(release, cluster)
    try:
        yield _furnish(made.up())
    finally:
        made.remove()
