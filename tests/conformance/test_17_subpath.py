"""Row 17: a site below a path, and the archive's own tool that rewrites the web client for it."""

import hashlib
import shutil

import pytest

from tests.conformance import unprivileged

SAID = "Config subpath successfully modified"


@pytest.fixture
def client(release):
    """A copy of the web client's files that a rewrite may change; returns its folder."""
    home = unprivileged.directory("client-")
    for path in (release.root / "client").rglob("*"):
        if path.name in ("root.html", "manifest.json") or path.suffix == ".css":
            target = home / path.relative_to(release.root / "client")
            target.parent.mkdir(exist_ok=True, parents=True)
            shutil.copyfile(path, target)
    for path in (home, *home.rglob("*")):
        unprivileged.own(path)
    yield home
    unprivileged.remove(home)


def rewrite(release, folder, path, *more):
    words = [release.root / "bin/mmctl", "config", "subpath", "--path", path, "--assets-dir", folder, *more]
    return unprivileged.run(words, env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"})


def sums(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_it_rewrites_the_page_once_without_server_login_or_home(release, client):
    before = sums(client)
    for _ in range(2):
        done = rewrite(release, client, "/")
        assert (done.returncode, done.stdout.strip()) == (0, SAID)
        after = sums(client)
        assert [path.name for path in after if after[path] != before[path]] == ["root.html"]
    assert "content=\"script-src 'self'\"" in (client / "root.html").read_text()


def test_a_path_is_put_before_all_that_the_page_loads(release, client):
    assert rewrite(release, client, "/chat").returncode == 0
    page = (client / "root.html").read_text()
    assert "window.publicPath='/chat/static/'" in page
    assert "script-src 'self' 'sha256-" in page
    assert "/chat/static/" in (client / "manifest.json").read_text()
    assert rewrite(release, client, "/").returncode == 0
    for path in (client / "root.html", client / "manifest.json"):
        assert "/chat" not in path.read_text()


def test_the_path_is_not_checked(release, client):
    assert rewrite(release, client, "chat").returncode == 0
    assert "chat/static/" in (client / "root.html").read_text()


def test_what_is_no_web_client_is_refused(release, client):
    (client / "root.html").write_text("")
    done = rewrite(release, client, "/")
    assert done.returncode == 1
    assert "failed to find 'Content-Security-Policy' meta tag to rewrite" in done.stderr
    (client / "root.html").unlink()
    assert "failed to open root.html" in rewrite(release, client, "/").stderr
    assert "failed to find client dir" in rewrite(release, client / "none", "/").stderr
    words = [release.root / "bin/mmctl", "config", "subpath", "--path", "/"]
    assert 'required flag(s) "assets-dir" not set' in unprivileged.run(words).stderr


def test_a_site_below_a_path(site):
    site.set(ServiceSettings__SiteURL="https://chat.example.test/chat")
    server = site.up()
    answers = {}
    for path in (
        "/",
        "/login?x=1",
        "/api/v4/system/ping",
        "/chat",
        "/chat/",
        "/chat/login",
        "/chat/api/v4/system/ping",
    ):
        answer = server.http.call("GET", path)
        answers[path] = (answer.status, answer.headers.get("Location"))
    assert answers == {
        "/": (302, "/chat"),
        "/login?x=1": (302, "/chat/login?x=1"),
        "/api/v4/system/ping": (302, "/chat/api/v4/system/ping"),
        "/chat": (302, "/chat/"),
        "/chat/": (200, None),
        "/chat/login": (200, None),
        "/chat/api/v4/system/ping": (200, None),
    }
    assert server.local.get("system/ping").status == 200
    assert server.local.call("GET", "/chat/api/v4/system/ping").status == 404
