"""A user of the site who posts numbered messages and a file, one at a time, and asks later what is there."""

from __future__ import annotations

import http.client
import json
import socket

from tests.scenarios.writer import Writer


class Chat(Writer):
    """Logged in to the site of *deployment* as the first administrator."""

    def __init__(self, deployment, login=None):
        self.login = login or admin_login(deployment)
        lab = deployment.lab
        super().__init__(deployment.name, deployment.host.address, lab.ca_file, self.login)

    def post(self, numbers, **more):
        """Post a message for each number; each was taken when this returns."""
        for number in numbers:
            self.call("POST", "posts", {"channel_id": self.channel, "message": f"message {number}", **more}, 201)

    def upload(self, name, data) -> str:
        """Store *data* (bytes) as a file of the channel and return its ID."""
        answer = self._raw("POST", f"files?channel_id={self.channel}&filename={name}", data)
        return json.loads(answer)["file_infos"][0]["id"]

    def download(self, file_id) -> bytes:
        return self._raw("GET", f"files/{file_id}", None)

    def _raw(self, method, path, data):
        connection = http.client.HTTPSConnection(self.name, timeout=10, context=self.context)
        with socket.create_connection((self.address, 443), 10) as raw:
            connection.sock = self.context.wrap_socket(raw, server_hostname=self.name)
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/octet-stream"}
            connection.request(method, f"/api/v4/{path}", data, headers)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
        assert answer.status in (200, 201), f"{method} {path}: {answer.status} {body[:300]}"
        return body


def admin_login(deployment):
    """Return (user name, password) of the first administrator, from the host's own file."""
    shown = deployment.ssh("cat /etc/mattermost/first-admin-login")
    fields = dict(line.split(": ", 1) for line in shown.splitlines() if ": " in line)
    return fields["username"], fields["password"]
