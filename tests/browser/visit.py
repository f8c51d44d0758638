"""What a person does on the site: sign in, post, see it come back, exchange a file. The same page parts in the real web client and in the stand-in's."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import socket
import ssl
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.browser.chromium import BrowserError, Chromium

TEAM = "browser"
LANDED = "!!document.querySelector('#input_loginId') || /View in Browser/.test(document.body.innerText)"
IN_BROWSER = "[...document.querySelectorAll('a,button')].find(e => /View in Browser/.test(e.textContent))?.click()"


class Site:
    """The site *name* at *address*, whose certificate *ca_file* proves."""

    def __init__(self, name, address, ca_file, port=443):
        self.name, self.address, self.port = name, address, port
        self.context, self.token = ssl.create_default_context(cafile=str(ca_file)), ""

    def connection(self):
        """An HTTPSConnection, its certificate checked."""
        made = http.client.HTTPSConnection(self.name, timeout=15)
        made.sock = self.context.wrap_socket(
            socket.create_connection((self.address, self.port), 15), server_hostname=self.name
        )
        return made

    def key(self) -> str:
        """SHA-256 of the certificate's public key, base64: what Chromium trusts, which knows no other authority than its own."""
        connection = self.connection()
        certificate = x509.load_der_x509_certificate(connection.sock.getpeercert(binary_form=True))
        connection.close()
        public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def call(self, method, path, body=None):
        """Status, headers and parsed answer of the API."""
        connection = self.connection()
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        connection.request(method, f"/api/v4/{path}", json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, answer.headers, json.loads(text)

    def have_team(self, login, password):
        """A site that is just deployed has no team: make one of the administrator's."""
        status, headers, said = self.call("POST", "users/login", {"login_id": login, "password": password})
        if status != 200:
            raise BrowserError(f"{login} cannot sign in: {said.get('message')}")
        self.token = headers["Token"]
        if self.call("GET", f"teams/name/{TEAM}")[0] != 200:
            status, _, said = self.call("POST", "teams", {"name": TEAM, "display_name": "Browser", "type": "O"})
            if status != 201:
                raise BrowserError(f"no team can be made: {said.get('message')}")


def visit(site, login, password, folder) -> Chromium:
    """Do all of it as *login*; screenshots go into *folder*. Returns the browser with what it noted. Raises BrowserError."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    site.have_team(login, password)
    word = secrets.token_hex(4)
    sent = folder / f"file-{word}.bin"
    sent.write_bytes(secrets.token_bytes(50_000))
    downloads = folder / "downloads"
    downloads.mkdir(exist_ok=True)
    with Chromium({site.name: site.address}, [site.key()], downloads) as browser:
        try:
            _sign_in(browser, site, login, password, folder)
            _post(browser, f"hello {word}")
            browser.picture(folder / "2-message.png")
            _exchange(browser, sent, f"file {word}", downloads / sent.name)
            browser.picture(folder / "3-file.png")
        except BrowserError:
            browser.picture(folder / "failed.png")
            raise
    return browser


def _sign_in(browser, site, login, password, folder):
    browser.call("Page.navigate", url=f"https://{site.name}/login")
    browser.until("a page to sign in on", LANDED, 120)
    browser.ask(IN_BROWSER)
    browser.element("#input_loginId")
    browser.picture(folder / "1-login.png")

    def submit():
        browser.type("#input_loginId", login)
        browser.type("#input_password-input", password)
        browser.click("#saveSetting")

    gone = "!location.pathname.startsWith('/login') || !document.querySelector('#saveSetting')"
    _do(browser, submit, "signed in", gone)
    browser.call("Page.navigate", url=f"https://{site.name}/{TEAM}/channels/town-square")
    browser.element("#post_textbox", 120)


def _do(browser, action, what, happened):
    """Do *action* until *happened*: what is only just on the page may swallow the first click or key."""
    for again in range(4, -1, -1):
        action()
        try:
            return browser.until(what, happened, 10)
        except BrowserError:
            if not again:
                raise


def _post(browser, text):
    """Post *text*; it comes back over the websocket and is shown."""

    def submit():
        browser.type("#post_textbox", text)
        browser.enter()

    _do(browser, submit, f"'{text}' over the websocket", lambda: any(text in frame for frame in browser.frames))
    empty = "!document.querySelector('#post_textbox').value"
    browser.until(f"'{text}' on the page", f"document.body.innerText.includes({json.dumps(text)}) && {empty}")


def _exchange(browser, sent, text, received):
    """Upload the file *sent* with a message, and download it as *received*."""
    before = browser.uploaded
    browser.choose_file("#fileUploadInput", sent)
    browser.until(f"{sent.name} uploaded", lambda: browser.uploaded > before)
    _post(browser, text)
    browser.click("a[href*='download=1']")
    deadline = time.monotonic() + 30
    while not (received.exists() and received.read_bytes() == sent.read_bytes()):
        if time.monotonic() > deadline:
            raise BrowserError(f"{sent.name} was not downloaded as it was uploaded.")
        time.sleep(0.2)
