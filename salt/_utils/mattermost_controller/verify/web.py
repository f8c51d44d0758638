"""What the site does for the world, judged from the answers it gave. Pure.

Each check takes the merged settings, what was observed of the site (verify.observe) and the host's facts.
"""

from __future__ import annotations

import mattermost_json
from mattermost_release_facts import EDITIONS, effective

from mattermost_controller.findings import OK, Finding, note, ok, refusal, skipped, warning
from mattermost_controller.verify.commands import DEPLOY, LOGS, NGINX_LOGS, SERVER_BLOCKS

CHALLENGE = "/.well-known/acme-challenge/mattermost-verify"


def public_name(settings, observed, facts) -> Finding:
    address, name = settings["verify"]["address"], settings["name"]
    if address:
        return ok("public-name", f"{name} is checked at {address} (mattermost:verify:address).")
    if not observed["resolved"]:
        return refusal(
            "public-name",
            f"The controller cannot resolve {name}.",
            "add its DNS record, or set mattermost:verify:address.",
        )
    return ok("public-name", f"{name} points to {', '.join(observed['resolved'])}.")


def reachable(settings, observed, facts, secure: bool) -> Finding:
    """The site's ports answer: 80, and 443 of a site with TLS."""
    ports = {"443": observed["control"], "80": observed["control_http"]} if secure else {"80": observed["control"]}
    dead = [f"port {port} ({state})" for port, state in ports.items() if state != "open"]
    where = settings["verify"]["address"] or settings["name"]
    if dead:
        return refusal(
            "reachable",
            f"{where} does not answer the controller on {' and '.join(dead)}.",
            f"check the firewall of the host (and of the cloud), and nginx on the host: {NGINX_LOGS}",
        )
    return ok("reachable", f"Port {' and '.join(ports)} answer{'s' if len(ports) == 1 else ''}.")


def closed_ports(settings, observed, facts) -> Finding:
    """The inner ports are closed to us; that says something only while the site's own port is open."""
    opened = sorted(
        key.partition("_")[2] for key, state in observed.items() if key.startswith("port_") and state == "open"
    )
    if opened:
        return refusal(
            "closed-ports",
            f"Port {' and '.join(opened)} can be reached from the controller, but must be closed to other machines.",
            "find on the host which program opens the port (ss -ltnp), and close the port in the firewall.",
        )
    ports = ", ".join(key.partition("_")[2] for key in observed if key.startswith("port_"))
    if observed["control"] != "open":
        return skipped("closed-ports", "Not checked, because the site's port does not answer either.")
    return ok("closed-ports", f"Ports {ports} cannot be reached from the controller.")


def redirect(settings, observed, facts) -> Finding:
    answer, wanted = observed["redirect"], f"https://{settings['name']}/some/page?with=query"
    if answer.status in (301, 308) and answer.headers.get("location") == wanted:
        return ok("redirect", "HTTP is redirected to HTTPS, with path and query.")
    found = answer.error or f"status {answer.status}, Location {answer.headers.get('location', 'none')}"
    return refusal(
        "redirect",
        f"HTTP is not permanently redirected to HTTPS: {found}.",
        f"{DEPLOY}; if the fault remains, another server block serves the site's name. {SERVER_BLOCKS}",
    )


def challenge(settings, observed, facts) -> Finding:
    answer = observed["challenge"]
    if answer.status == 404 and "x-version-id" not in answer.headers:
        return ok("challenge", "nginx answers an ACME challenge from the webroot.")
    place = answer.headers.get("location")
    found = answer.error or f"status {answer.status}" + (f", a redirect to {place}" if place else "")
    return refusal(
        "challenge",
        f"nginx does not answer {CHALLENGE} from the webroot: {found}. Renewals of the certificate would fail.",
        f"{DEPLOY}; if the fault remains, another server block serves the site's name. {SERVER_BLOCKS}",
    )


def hsts(settings, observed, facts) -> Finding:
    found = observed["page"].headers.get("strict-transport-security", "")
    wanted = f"max-age={settings['nginx']['hsts_seconds']}"
    if found.split(";")[0].strip() == wanted:
        return ok("hsts", found)
    return refusal(
        "hsts",
        f"The header Strict-Transport-Security is {found or 'missing'}. Expected, by mattermost:nginx:hsts_seconds: {wanted}.",
        DEPLOY,
    )


def page(settings, observed, facts) -> Finding:
    answer = observed["page"]
    if answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html"):
        return ok("page", "The web page is served.")
    return refusal(
        "page",
        f"The web page is not served: {_what(answer)}.",
        f"read the server's log on the host: {LOGS}; check that the server can read client/root.html of the release.",
    )


def ping(settings, observed, facts) -> Finding:
    answer = observed["ping"]
    body = mattermost_json.texts(answer.body)
    states = {key: body.get(key) for key in ("status", "database_status", "filestore_status")}
    if answer.status == 200 and set(states.values()) == {"OK"}:
        return ok("health", "The server, its database and its files are healthy.")
    ill = ", ".join(f"{key} {value}" for key, value in states.items() if value and value != "OK")
    return refusal(
        "health", f"The server is not healthy: {ill or _what(answer)}.", f"read the server's log on the host: {LOGS}"
    )


