"""Ping, schema version, client configuration, test mail, and what Team Edition refuses."""

from __future__ import annotations

import asyncio

from aiohttp import web

from . import config_shown, config_values, health, mail
from .call import Call, ok, reply
from .errors import ApiError, no_route
from .routes import route


@route("GET", "system/ping", login=False)
async def ping(call: Call) -> web.Response:
    answer = {name: "" for name in ("AndroidLatestVersion", "AndroidMinVersion", "IosLatestVersion", "IosMinVersion")}
    if call.app.build.at_least(9, 0):
        answer["ActiveSearchBackend"] = "database"
    answer["status"] = health.OK
    wanted = call.query("get_server_status")
    if not (wanted == "true" if call.app.build.at_least(8, 0) else wanted):
        return reply(answer)
    answer["database_status"] = await health.database_status(call.app)
    answer["filestore_status"] = health.filestore_status(call.app)
    if health.BAD in (answer["database_status"], answer["filestore_status"]):
        answer["status"] = health.BAD
    headers = {name.capitalize(): answer[name] for name in ("database_status", "filestore_status", "status")}
    rest_semantics = call.app.build.at_least(8, 0) and call.query("use_rest_semantics") == "true"
    status = 500 if answer["status"] == health.BAD and not rest_semantics else 200
    return reply(answer, status, headers)


@route("GET", "system/schema/version", admin=True)
async def schema_version(call: Call) -> web.Response:
    return reply(await call.app.database.rows("SELECT version, name FROM db_migrations ORDER BY version"))


def client_config(call: Call, no_accounts: bool) -> dict[str, str]:
    """The values that anyone may see, all as text."""
    app, config = call.app, call.app.config.effective
    values = {
        "Version": app.version,
        "BuildNumber": app.build.number,
        "BuildDate": app.build.date,
        "BuildHash": app.build.hash,
        "BuildHashEnterprise": "none",
        "BuildEnterpriseReady": "false",
        "NoAccounts": no_accounts,
        "DiagnosticsEnabled": config["LogSettings"]["EnableDiagnostics"],
        "WebsocketURL": config["ServiceSettings"]["WebsocketURL"].rstrip("/"),
    }
    values |= config_shown.values(config)
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}


@route("GET", "config/client", login=False)
async def get_client_config(call: Call) -> web.Response:
    if call.local and not call.app.build.at_least(9, 8):
        raise no_route()
    if call.query("format") != "old" and not call.app.build.at_least(10, 12):
        raise ApiError(
            501,
            "api.config.client.old_format.app_error",
            "New format for the client configuration is not supported yet.",
        )
    count = await call.app.database.value("SELECT count(*) FROM users")
    more = {}
    if call.local:  # it sees what a logged-in user does
        rows = await call.app.database.rows("SELECT value FROM systems WHERE name = 'InstallationDate'")
        newest = await call.app.database.value("SELECT max(version) FROM db_migrations")
        more = {"SchemaVersion": str(newest), "InstallationDate": rows[0]["value"]}
    return reply(client_config(call, count == 0) | more)


@route("GET", "license/client", local=False, login=False)
async def get_client_license(call: Call) -> web.Response:
    if call.query("format") != "old":
        raise ApiError(
            400, "api.license.client.old_format.app_error", "New format for the client license is not supported yet."
        )
    return reply({"IsLicensed": "false"})


@route("POST", "email/test", local=False, admin=True)
async def test_email(call: Call) -> web.Response:
    body = await call.json(object)
    config, own_alone = call.app.config.effective, call.app.build.at_least(11, 0)
    if own_alone and not {*config["EmailSettings"]} <= {*(body or {}).get("EmailSettings", {})}:
        raise ApiError(400, "api.file.test_connection_email_settings_nil.app_error", "Email settings has unset values.")
    if isinstance(body, dict) and body and not own_alone:
        try:
            part = config_values.known_part(body, call.app.build)
        except ValueError as error:
            raise ApiError(400, "api.context.invalid_body_param.app_error", str(error)) from None
        config = config_values.merge(config, config_values.without_masks(part))
    settings = config["EmailSettings"]
    if not settings["SMTPServer"]:
        raise ApiError(400, "api.admin.test_email.missing_server", "SMTP Server is required.")
    user = await call.app.database.row("SELECT email FROM users WHERE id = %s", (call.user_id,))
    subject = f"{config['TeamSettings']['SiteName']} - Testing Email Settings"
    text = "It appears your Mattermost email is setup correctly! (Sent by the lab's stand-in server.)"
    try:
        await asyncio.to_thread(mail.send, settings, user["email"], subject, text)
    except mail.MailError as error:
        raise ApiError(500, "api.admin.test_email.app_error", str(error), str(error)) from None
    return ok()


@route("POST", "upgrade_to_enterprise", local=False, admin=True)
async def upgrade_to_enterprise(call: Call) -> web.Response:
    raise ApiError(403, "api.upgrade_to_enterprise.system_not_supported.app_error",
        "The system user does not have write access to the necessary binary file.")  # fmt: skip


@route("GET", "jobs", admin=True)
async def jobs(call: Call) -> web.Response:
    return reply(None)


@route("GET", "audits", local=False, admin=True)
async def audits(call: Call) -> web.Response:
    """Who did what from which address: the place where the caller's real address shows."""
    size, offset = call.page()
    rows = await call.app.database.rows(
        "SELECT * FROM audits ORDER BY createat DESC LIMIT %s OFFSET %s", (size, offset)
    )
    return reply([audit_object(row) for row in rows])


def audit_object(row: dict) -> dict:
    return {
        "id": row["id"],
        "create_at": row["createat"],
        "user_id": row["userid"],
        "action": row["action"],
        "extra_info": row["extrainfo"],
        "ip_address": row["ipaddress"],
        "session_id": row["sessionid"],
    }
