"""Headless Chromium with one page, spoken to by its DevTools protocol; it notes whatever went wrong in the page."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from websockets.sync.client import connect

# the API refused or lacks what a script asked for, which a script of the real web client does on its own
ANSWER = re.compile(r"network: .* status of (4\d\d|501) .*/api/v4/")
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


class BrowserError(Exception):
    """The browser cannot be started, or the page does not do what it should."""


def program(which=shutil.which) -> str:
    """The browser: ``$CHROMIUM``, else the first of PROGRAMS. Raises BrowserError."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(which, PROGRAMS)), None)
    if not found:
        raise BrowserError("NO BROWSER: install chromium-headless-shell, or set CHROMIUM=/path/to/chromium.")
    return found


class Chromium:
    """While it is entered, one page. hosts: host name to address; all other names are not found.

    keys: SHA-256 (base64) of the servers' public keys to trust. downloads: folder for what is downloaded.
    ``problems``: violations of the Content-Security-Policy, mixed content, errors of scripts and on the console, files that are not there.
    ``answers``: what is no problem (ANSWER). ``frames``: what its websockets received.
    """

    def __init__(self, hosts, keys, downloads):
        self.hosts, self.keys, self.downloads = hosts, keys, Path(downloads)
        self.problems, self.answers, self.frames, self.uploaded = [], [], [], 0
        self._number, self._session = 0, None

    def __enter__(self):
        self._open = contextlib.ExitStack()
        home = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._home = Path(self._open.enter_context(home))
        rules = [f"MAP {name} {address}" for name, address in self.hosts.items()]
        excluded = [f"EXCLUDE {address}" for address in self.hosts.values()]
        command = [
            program(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={self._home}",
            f"--host-resolver-rules={','.join([*rules, 'MAP * ~NOTFOUND', *excluded])}",
            f"--ignore-certificate-errors-spki-list={','.join(self.keys)}", "--window-size=1200,800", "about:blank",
        ]  # fmt: skip
        errors = self._open.enter_context((self._home / "stderr").open("w"))
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
        self._open.callback(self._stop)
        try:
            self._socket = self._open.enter_context(connect(self._address(), max_size=None))
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
                self.call(f"{domain}.enable")
            self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads.resolve()))
        except BaseException:
            self._open.close()
            raise
        return self

    def _address(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := re.search(r"DevTools listening on (ws://\S+)", (self._home / "stderr").read_text()):
                return found[1]
            time.sleep(0.1)
        raise BrowserError(f"{program()} does not start: {(self._home / 'stderr').read_text()[-500:]}")

    def __exit__(self, *_):
        self._open.close()

    def _stop(self):
        """End the browser with the script of the package that started it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                try:
                    os.killpg(self._process.pid, number)
                except ProcessLookupError:
                    return
                self._process.poll()
                time.sleep(0.05)

    def call(self, method, **parameters):
        """Call a method of the protocol and return its result. Raises BrowserError."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._number:
                break
            self._note(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _note(self, event):
        method, said = event.get("method"), event.get("params", {})
        if method == "Network.webSocketFrameReceived":
            self.frames.append(said["response"]["payloadData"])
        elif method == "Network.responseReceived":
            answer = said["response"]
            self.uploaded += urlsplit(answer["url"]).path.endswith("/api/v4/files") and answer["status"] == 201
        elif problem := _problem(method, said):
            (self.answers if ANSWER.match(problem) else self.problems).append(problem)

    def ask(self, expression):
        """Evaluate JavaScript in the page and return its value."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(f"{expression}: {_text(result['exceptionDetails'])}")
        return result["result"].get("value")

    def until(self, what, happened, seconds=60):
        """Wait for *happened*(), or for JavaScript to be true; a page that is just being loaded is asked again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.ask(happened) if isinstance(happened, str) else self.ask("0") or happened():
                    return
            except BrowserError:
                pass
            if time.monotonic() > deadline:
                raise BrowserError(f"{seconds} s have passed without: {what}")
            time.sleep(0.2)

    def element(self, selector, seconds=60):
        self.until(selector, f"!!document.querySelector({json.dumps(selector)})", seconds)

    def click(self, selector):
        self.element(selector)
        self.ask(f"[...document.querySelectorAll({json.dumps(selector)})].at(-1).click()")

    def type(self, selector, text):
        """Put *text* where a person types it, in place of what is there."""
        self.element(selector)
        self.ask(f"(e => {{ e.focus(); e.select(); }})(document.querySelector({json.dumps(selector)}))")
        self.call("Input.insertText", text=text)

    def enter(self):
        for kind in ("keyDown", "keyUp"):
            key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
            self.call("Input.dispatchKeyEvent", type=kind, **key)

    def choose_file(self, selector, path):
        self.element(selector)
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(Path(path).resolve())])

    def picture(self, path):
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


def _text(details):
    return details.get("exception", {}).get("description") or details.get("text", "")


def _problem(method, said):
    """What an event of the protocol says that went wrong, else None."""
    if method == "Runtime.exceptionThrown":
        return f"exception: {_text(said['exceptionDetails'])}"
    if method == "Runtime.consoleAPICalled" and said["type"] in ("error", "assert"):
        return "console: " + " ".join(str(part.get("value", part.get("description"))) for part in said["args"])
    if method == "Log.entryAdded" and said["entry"]["level"] == "error":
        return f"{said['entry']['source']}: {said['entry']['text']} {said['entry'].get('url', '')}"
    if method == "Audits.issueAdded" and re.match("ContentSecurityPolicy|MixedContent", said["issue"]["code"]):
        return f"{said['issue']['code']}: {json.dumps(said['issue']['details'])}"
    return None
