"""Use a site as a person does, on request: a message and a file go through the public name, and come back.

A script on the host (``scripts/round-trip.sh``) makes the bot that does it, and deletes it when its standard input ends: at the end of the trip,
and when this process dies. The bot's token is in the memory of both, and in no argument, log or return.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import ssl
import subprocess
import threading

import mattermost_settings_core

from mattermost_controller.findings import REFUSAL, Finding, ok, refusal, skipped
from mattermost_controller.hosts import minion, scripts
from mattermost_controller.verify import http as site_http
from mattermost_controller.verify.commands import VERIFY
from mattermost_controller.verify.websocket import Websocket

CHECK = "round-trip"
LIBRARY = (scripts.TOOLS, "mattermost/deploy/common/socket.sh", "mattermost/scripts/round-trip.sh")
API = "/api/v4/"
FILE_BYTES = 100_000
STEPS = 7  # of the trip; each may take as long as a request may
HOST_SECONDS = 300  # that making the bot and deleting it may take there
MOST_LINES, LONGEST_LINE = 200, 4000  # of what the host says
FILES_ARE_OFF = "api.file.attachments.disabled.app_error"
_READY = re.compile("ready ([a-z0-9]{26}) ([a-z0-9]{26})")
LOGS = "read the logs on the host: journalctl -u mattermost -n 50; journalctl -u nginx -n 50"
TAKEN = "An account or team mattermost-verify exists that this check did not create."
RENAME = f"in Mattermost's System Console, rename that account or team, then run the check again: {VERIFY}"
AGAIN = f"run the check again, which first deletes what is left: {VERIFY}"


class Failed(Exception):
    """A step that did not work; the text is a sentence, *todo* what to do."""

    def __init__(self, sentence: str, todo: str = LOGS):
        super().__init__(sentence)
        self.todo = todo


def finding(host, settings: dict, site: site_http.Site, file_roots: list[str], so_far: list[Finding]) -> Finding:
    """Return what one round trip found.

    host: of hosts.roster. settings: merged. site: ``verify.observe.site_of``. so_far: the other checks' findings; when one of them is a
    refusal, nothing is tried.
    """
    if any(one.level == REFUSAL for one in so_far):
        return skipped(CHECK, "Not checked, because another check failed.")
    if isinstance(host, minion.Minion):
        return skipped(CHECK, "Not checked, because it needs ssh to the host, and mattermost:engine is set to minion.")
    patience = STEPS * settings["verify"]["timeout"]
    values = {"socket": f"{settings['paths']['run']}/local.socket", "patience": patience}
    bot = _Bot(host, scripts.build(file_roots, LIBRARY, values), HOST_SECONDS + patience)
    sent = wrong = todo = ""
    try:
        sent = _trip(
            site,
            *bot.create(),
            min(FILE_BYTES, settings["nginx"]["body_limit"] - mattermost_settings_core.FORM_OVERHEAD),
        )
    except Failed as err:
        wrong, todo = str(err), err.todo
    finally:
        left = bot.deleted()
    if wrong or left:
        left = left and f"The test bot mattermost-verify and its team may still be on the server: {left}"
        return refusal(CHECK, f"{wrong} {left}".strip(), AGAIN if left else todo)
    return ok(CHECK, f"{sent} The bot that was created for this check is permanently deleted.")


class _Bot:
    """The bot of one round trip; it is there until ``deleted``.

    script: what makes it on *host*. seconds: after which the script is given up.
    """

    def __init__(self, host, script: str, seconds: float):
        argv, preface = host.stream(script)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
        self._limit = threading.Timer(seconds, self._process.kill)
        self._limit.start()
        self._is_made = False
        self._write(preface)

    def _write(self, data: bytes, last: bool = False) -> None:
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
            if last:
                self._process.stdin.close()
        except OSError:  # what it says tells why
            pass

    def _lines(self):
        for _ in range(MOST_LINES):
            line = self._process.stdout.readline(LONGEST_LINE)
            if not line:
                return
            yield line.decode("utf-8", "replace").strip()

    def create(self) -> tuple[str, str]:
        """Return its token and the ID of its channel. Raises Failed."""
        last = "the host gave no answer."
        for line in self._lines():
            ready = _READY.fullmatch(line)
            if ready:
                self._is_made = True
                return ready.groups()
            last = line.removeprefix("failed ") or last
            if line.startswith("failed "):
                break
        if last == "taken":
            raise Failed(f"No test bot could be created. {TAKEN}", RENAME)
        raise Failed(f"No test bot could be created: {last[:300]}")

    def deleted(self) -> str:
        """Have it deleted; return why it may still be there, empty when it is gone or never was."""
        self._write(b"", last=True)
        said = list(self._lines())
        self._process.stdout.close()  # ends one that says more than that
        self._process.wait()
        self._limit.cancel()
        failed = [line.removeprefix("failed ")[:300] for line in said if line.startswith("failed ")]
        if "gone" in said or not (failed or self._is_made):
            return ""
        why = failed[-1] if failed else "The connection to the host ended."
        return TAKEN if why == "taken" else why


def _trip(site: site_http.Site, token: str, channel: str, size: int) -> str:
    """Send a message with a file of *size* bytes and get both back; return in words what went. Raises Failed."""
    headers, text, content = (
        {"Authorization": f"Bearer {token}"},
        f"Round trip {secrets.token_hex(8)}",
        os.urandom(size),
    )
    try:
        context = ssl.create_default_context(cafile=site.ca_file or None) if site.secure else None
        with Websocket(site, f"{site.path}{API}websocket", headers, context) as events:
            person = _Person(site, headers, context)
            if not events.wait("hello", lambda _: True, site.timeout):
                raise Failed("The websocket opens, but the server sends nothing through it.")
            files = person.upload(channel, content)
            post = person.post(channel, text, files)
            if not events.wait("posted", lambda data: f'"{post}"' in str(data.get("post")), site.timeout):
                raise Failed(
                    f"The test message was stored, but the websocket did not announce it within {site.timeout:g} s."
                )
    except (OSError, http.client.HTTPException) as err:
        raise Failed(f"The websocket of the test bot did not stay open: {site_http.words(err)}.") from err
    person.read(post, text, files)
    if not files:
        return "A test message was posted through the site and read back, without a file, because file attachments are off."
    person.download(files[0], content)
    return "A test message and a file were posted through the site and read back."


class _Person:
    """What somebody who is logged in asks of a site. Each method raises Failed."""

    def __init__(self, site: site_http.Site, headers: dict, context):
        self._site, self._headers, self._context = site, headers, context

    def _ask(self, path: str, **sent) -> site_http.Answer:
        return site_http.request(
            self._site, self._site.path + API + path, headers=self._headers, context=self._context, **sent
        )

    def upload(self, channel: str, content: bytes) -> list[str]:
        """Return the IDs of the files: one, or none where attachments are off."""
        answer = self._ask(f"files?channel_id={channel}&filename=round-trip.bin", method="POST", body=content)
        if _body(answer).get("id") == FILES_ARE_OFF:
            return []
        try:
            return [str(_needed("The server refused the test file", answer)["file_infos"][0]["id"])]
        except (LookupError, TypeError) as err:
            raise Failed("The server accepted the test file, but its answer names no file.") from err

    def post(self, channel: str, text: str, files: list[str]) -> str:
        """Return the ID of the new message."""
        body = json.dumps({"channel_id": channel, "message": text, "file_ids": files}).encode()
        return str(
            _needed("The server refused the test message", self._ask("posts", method="POST", body=body)).get("id")
        )

    def read(self, post: str, text: str, files: list[str]) -> None:
        found = _needed("The test message cannot be read back", self._ask(f"posts/{post}"))
        if (found.get("message"), found.get("file_ids") or []) != (text, files):
            raise Failed(
                "The test message was read back with a different text or different files. A plugin that changes messages can cause this."
            )

    def download(self, file: str, content: bytes) -> None:
        answer = self._ask(f"files/{file}")
        if answer.status == 200 and answer.body != content:
            raise Failed("The test file was downloaded with different content.")
        _needed("The test file cannot be downloaded", answer)


def _needed(what: str, answer: site_http.Answer) -> dict:
    """Return the body of an answer below 300. Raises Failed."""
    body = _body(answer)
    if answer.status not in (200, 201):
        raise Failed(
            f"{what}: {answer.error or f'status {answer.status}'}. {str(body.get('message', ''))[:300]}".strip()
        )
    return body


def _body(answer: site_http.Answer) -> dict:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
