"""Whether people and the certificate authority can find the site, and whom the authority may write to. Pure."""

from __future__ import annotations

import ipaddress
import urllib.parse

from mattermost_controller.findings import Finding, note, ok, refusal, warning
from mattermost_controller.hosts.probe import is_loopback

# last parts of names that no public DNS has: RFC 6761, RFC 6762, and what networks use for themselves
PRIVATE = "corp example home internal intranet invalid lan local localhost private test".split()
MOST_NAMES = 100  # https://letsencrypt.org/docs/rate-limits/


def mail_address(settings: dict, site: str) -> Finding:
    if site == "ssl" and settings["certificate"]["source"] == "letsencrypt" and not settings["email"]:
        return refusal(
            "email",
            "mattermost:email is not set. The account with the certificate authority needs an e-mail address.",
            "set it in pillar/mattermost.sls (mattermost: {email: you@example.org}). Plain HTTP (mattermost.non-ssl) needs no address.",
        )
    return ok("email", f"{settings['email'] or 'No e-mail address is needed'}.")


def public_name(settings: dict, facts: dict, outside: dict, site: str) -> Finding:
    """The name users type leads to this host, as far as the controller can tell; a host behind NAT is no fault."""
    name, resolved = settings["name"], sorted(outside.get("resolved", []))
    if site == "ssl" and (found := _no_public_certificate(settings)):
        return found
    if settings["verify"]["address"]:
        return ok(
            "public-name",
            f"The DNS name was not checked, because mattermost:verify:address is set: verify connects to {settings['verify']['address']}.",
        )
    if _is_address(name):
        return _address_as_name(name, settings, site)
    if not resolved:
        sentence = f"The controller cannot resolve the DNS name {name}."
        fix = f"add an A or AAAA record of {name} for the host, or correct mattermost:name."
        if site == "ssl" and settings["certificate"]["source"] == "letsencrypt":
            return refusal("public-name", f"{sentence} The certificate authority must be able to resolve it, too.", fix)
        return warning("public-name", sentence, fix)
    host_addresses = {address for address in facts["addresses"] if not is_loopback(address)} | set(
        outside.get("reached", [])
    )
    if host_addresses & set(resolved):
        strays = [
            address
            for address in resolved
            if address not in host_addresses and not _may_be_nat(address, host_addresses)
        ]
        if strays:
            return warning(
                "public-name",
                f"{name} points to this host, but also to {', '.join(strays)}, which is not an address of this host.",
                "remove that record if the address belongs to another machine: users and the certificate authority may connect to that machine.",
            )
        return ok("public-name", f"{name} points to {', '.join(resolved)}, this host.")
    if not any(ipaddress.ip_address(address).is_global for address in facts["addresses"]) and any(
        ipaddress.ip_address(address).is_global for address in resolved
    ):
        return note(
            "public-name",
            f"{name} points to {', '.join(resolved)}. The host itself has only {', '.join(sorted(host_addresses))}, so it is behind NAT.",
        )
    return warning(
        "public-name",
        f"{name} points to {', '.join(resolved)}, but this host has only {', '.join(sorted(host_addresses))}.",
        "if the record points to another machine, correct it. If it points to your load balancer or NAT, ignore this.",
    )


def _no_public_certificate(settings: dict) -> Finding | None:
    """Return why Let's Encrypt would refuse the names, None where it may take them or another authority is asked."""
    private = [name for name in settings["names"] if name.lower().rpartition(".")[2] in PRIVATE or "." not in name]
    too_many = len(settings["names"]) > MOST_NAMES
    asked = urllib.parse.urlsplit(settings["letsencrypt"]["directory_url"]).hostname or ""
    if settings["certificate"]["source"] != "letsencrypt" or not asked.endswith(".letsencrypt.org"):
        return None
    if private:
        return refusal(
            "public-name",
            f"{private[0]} is a name that only your own network knows. Let's Encrypt issues no certificate for it.",
            "use a public name, or set mattermost:certificate:source: files, or your own authority in mattermost:letsencrypt:directory_url.",
        )
    if too_many:
        sentence = (
            f"The host has {len(settings['names'])} names. A certificate of Let's Encrypt has at most {MOST_NAMES}."
        )
        return refusal("public-name", sentence, "remove names from mattermost:additional_names.")
    return None


def _may_be_nat(address: str, host_addresses: set) -> bool:
    """Say whether an IPv4 address may lead here although the host does not have it: one that has only private ones."""
    version = ipaddress.ip_address(address).version
    return version == 4 and not any(
        ipaddress.ip_address(each).version == 4 and ipaddress.ip_address(each).is_global for each in host_addresses
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _address_as_name(name: str, settings: dict, site: str) -> Finding:
    if site == "ssl" and settings["certificate"]["source"] == "letsencrypt":
        return refusal(
            "public-name",
            f"{name} is an address, but a certificate needs a DNS name.",
            "set mattermost:name to the host's DNS name.",
        )
    return ok("public-name", f"mattermost:name is the address {name}, so no DNS name was checked.")
