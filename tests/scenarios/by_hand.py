"""A server set up by hand on a bare lab host, as many are: the archive in /opt/mattermost, config.json, a database with a password."""

from __future__ import annotations

import http.client
import json
import socket

from tests.scenarios.chat import Chat

LOGIN = ("boss", "Password-of-the-boss-1")
DATABASE_PASSWORD = "p@ss/word of:hand"
SCRIPT = r"""
set -e
export DEBIAN_FRONTEND=noninteractive
command -v psql >/dev/null || { apt-get -qq update && apt-get -qq -y --no-install-recommends install postgresql-15 curl ca-certificates >/dev/null; }
cd /
runuser -u postgres -- psql -qv ON_ERROR_STOP=1 <<'END'
CREATE ROLE mmuser LOGIN PASSWORD 'p@ss/word of:hand';
CREATE DATABASE chat OWNER mmuser ENCODING 'UTF8' TEMPLATE template0;
END
useradd --system --user-group mattermost
tar -C /opt -xzf /root/archive.tar.gz
mkdir /opt/mattermost/data
python3 - <<'END'
import json
path = "/opt/mattermost/config/config.json"
config = json.load(open(path))
config["SqlSettings"]["DataSource"] = "postgres://mmuser:p%40ss%2Fword%20of%3Ahand@localhost:5432/chat?sslmode=disable&connect_timeout=10"
config["ServiceSettings"].update(SiteURL="http://old.example.test:8065", ListenAddress=":8065")
config["TeamSettings"]["SiteName"] = "By hand"
config["EmailSettings"]["SendPushNotifications"] = False
json.dump(config, open(path, "w"), indent=4)
END
chown -R mattermost:mattermost /opt/mattermost
cat >/etc/systemd/system/mattermost.service <<'END'
[Unit]
After=postgresql.service
[Service]
Type=notify
ExecStart=/opt/mattermost/bin/mattermost
WorkingDirectory=/opt/mattermost
User=mattermost
Environment=MM_TEAMSETTINGS_MAXUSERSPERTEAM=77
Restart=always
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable -q --now mattermost
"""


def install(host, archive) -> None:
    """Set the server of *archive* up on *host* by hand, with its first account."""
    (host.root / "root/archive.tar.gz").write_bytes(archive.path.read_bytes())
    host.ssh(SCRIPT, timeout=300)
    status, said = sign_up(host.address)
    assert status == 201, said


def sign_up(address, port=8065) -> tuple[int, bytes]:
    """Ask the server for the first account, `LOGIN`; returns the answer's status and body. Raises OSError without one."""
    account = {"email": "boss@example.test", "username": LOGIN[0], "password": LOGIN[1]}
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("POST", "/api/v4/users", json.dumps(account))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class HandChat(Chat):
    """A user of that server, which speaks plain HTTP on its own port."""

    port = 8065

    def __init__(self, deployment, login=LOGIN):
        super().__init__(deployment, login)

    def call(self, method, path, body=None, wanted=None):
        data = json.dumps(body).encode() if body is not None else None
        status, text, headers = self._ask(method, path, data)
        assert wanted in (None, status), f"{method} {path}: {status} {text[:300]}"
        try:
            return json.loads(text), headers
        except ValueError:
            return {}, headers

    def _raw(self, method, path, data):
        status, text, _ = self._ask(method, path, data)
        assert status in (200, 201), f"{method} {path}: {status} {text[:300]}"
        return text

    def _ask(self, method, path, data):
        connection = http.client.HTTPConnection(self.address, self.port, timeout=10)
        headers = {"Host": self.name}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, f"/api/v4/{path}", data, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        except socket.timeout as late:
            raise OSError("no answer") from late
        finally:
            connection.close()
