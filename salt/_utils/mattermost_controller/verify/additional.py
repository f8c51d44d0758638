"""The additional names: each leads to this host, has the certificate, and sends its visitors to the public name. Pure.

Each check takes the merged settings, what was observed of the site (verify.observe) and the host's facts.
"""

from __future__ import annotations

import mattermost_json

from mattermost_controller.findings import Finding, ok, refusal
from mattermost_controller.verify.commands import DEPLOY, SERVER_BLOCKS

PATH = "/some/page?with=query"
API = "/api/v4/system/ping"


def _finding(check: str, wrong: list[str], good: str, fix: str) -> Finding:
    return refusal(check, " ".join(wrong), fix) if wrong else ok(check, good)


def names(settings, observed, facts) -> Finding:
    """Each name leads to where the public name leads; asked at an address of the settings, that is not looked at."""
    wrong = []
    for name, seen in observed["additional"].items():
        if not seen["resolved"]:
            wrong.append(f"The controller cannot resolve {name}.")
        elif not set(seen["resolved"]) & set(observed["resolved"]):
            wrong.append(
                f"{name} points to {', '.join(seen['resolved'])}, but the site's name points to {', '.join(observed['resolved'])}."
            )
    shown = ", ".join(observed["additional"])
    if settings["verify"]["address"]:
        return ok(
            "additional-names",
            f"The DNS records of {shown} were not compared, because verify asks the address in mattermost:verify:address.",
        )
    return _finding(
        "additional-names",
        wrong,
        f"These names point to the same host as the site's name: {shown}.",
        "correct the DNS records of these names, or remove the names from mattermost:additional_names.",
    )


def certificates(settings, observed, facts) -> Finding:
    wrong = [
        f"A TLS connection to {name} fails: {seen['tls'].error}."
        for name, seen in observed["additional"].items()
        if seen["tls"].error
    ]
    return _finding("additional-certificates", wrong, "The certificate is trusted for each additional name.", DEPLOY)


def redirects(settings, observed, facts) -> Finding:
    """People are sent to the public name for good; programs get an error in the server's form."""
    public, wrong = f"{observed['scheme']}://{settings['name']}", []
    for name, seen in observed["additional"].items():
        for key in ("page", "plain_page"):
            answer = seen.get(key)
            if answer and (answer.status, answer.headers.get("location")) != (301, public + PATH):
                found = answer.error or f"status {answer.status}, Location {answer.headers.get('location', 'none')}"
                wrong.append(f"{name} is not permanently redirected to {public}: {found}.")
                break
        else:
            if public + settings["server"]["path"] not in _message(seen["api"]):
                answer = seen["api"]
                wrong.append(
                    f"{name}{API} must answer with an error that names {public}, but the answer was: {answer.error or f'status {answer.status}'}."
                )
    return _finding(
        "additional-redirects",
        wrong,
        f"Each additional name is redirected to {public}, with path and query.",
        f"{DEPLOY}; if the fault remains, another server block serves the name. {SERVER_BLOCKS}",
    )


def _message(answer) -> str:
    return mattermost_json.texts(answer.body).get("message", "") if answer.status >= 400 else ""
