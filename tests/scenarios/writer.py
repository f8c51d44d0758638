"""A user who posts numbered messages through the site, and remembers which of them the server took."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time

from tests.scenarios.meanwhile import Meanwhile


class Writer(Meanwhile):
    """Posts about 20 messages a second while it is entered; ``taken`` holds the numbers that were answered with 201.

    name: the site's public name. address: where to connect. ca_file: PEM to trust. login: (user name, password).
    ``first``: the numbers are greater than this one.
    """

    first = 0

    def __init__(self, name, address, ca_file, login):
        super().__init__()
        self.name, self.address = name, address
        self.context = ssl.create_default_context(cafile=str(ca_file))
        self.token = ""
        _, headers = self.call("POST", "users/login", {"login_id": login[0], "password": login[1]}, 200)
        self.token = headers["Token"]
        self.channel = self._channel()
        self.taken, self.times = [], []

    def call(self, method, path, body=None, wanted=None):
        """Return the parsed answer and its headers. Raises OSError or AssertionError when it isn't *wanted*."""
        connection = http.client.HTTPSConnection(self.name, timeout=10, context=self.context)
        raw = socket.create_connection((self.address, 443), 10)
        try:
            connection.sock = self.context.wrap_socket(raw, server_hostname=self.name)
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            connection.request(method, f"/api/v4/{path}", json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
            raw.close()
        assert wanted in (None, answer.status), f"{method} {path}: {answer.status} {text[:300]}"
        try:
            return json.loads(text), answer.headers
        except ValueError:
            return {}, answer.headers

    def _channel(self):
        teams, _ = self.call("GET", "teams", wanted=200)
        team = next((t for t in teams if t["name"] == "writers"), None)
        if team is None:
            body = {"name": "writers", "display_name": "Writers", "type": "O"}
            team, _ = self.call("POST", "teams", body, 201)
        channel, _ = self.call("GET", f"teams/{team['id']}/channels/name/town-square", wanted=200)
        return channel["id"]

    def posted(self, more=5, seconds=60):
        """Return when *more* further messages were taken. Raises AssertionError after *seconds*."""
        wanted, deadline = len(self.taken) + more, time.monotonic() + seconds
        while len(self.taken) < wanted:
            assert time.monotonic() < deadline, f"no {more} messages were taken in {seconds} s"
            time.sleep(0.05)

    def lost(self) -> set:
        """The numbers of the messages that were taken and are not there. Raises AssertionError when none was taken."""
        assert self.taken, "nothing was posted: the test shows nothing"
        return set(self.taken) - self.there()

    def step(self, number):
        number += self.first
        try:
            self.call("POST", "posts", {"channel_id": self.channel, "message": f"message {number}"}, 201)
        except (OSError, http.client.HTTPException, AssertionError):
            pass
        else:
            self.taken.append(number)
            self.times.append(time.monotonic())
        time.sleep(0.05)

    @property
    def pause(self) -> float:
        """The longest time without a message taken, in seconds."""
        return max((b - a for a, b in zip(self.times, self.times[1:])), default=0.0)

    def there(self) -> set:
        """The numbers of the messages that the channel holds now."""
        found, page = set(), 0
        while True:
            posts, _ = self.call("GET", f"channels/{self.channel}/posts?per_page=200&page={page}", wanted=200)
            if not posts["order"]:
                return found
            messages = [post["message"] for post in posts["posts"].values()]
            found |= {int(text.split()[1]) for text in messages if text.startswith("message ")}
            page += 1
