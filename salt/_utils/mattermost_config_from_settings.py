"""Which keys of config.json follow from the settings."""

from __future__ import annotations

import mattermost_config_core as core

SECURITY = {"plain": "", "starttls": "STARTTLS", "tls": "TLS"}
PUSH = {"test": "https://push-test.mattermost.com", "hosted": "https://global.push.mattermost.com"}
SPARE_CONNECTIONS = 20  # of PostgreSQL's, left to administrators, backups and its own workers
SIGN_UP = ("TeamSettings", "EnableUserCreation")
SITE = ("ServiceSettings", "SiteURL")

# Reports about the host that the server sends to its maker unless told otherwise: crash reports to Sentry, usage, and
# once a day the version, the platform and how many people use it. What leaves the host is the administrator's choice.
PRIVATE = {
    ("LogSettings", "EnableDiagnostics"): False,
    ("LogSettings", "EnableSentry"): False,
    ("ServiceSettings", "EnableSecurityFixAlert"): False,
}


def place(settings: dict) -> dict:
    """Keys that the rest of the host counts on: addresses, folders, the socket, the size of the connection pool."""
    server, paths, pool = settings["server"], settings["paths"], settings["max_connections"] - SPARE_CONNECTIONS
    return {
        ("ServiceSettings", "ListenAddress"): f"127.0.0.1:{server['port']}",
        # without it, rate limits and the audit log see nginx's address in place of the client's
        ("ServiceSettings", "TrustedProxyIPHeader"): ["X-Real-IP"],
        ("ServiceSettings", "EnableLocalMode"): server["local_mode"],
        ("ServiceSettings", "LocalModeSocketLocation"): f"{paths['run']}/local.socket",
        ("FileSettings", "Directory"): f"{paths['state']}/data/",
        ("PluginSettings", "Directory"): f"{paths['state']}/plugins",
        ("PluginSettings", "ClientDirectory"): f"{paths['state']}/client-plugins",
        ("LogSettings", "FileLocation"): f"{paths['state']}/logs",
        ("SqlSettings", "DriverName"): "postgres",
        ("SqlSettings", "MaxOpenConns"): pool,
        ("SqlSettings", "MaxIdleConns"): pool // 2,
    }


def _mail(mail: dict) -> dict:
    if not mail["server"]:
        # the banner would tell every user that mail is not set up, although it is off on purpose
        return {
            ("EmailSettings", "SendEmailNotifications"): False,
            ("EmailSettings", "EnablePreviewModeBanner"): False,
        }
    return {
        ("EmailSettings", "SendEmailNotifications"): True,
        ("EmailSettings", "SMTPServer"): mail["server"],
        ("EmailSettings", "SMTPPort"): str(mail["port"]),  # a number here and the server refuses to start
        ("EmailSettings", "ConnectionSecurity"): SECURITY[mail["security"]],
        ("EmailSettings", "EnableSMTPAuth"): bool(mail["username"]),
        ("EmailSettings", "SMTPUsername"): mail["username"],
        ("EmailSettings", "SkipServerCertificateVerification"): mail["skip_certificate_check"],
        ("EmailSettings", "FeedbackEmail"): mail["from_address"],
        ("EmailSettings", "ReplyToAddress"): mail["from_address"],
        ("EmailSettings", "FeedbackName"): mail["from_name"],
    }


def _push(push: dict) -> dict:
    contents = {("EmailSettings", "PushNotificationContents"): push["contents"]}
    if push["service"] == "disabled":
        return {("EmailSettings", "SendPushNotifications"): False, **contents}
    return {
        ("EmailSettings", "SendPushNotifications"): True,
        ("EmailSettings", "PushNotificationServer"): PUSH.get(push["service"], push["url"]),
        **contents,
    }


def faults(settings: dict) -> list[str]:
    """Return one sentence for each setting without which another makes no sense."""
    found = []
    mail, push = settings["mail"], settings["push"]
    if mail["server"] and not mail["from_address"]:
        found.append(
            "mattermost:mail:server is set, but no sender is set. Set mattermost:mail:from_address or mattermost:email."
        )
    if mail["username"] and not mail["server"]:
        found.append("mattermost:mail:username is set, but mattermost:mail:server is not. Set both or neither.")
    if push["service"] == "own" and not push["url"]:
        found.append(
            "mattermost:push:service is set to own, but mattermost:push:url is empty. Set mattermost:push:url to the address of your push proxy."
        )
    return found


def keys(settings: dict) -> tuple[dict, dict]:
    """Return the keys to hold and the keys to start from, both flat.

    settings: the branches name, server, paths, mail, push of the merged settings, and max_connections of the database.
    The first dict is set whenever it differs. The second holds our choices for what the settings leave at a default: set
    in a new config.json and when the setting changes, so that what an administrator chooses in the console stays.
    The key that opens sign-up is in neither: it depends on whether there are accounts.
    """
    held = place(settings)
    first = dict(PRIVATE)
    (held if settings["mail"]["server"] else first).update(_mail(settings["mail"]))
    (held if settings["push"]["service"] != "disabled" else first).update(_push(settings["push"]))
    from_user = core.flatten(settings["server"]["config"])
    from_user.pop(SIGN_UP, None)
    held = {**held, **from_user}
    return held, {key: value for key, value in first.items() if key not in held}


def sign_up(settings: dict):
    """Return what the settings want for TeamSettings.EnableUserCreation, None where they do not say."""
    return core.flatten(settings["server"]["config"]).get(SIGN_UP)


def due(first: dict, before: dict) -> dict:
    """Return the keys of *first* whose setting changed since *before* (what was wanted last time)."""
    return {key: value for key, value in first.items() if key in before and before[key] != value}
