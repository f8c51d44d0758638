"""What an ACME certificate needs: issue, reissue or nothing; certbot's renewal file; the CA's reason to refuse. Pure."""

from __future__ import annotations

import re

import mattermost_json
from mattermost_lines import lines_of

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
PARKED = ".kept"  # of a renewal file that certbot shall pass over until the name is served again
RENEWED_BY_TIMER = 1 / 6  # of the lifetime left: the timer, due at 1/3, evidently did not do its work


def task(certificate, params: dict, wanted: dict, now: float) -> tuple[str, str]:
    """Return what is to be done about a certificate, and why: ``("issue" | "trim" | "renew" | "", reason)``.

    trim: it covers more names than are wanted, and its renewal fails one day for one that leads elsewhere by then.
    certificate: of mattermost_letsencrypt_certificate, None when there is none. params: the renewal file's values.
    wanted: ``name, server, key_type``, and ``names``, which *name* is one of. now: seconds since the epoch.
    """
    if certificate is None:
        return "issue", "there is no certificate yet"
    names = [each.lower() for each in _names(wanted)]
    missing = [each for each in names if each not in certificate.names]
    if names[0] in missing:
        return "issue", "the existing certificate is for another name"
    if missing:
        return "issue", f"the existing certificate does not cover {', '.join(missing)}"
    if canonical(params.get("server", wanted["server"])) != canonical(wanted["server"]):
        return "issue", f"the existing certificate was issued by {params['server']}"
    if params.get("key_type", certificate.key_type) != wanted["key_type"]:
        return "issue", f"the existing key is {params.get('key_type', certificate.key_type)}, not {wanted['key_type']}"
    if certificate.not_after - now <= certificate.lifetime * RENEWED_BY_TIMER:
        return "renew", f"the existing certificate {'has expired' if now >= certificate.not_after else 'expires soon'}"
    more = [each for each in certificate.names if each not in names]
    return ("trim", f"the existing certificate also covers {', '.join(more)}") if more else ("", "")


def _names(wanted: dict) -> list[str]:
    return list(wanted.get("names") or [wanted["name"]])


def canonical(server: str) -> str:
    """Return *server* with Let's Encrypt's first protocol version, gone since 2021, replaced: it is the same CA."""
    return server.replace("acme-v01.api.letsencrypt.org", "acme-v02.api.letsencrypt.org")


def renew_before(lifetime: float) -> str:
    """Return a third of *lifetime* (seconds) in the words of certbot's ``renew_before_expiry``."""
    minutes = round(lifetime / 3 / 60)  # CAs count the last second, or not
    if minutes >= 2 * 24 * 60:
        return f"{round(minutes / 60 / 24)} days"
    return f"{round(minutes / 60)} hours" if minutes >= 120 else f"{max(minutes, 1)} minutes"


def overdue(lifetime: float) -> float:
    """Return how little may be left of a certificate (both in seconds) before its renewal counts as failed.

    It is due at a third of the lifetime; a tenth of that third, and at least 36 hours, are for certbot's timer to try again.
    The host's own program, mattermost-certificate, reckons the same.
    """
    due = lifetime / 3
    return max(due - max(due / 10, 36 * 3600), lifetime / 10)


def read_renewal(text: str) -> dict:
    """Return the values of a renewal file in one dict; ``webroot_map`` is a dict in it."""
    found, inside = {"webroot_map": {}}, ""
    for line in lines_of(text):
        line = line.strip()
        if line.startswith("["):
            inside = line.strip("[] ")
        elif "=" in line and not line.startswith("#"):
            key, value = (part.strip() for part in line.split("=", 1))
            (found["webroot_map"] if inside == "webroot_map" else found)[key] = value
    return found


def edit_renewal(text: str, top: dict, params: dict, webroot_map: dict) -> str:
    """Return the renewal file *text* with values set, and those that are None removed; other plain lines stay.

    top: values before the first section. params: of ``[renewalparams]``. webroot_map: all of ``[[webroot_map]]``.
    """
    parts, inside = {"": [], "renewalparams": [], "webroot_map": []}, ""
    for line in lines_of(text):
        if line.strip().startswith("["):
            inside = line.strip().strip("[] ")
            parts.setdefault(inside, [])
        elif _is_plain(line):
            parts[inside].append(line)
    parts[""] = _with(parts[""], top)
    parts["renewalparams"] = _with(parts["renewalparams"], params)
    parts["webroot_map"] = _with([], webroot_map)
    lines = [*parts.pop(""), "[renewalparams]", *parts.pop("renewalparams")]
    for name, body in parts.items():
        lines += [f"[[{name}]]", *body]
    return "\n".join(lines) + "\n"


def _is_plain(line: str) -> bool:
    """Say whether a line of a renewal file has a bare name and runs no program: certbot takes a name in quotes off them, and ends a line at more than we do."""
    name, sign, _ = line.partition("=")
    is_named = (
        not sign or line.lstrip().startswith("#") or re.fullmatch(r"[a-z_]+", name.strip()) and "hook" not in name
    )
    return bool(is_named) and not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]", line)


def _with(lines: list[str], values: dict) -> list[str]:
    kept = [line for line in lines if "=" not in line or line.split("=", 1)[0].strip("# ") not in values]
    tail = []
    while kept and (not kept[-1].strip() or kept[-1].startswith("#")):  # the remark on the next section stays last
        tail.insert(0, kept.pop())
    return kept + [f"{key} = {value}" for key, value in values.items() if value is not None] + tail


