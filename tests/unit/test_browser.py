"""The browser of the trial notes whatever is wrong with a page."""

import http.server
import ssl
import threading
from pathlib import Path

import pytest
import trustme

from tests.browser import chromium
from tests.browser.visit import Site

CSP = """<meta http-equiv="Content-Security-Policy" content="script-src 'self'">"""
# what a page holds, and what is noted of it
PAGES = {
    "<p>fine</p>": None,
    f"{CSP}<script>window.inline = 1</script>": "ContentSecurityPolicyIssue",
    '<script src="http://site.test/x.js"></script>': "MixedContentIssue",
    "<script>console.error('told')</script>": "console: told",
    "<script>throw new Error('thrown')</script>": "exception: Error: thrown",
    "<script>Promise.reject(new Error('rejected'))</script>": "exception: Error: rejected",
    '<img src="/missing.png">': "missing.png",
    "<script>fetch('/api/v4/broken')</script>": "status of 500",
    "<script>fetch('/api/v4/none')</script>": None,
    '<script src="https://elsewhere.test/x.js"></script>': "elsewhere.test",
}


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        number = self.path.strip("/")
        page = [*PAGES][int(number)] if number.isdigit() else ""
        self.send_response(200 if page else 500 if number == "api/v4/broken" else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The port of the pages' server, and the key that proves it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("site.test").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ca_file = tmp_path_factory.mktemp("browser") / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    yield server.server_port, Site("site.test", "127.0.0.1", ca_file, server.server_port).key()
    server.shutdown()
    server.server_close()


def said_by(path):
    try:
        return path.read_text()
    except OSError:  # it ended
        return ""


@pytest.mark.exhaustive
def test_what_is_wrong_with_a_page_is_noted(served, tmp_path):
    try:
        chromium.program()
    except chromium.BrowserError as missing:
        pytest.skip(str(missing))
    port, key = served
    with chromium.Chromium({"site.test": "127.0.0.1"}, [key], tmp_path) as browser:
        for number, expected in enumerate(PAGES.values()):
            for _ in range(10):  # an interface that comes or goes, such as another lab's, breaks off what it loads
                browser.problems.clear()
                browser.call("Page.navigate", url=f"https://site.test:{port}/{number}")
                if expected:
                    browser.until(expected, lambda part=expected: any(part in one for one in browser.problems), 20)
                else:
                    browser.ask("new Promise(done => setTimeout(done, 500))")
                if not any("ERR_NETWORK_CHANGED" in one for one in browser.problems):
                    break
            assert expected or browser.problems == []
        browser.until("the answer of the API", lambda: any("api/v4/none" in answer for answer in browser.answers), 20)
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if key in said_by(path)], (
        "the browser is still there"
    )
    with chromium.Chromium({"site.test": "127.0.0.1"}, [], tmp_path) as browser:
        browser.call("Page.navigate", url=f"https://site.test:{port}/0")
        assert "fine" not in browser.ask("document.body.innerText"), "a certificate that nothing proves was taken"


def test_a_machine_without_a_browser_is_reported(monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(chromium.BrowserError, match="NO BROWSER: install chromium-headless-shell, or set CHROMIUM="):
        chromium.program(which=lambda name: None)
    assert chromium.program(which=lambda name: f"/bin/{name}" if name == "chromium" else None) == "/bin/chromium"
    monkeypatch.setenv("CHROMIUM", "/opt/chrome")
    assert chromium.program(which=lambda name: None) == "/opt/chrome"
