"""The site's certificate and TLS, judged from handshakes. Pure.

Each check takes the merged settings, what was observed of the site (verify.observe) and the host's facts.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

from mattermost_letsencrypt_core import overdue

from mattermost_controller.findings import Finding, note, ok, refusal, skipped
from mattermost_controller.verify.commands import DEPLOY, SERVER_BLOCKS


def chain(settings, observed, facts) -> Finding:
    error = observed["tls"].error
    if error:
        private = "; if a private CA issued the certificate, set mattermost:verify:ca_file"
        return refusal(
            "certificate-trust",
            f"A TLS connection to {settings['name']} fails: {error}.",
            f"{DEPLOY}{'' if 'mismatch' in error else private}.",
        )
    return ok("certificate-trust", f"The certificate chain is trusted for {settings['name']}.")


def load(data: bytes, is_pem: bool = False):
    """Return a certificate of the cryptography package. Raises ValueError for one that it does not take, although OpenSSL may."""
    from cryptography import x509

    try:
        found = (x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate)(data)
        validity(found), found.issuer, found.subject  # read only when they are asked for
    except x509.InvalidVersion as err:
        raise ValueError(str(err)) from None
    return found


def days_left(settings, observed, facts, now: datetime | None = None) -> Finding:
    if not observed["tls"].certificate:
        return skipped("certificate-days", "Not checked, because the site sent no certificate.")
    try:
        first, last = validity(load(observed["tls"].certificate))
    except ValueError as err:
        return refusal("certificate-days", f"The certificate that the site sends cannot be read: {err}.", DEPLOY)
    left = last - (now or datetime.now(timezone.utc))
    sentence = f"The certificate has {left.days} days left (until {last:%Y-%m-%d})"
    if settings["certificate"]["source"] == "files":
        limit = min(timedelta(days=settings["certificate"]["min_days"]), (last - first) / 3)
        fix = f"replace the files that mattermost:certificate:chain and mattermost:certificate:key name, then: {DEPLOY}"
    else:
        limit = timedelta(seconds=overdue((last - first).total_seconds()))
        fix = "find out on the host why the certificate is not renewed: certbot renew --dry-run"
    if left > limit:
        return ok("certificate-days", f"{sentence}.")
    sentence += f"; at least {math.ceil(limit / timedelta(days=1))} are required."
    reason = facts.get("renewal", {}).get("reason")
    return refusal("certificate-days", f"{sentence} The last renewal failed: {reason}." if reason else sentence, fix)


def validity(certificate) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a certificate of the cryptography package."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return (
        certificate.not_valid_before.replace(tzinfo=timezone.utc),
        certificate.not_valid_after.replace(tzinfo=timezone.utc),
    )


def protocol(settings, observed, facts) -> Finding:
    if observed["old_tls"].startswith("accepted"):
        return refusal(
            "tls-protocol",
            f"The site still accepts {observed['old_tls'].split()[1]}.",
            f"{DEPLOY}; if the fault remains, another server block sets ssl_protocols. {SERVER_BLOCKS}",
        )
    if not observed["tls"].version:
        return skipped("tls-protocol", "Not checked, because the TLS handshake failed.")
    if observed["old_tls"] == "untestable":
        return note(
            "tls-protocol",
            f"{observed['tls'].version} is used. It is not known whether the site refuses TLS 1.0 and 1.1, because this controller cannot try them.",
            f"try it on a machine with an older OpenSSL: openssl s_client -tls1_1 -connect {settings['name']}:443",
        )
    return ok("tls-protocol", f"{observed['tls'].version} is used. TLS 1.0 and 1.1 are refused.")


def served_certificate(settings, observed, facts) -> Finding:
    """The certificate on disk is the one served: a renewal without a reload of nginx shows here."""
    from cryptography.hazmat.primitives.serialization import Encoding

    if not observed["tls"].certificate:
        return skipped("certificate-served", "Not checked, because the site sent no certificate.")
    if not facts["certificates"]:
        return refusal(
            "certificate-served",
            "nginx's configuration names no certificate file that exists on the host.",
            DEPLOY,
        )
    leaves = {}
    for path, text in facts["certificates"].items():
        try:
            leaves[path] = load(text.encode(), is_pem=True).public_bytes(Encoding.DER)
        except ValueError:
            leaves[path] = b""
    if observed["tls"].certificate in leaves.values():
        return ok("certificate-served", f"nginx serves the certificate in {', '.join(sorted(leaves))}.")
    fix = "run on the host: systemctl reload nginx"
    if settings["certificate"]["source"] == "letsencrypt":
        fix += f". To see why the renewal did not reload nginx, run: journalctl -u {settings['platform']['certbot']['service']}"
    return refusal("certificate-served", f"nginx does not serve the certificate in {', '.join(sorted(leaves))}.", fix)