def wanted_renewal(text: str, wanted: dict, lifetime: float) -> str:
    """Return the renewal file *text* made to renew as we need it: by our webroot, at a third of the lifetime.

    wanted: ``name, names, server, key_type, webroot, renews_by_lifetime``. Hooks of an earlier life (stopping a web server for
    the standalone plug-in, reloading another one) go; ours stands in the hook directory.
    """
    before = None if wanted["renews_by_lifetime"] else renew_before(lifetime)
    params = {
        "authenticator": "webroot",
        "installer": "None",
        "webroot_path": f"{wanted['webroot']},",
        "server": wanted["server"],
        "key_type": wanted["key_type"],
        "pre_hook": None,
        "post_hook": None,
        "renew_hook": None,
        "reuse_key": None,  # each renewal makes a key of its own
    }
    webroots = {name: wanted["webroot"] for name in _names(wanted)}
    found = read_renewal(text)
    same = all(found.get(key) == value for key, value in params.items() if key not in ("installer",))
    same = same and found.get("renew_before_expiry") == before
    if same and found["webroot_map"] == webroots and all(map(_is_plain, _outside_of_webroots(text))):
        return text
    return edit_renewal(text, {"renew_before_expiry": before}, params, webroots)


def _outside_of_webroots(text: str) -> list[str]:
    return [line for line in lines_of(text.partition("[[webroot_map]]")[0]) if not line.strip().startswith("[")]


def restored_renewal(text: str, directory: str, name: str, key_type: str) -> str:
    """Return the renewal file *text* of another host as it fits this one.

    directory: certbot's here. key_type: what the next renewal makes; the old key serves until then.
    """
    live = f"{directory}/live/{name}"
    files = {kind: f"{live}/{kind}.pem" for kind in ("cert", "privkey", "chain", "fullchain")}
    found = read_renewal(text)
    server = canonical(found.get("server", LETS_ENCRYPT))  # certbot does not write its default
    top = {"archive_dir": f"{directory}/archive/{name}", **files}
    return edit_renewal(text, top, {"server": server, "key_type": key_type}, found["webroot_map"])


def arguments(wanted: dict, again: bool) -> list[str]:
    """Return certbot's arguments for a certificate; every option exists from 1.11 to 5.x.

    wanted: ``name, names, email, server, key_type, webroot``. again: replace a certificate that is still good.
    """
    return [
        "certonly",
        *("--email", wanted["email"]),
        *("--server", wanted["server"]),
        "--webroot",
        *("--webroot-path", wanted["webroot"]),
        *(part for name in _names(wanted) for part in ("--domain", name)),
        *("--cert-name", wanted["name"]),
        *("--key-type", wanted["key_type"]),
        *(["--force-renewal", "--renew-with-new-domains"] if again else ["--keep-until-expiring"]),
    ]


def reason(output: str, log: str) -> tuple[str, str]:
    """Return why certbot got no certificate: the kind (``connection``, ``dns``, ``rateLimited`` ...) and the CA's words.

    output: what certbot printed. log: its log file; only the last run's part counts. certbot hides some of the CA's
    answers behind errors of its own ("can't set attribute"), the log has them.
    """
    log = log.rsplit("certbot version:", 1)[-1]
    detail = re.search(r"Type:\s+(\w+)\s*\n\s*Detail:\s+(.+?)(?:\n\s*\n|\n\s*Hint:|\n\s*Domain:|\Z)", output, re.DOTALL)
    if detail:
        return detail.group(1), _plain(detail.group(2))
    problems = re.findall(r"\{[^{}]*urn:ietf:params:acme:error:[^{}]*\}", log)
    for problem in reversed(problems):
        try:
            document = mattermost_json.parse(problem)
        except ValueError:
            continue
        return str(document.get("type", "")).rsplit(":", 1)[-1], _plain(str(document.get("detail", "")))
    unreachable = re.search(r"HTTPSConnectionPool\(host='([^']+)', port=(\d+)\): (.+)", output + log)
    if unreachable:
        cause = re.search(
            r"(certificate verify failed[^()\"']*|\[Errno[^\"')]+|timed out|Read timed out)", unreachable.group(3)
        )
        return (
            "unreachable",
            f"{unreachable.group(1)}:{unreachable.group(2)}: {_plain(cause.group(1) if cause else unreachable.group(3))}",
        )
    odd = re.search(r"An unexpected error occurred:\s*\n(.+?)(?:\nAsk for help|\n\s*\n|\Z)", output, re.DOTALL)
    if odd:
        return "unknown", _plain(odd.group(1))
    lines = [line.strip() for line in lines_of(output) if line.strip()]
    return "unknown", lines[-1] if lines else "certbot printed nothing"


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


ADVICE = {
    "connection": "The Internet must reach port 80 of this host at the name's address. Check the firewall, cloud rules and NAT.",
    "dns": "The name must resolve to this host in public DNS.",
    "caa": "The name's CAA record in DNS must allow this certificate authority.",
    "unauthorized": "Probably another web server answers for this name. Change the name's DNS records (A and AAAA) to this host's addresses.",
    "rateLimited": "Wait as long as the authority's answer says. For trials, set mattermost:letsencrypt:directory_url to a staging CA.",
    "unreachable": "The host must reach the certificate authority over HTTPS. Check the host's network, mattermost:letsencrypt:directory_url and ca_file.",
    "badNonce": "The certificate authority, or a proxy before it, gave inconsistent answers. Run the same command again.",
    "rejectedIdentifier": "This certificate authority issues no certificate for such a name. Use your own certificate: set mattermost:certificate:source to files.",
}


def advice(kind: str) -> str:
    """Return what helps against a refusal of *kind*, one sentence."""
    return ADVICE.get(kind, "See certbot's log on the host (/var/log/letsencrypt).")