def version(settings, observed, facts) -> Finding:
    """The version that runs is the one that was asked for, or the installed one, after going back; a server that was not restarted shows here."""
    wanted = effective(settings["release"], facts["current"])
    header = ".".join(observed["ping"].headers.get("x-version-id", "").split(".")[:3])
    client = _client(observed).get("Version", header)
    if not header:
        return skipped("version", "Not checked, because the server does not report its version.")
    wrong = sorted({found for found in (header, client) if found not in (wanted, facts["current"])})
    if wrong:
        return refusal(
            "version",
            f"The running version is {' and '.join(name or 'unknown' for name in wrong)}. Expected: {wanted}.",
            f"run on the host: systemctl restart mattermost. If the version is still wrong, read the server's log: {LOGS}",
        )
    return ok("version", f"Mattermost {header} runs.")


def edition(settings, observed, facts) -> Finding:
    client = _client(observed)
    if not client:
        return skipped("edition", "Not checked, because the server does not report its edition.")
    wanted = settings["release"]["edition"]
    found = "enterprise" if client.get("BuildEnterpriseReady") == "true" else "team"
    if found != wanted:
        return refusal(
            "edition",
            f"The {EDITIONS[found]} runs. Expected: the {EDITIONS[wanted]}.",
            f"to keep this edition, set mattermost:release:edition: {found}. To change it, set a newer version, too (docs/editions.md).",
        )
    return ok("edition", f"The {EDITIONS[found]} runs.")


def license_is_taken(settings, observed, facts) -> Finding:
    """The server takes the license that the settings give it: only it can check the signature."""
    said = mattermost_json.texts(observed["license"].body)
    if "IsLicensed" not in said:
        return skipped("license", "Not checked, because the server does not report whether it has a license.")
    if said["IsLicensed"] != "true" or said.get("SkuShortName") == "entry":
        return refusal(
            "license",
            "The server does not accept the license in mattermost:server:license, and runs without a license.",
            f"set mattermost:server:license to the whole text of the vendor's file. The reason is in the server's log on the host: {LOGS}",
        )
    return ok("license", "The server has a license.")


def site_address(settings, observed, facts) -> Finding:
    """The server knows its own address: links in mails and the websocket's origin depend on it."""
    client = _client(observed)
    wanted = f"{observed['scheme']}://{settings['name']}{settings['server']['path']}"
    if not client:
        return skipped("site-address", "Not checked, because the server does not report its settings.")
    if client.get("SiteURL") != wanted:
        return refusal(
            "site-address",
            f"ServiceSettings.SiteURL is {client.get('SiteURL') or 'not set'}. The address of the site is {wanted}.",
            f"{DEPLOY}; if the fault remains, remove MM_SERVICESETTINGS_SITEURL from the server's unit. Find it on the host: systemctl cat mattermost",
        )
    return ok("site-address", f"ServiceSettings.SiteURL is {wanted}.")


def sign_up(settings, observed, facts) -> Finding:
    """Whoever creates the first account becomes system administrator."""
    client = _client(observed)
    if not client:
        return skipped("sign-up", "Not checked, because the server does not report its settings.")
    closed = "false" in (client.get("EnableUserCreation"), client.get("EnableSignUpWithEmail"))
    if client.get("NoAccounts") == "true" and not closed:
        return refusal(
            "sign-up",
            "The server has no account yet, so anybody can create the first one, which becomes system administrator.",
            f"set mattermost:server:admin:create: True, then: {DEPLOY}",
        )
    if client.get("EnableOpenServer") == "true" and not closed:
        return note("sign-up", "Anybody can create an account (TeamSettings.EnableOpenServer).")
    return ok("sign-up", "Nobody can create an account without an invitation.")


def websocket(settings, observed, facts) -> Finding:
    answer = observed["websocket"]
    if answer.status == 101 and not answer.error:
        return ok("websocket", "A websocket opens through the public name.")
    return refusal(
        "websocket",
        f"No websocket opens through the public name: {_what(answer)}.",
        f"{DEPLOY}; if the fault remains, read the server's log on the host: {LOGS}",
    )


def websocket_origin(settings, observed, facts) -> Finding:
    answer, same_origin = observed["foreign"], websocket(settings, observed, facts)
    if same_origin.level != OK:
        return skipped("websocket-origin", "Not checked, because no websocket opens.")
    if answer.status == 403:
        return ok("websocket-origin", "A websocket from another site is refused.")
    if answer.status == 101:
        return refusal(
            "websocket-origin",
            "The server accepts a websocket from another site (status 101).",
            f"set mattermost:server:config:ServiceSettings:AllowCorsFrom to the sites that may open a websocket ('' for none), then: {DEPLOY}",
        )
    return warning(
        "websocket-origin",
        f"It could not be checked whether a websocket from another site is refused: {_what(answer)}.",
        f"read the server's log on the host: {LOGS}",
    )


def upload_limit(settings, observed, facts) -> Finding:
    limit, at_limit, over_limit = settings["nginx"]["body_limit"], observed["upload_at"], observed["upload_over"]
    if at_limit.status not in (100, 401):
        return refusal(
            "upload-limit",
            f"The site refuses an upload of {limit} bytes: {_what(at_limit)}. The settings allow this size.",
            DEPLOY,
        )
    if over_limit.status != 413:
        return refusal(
            "upload-limit",
            f"The site accepts an upload of {limit + 1} bytes: {_what(over_limit)}. The settings do not allow this size.",
            DEPLOY,
        )
    return ok("upload-limit", f"An upload of {limit} bytes is accepted. One byte more is refused.")


def _client(observed: dict) -> dict:
    """Return what the server tells to anybody about its settings; nothing when it answers with an error."""
    return mattermost_json.texts(observed["client"].body) if observed["client"].status == 200 else {}


def _what(answer) -> str:
    if answer.error:
        return answer.error
    kind = answer.headers.get("content-type", "")
    return f"status {answer.status}" + (f" ({kind})" if kind else "")
