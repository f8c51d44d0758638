"""Whether a deployed host is what was promised: the site as observed from here, and the host itself. Pure.

One fault turns one check red: what could not be asked because of it is ``skipped``, which never passes on its own.
"""

from __future__ import annotations

from mattermost_controller.findings import REFUSAL, SKIPPED, Finding, reasons, refusal, refused, skipped, table
from mattermost_controller.verify import additional, host, tls, web
from mattermost_controller.verify.commands import VERIFY

WORDS = {REFUSAL: "FAILED"}
_ALWAYS = (
    web.page,
    web.ping,
    web.version,
    web.edition,
    web.site_address,
    web.sign_up,
    web.websocket,
    web.websocket_origin,
)
_TLS = (tls.chain, tls.days_left, tls.protocol, tls.served_certificate, web.hsts)
_HOST = (host.installed, host.listeners, host.services, host.postgresql, host.private_files)
_NAMES = {web.ping: "health", tls.chain: "certificate-trust", tls.days_left: "certificate-days"}
_NAMES |= {additional.names: "additional-names", additional.certificates: "additional-certificates"}
_NAMES |= {additional.redirects: "additional-redirects"}
_NAMES |= {web.license_is_taken: "license"}
_NAMES |= {tls.protocol: "tls-protocol", tls.served_certificate: "certificate-served"}
GATEWAY = (502, 503, 504)  # nginx answers, the server behind it does not


def run(settings: dict, facts: dict, observed: dict, site: str) -> list[Finding]:
    """Return every check's finding for one host.

    settings: merged settings. facts: ``hosts.probe.parse``. observed: ``verify.observe.observe_site``.
    site: ``ssl`` or ``non-ssl``.
    """
    return [one._replace(fix=one.fix.replace("{site}", site)) for one in _findings(settings, facts, observed, site)]


def _findings(settings: dict, facts: dict, observed: dict, site: str) -> list[Finding]:
    found = [check(settings, facts) for check in _HOST]
    if site == "ssl" and settings["certificate"]["source"] == "letsencrypt":
        found.append(host.renewal(settings, facts))
    if site == "ssl" and settings["certificate"]["watch"]:
        found.append(host.certificate_watch(settings, facts))
    if settings["backup"]["enabled"]:
        found.append(host.backup_age(settings, facts))
    name = web.public_name(settings, observed, facts)
    found.append(name)
    checks = [*(_TLS if site == "ssl" else ()), *_ALWAYS, web.upload_limit]
    checks += [web.license_is_taken] if settings["server"]["license"] else []
    if observed["additional"]:
        checks += [additional.names, additional.redirects, *([additional.certificates] if site == "ssl" else [])]
    if name.level == REFUSAL:
        found += [
            skipped(_name(check), "Not checked, because the controller cannot resolve the site's name.")
            for check in checks
        ]
        return _fail_skipped(found)
    found += [web.reachable(settings, observed, facts, site == "ssl"), web.closed_ports(settings, observed, facts)]
    if site == "ssl":
        plain = [web.redirect, *([web.challenge] if settings["certificate"]["source"] == "letsencrypt" else [])]
        dead = observed["control_http"] != "open"
        found += [_skip(check, "port 80") if dead else check(settings, observed, facts) for check in plain]
    if observed["control"] != "open":
        found += [_skip(check, "the site's port") for check in checks]
        return _fail_skipped(found)
    down = observed["ping"].status in GATEWAY
    for check in checks:
        if down and check in (*_ALWAYS, web.license_is_taken) and check is not web.ping:
            found.append(_skip(check, "the server behind nginx"))
        else:
            found.append(check(settings, observed, facts))
    return _fail_skipped(found)


def _skip(check, what: str) -> Finding:
    return skipped(_name(check), f"Not checked, because {what} does not answer.")


def _name(check) -> str:
    return _NAMES.get(check) or check.__name__.replace("_", "-")


def _fail_skipped(found: list[Finding]) -> list[Finding]:
    """Turn skipped checks red when nothing else is: what was not looked at is no pass."""
    if any(one.level == REFUSAL for one in found):
        return found
    return [refusal(one.check, one.sentence, VERIFY) if one.level == SKIPPED else one for one in found]


def report(found: dict, hosts: list[str], test: bool) -> dict:
    """Return ``result`` (None under *test* when something is red) and ``comment``.

    found: findings by host. hosts: the hosts in words.
    """
    total, wrong = sum(map(len, found.values())), refused(found)
    lines = table(found, WORDS)
    where = ", ".join(hosts)
    if not wrong:
        return {"result": True, "comment": "\n".join([f"Verified: {total} checks on {where}.", *lines])}
    failures = [f"Verification failed on {reason}" for reason in reasons(found)]
    if test:
        head = f"A real run verifies {where} at its end. Checked now, before any change, {len(wrong)} of {total} checks fail."
        return {"result": None, "comment": "\n".join([head, *reasons(found), *lines])}
    head = f"{len(wrong)} of {total} checks failed on {where}."
    return {"result": False, "comment": "\n".join([*failures, head, *lines])}
