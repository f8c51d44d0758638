"""Look at the running server and prove its mail, by the API of its local socket.

.. code-block:: shell

    salt-ssh '*' mattermost_api.ping
    salt-ssh '*' mattermost_api.send_test_mail
"""

from __future__ import annotations

from urllib.parse import urlsplit

import mattermost_account_core as account
import mattermost_api_core as api
import mattermost_config_core as config_core

SOCKET = "/run/mattermost/local.socket"
LOGIN = "/etc/mattermost/first-admin-login"
BY_HAND = "Send the test mail from the System Console instead: Environment, SMTP, Test Connection."


def ping(socket=SOCKET):
    """Return the server's word on itself: status, database_status, filestore_status.

    socket: absolute path of the local socket. Raises when nothing answers.
    """
    status, headers, body = api.Api(socket).request("GET", "system/ping?get_server_status=true")
    found = {key: value for key, value in body.items() if key.endswith("status")} if isinstance(body, dict) else {}
    return {**found, "http": status, "version": headers.get("X-Version-Id", "")}


def config(key=None, socket=SOCKET):
    """Return the configuration that the server works with, or one key of it; secrets are hidden, which servers since 11.0
    show.

    key: ``Section``, ``Section.Key``, or None for the whole. socket: absolute path of the local socket.
    """
    place = tuple(key.split(".", 1)) if key else ()
    return config_core.all_shown(config_core.look_up(api.Api(socket).call("GET", "config"), place), place)


def users(most=200, socket=SOCKET):
    """Return the accounts of people: user name, roles, whether deactivated; no addresses.

    most: how many at most. socket: absolute path of the local socket.
    """
    return [
        {"username": user["username"], "roles": user.get("roles", ""), "deactivated": bool(user.get("delete_at"))}
        for user in api.people(api.Api(socket), most)
    ]


def send_test_mail(username=None, login_file=LOGIN, socket=SOCKET):
    """Have the server send its own test message to an administrator, which proves server, port, login and TLS at once.

    The local socket does not offer the test, so this logs in over loopback with the first administrator's
    one-time login and out again. Once that file is gone use the console: Environment, SMTP, Test Connection.
    username: whose login, default the one in the file. login_file: root-only file of the deploy. socket: local socket.
    Returns ``{"result", "comment"}``; the comment holds the mail server's own reason when it refused.
    """
    try:
        with open(login_file, encoding="utf-8") as file:
            fields = account.login_in(file.read())
    except OSError as err:
        return {
            "result": False,
            "comment": f"The file {login_file} cannot be read: {err.strerror}. {BY_HAND}",
        }
    if username and fields.get("username") != username:
        return {
            "result": False,
            "comment": f"{login_file} has no login for {username}. {BY_HAND}",
        }
    try:
        service = api.Api(socket).call("GET", "config")["ServiceSettings"]
        address, path = service["ListenAddress"], urlsplit(service["SiteURL"] or "").path
        place = address if not address.startswith(":") else "127.0.0.1" + address
        return _send(api.Api(place, timeout=60, path=path), fields)
    except (api.Refused, api.Unreachable) as err:
        return {"result": False, "comment": str(err)}


def _send(server, fields):
    status, headers, _body = server.request(
        "POST", "users/login", {"login_id": fields["username"], "password": fields["password"]}
    )
    if status != 200:
        return {
            "result": False,
            "comment": f"The server refuses the login of {fields['username']} with the password that the deploy generated (HTTP status {status}). {BY_HAND}",
        }
    server.token = headers.get("Token", "")
    try:
        server.call("POST", "email/test", server.call("GET", "config"))  # the whole, as the console sends it
    finally:
        server.request("POST", "users/logout")
    return {"result": True, "comment": f"The server sent its test message to {fields['email']}."}
