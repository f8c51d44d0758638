"""Whether the files on this machine that the settings name are there and good: seen before any host is changed."""

from __future__ import annotations

import os
import time

from cryptography.exceptions import UnsupportedAlgorithm
from mattermost_letsencrypt_certificate import CertificateError
from mattermost_settings_data import SHIPPED, is_certificate, place

from mattermost_controller.findings import Finding, ok, refusal
from mattermost_controller.preflight import certificate_files
from mattermost_controller.preflight.release import needs_archive


def inspect(settings: dict, roots: list[str], site: str) -> dict:
    """Return what this machine has of the named files.

    roots: directories that ``salt://`` stands for. site: ``ssl``, ``non-ssl``, or empty for none.
    ``missing``: pairs of setting and file. ``source_there``: False when a local archive is missing.
    ``certificate_fault``: why the user's own certificate cannot be served, "" when it can or is not asked for.
    """
    certificate, source = settings["certificate"], settings["release"]["source"]
    is_own = site == "ssl" and certificate["source"] == "files"
    named = {"letsencrypt:ca_file": settings["letsencrypt"]["ca_file"], "verify:ca_file": settings["verify"]["ca_file"]}
    if site == "ssl" and not is_own:
        named["letsencrypt:archive"] = settings["letsencrypt"]["archive"]
    if is_own:
        named |= {"certificate:chain": certificate["chain"], "certificate:key": certificate["key"]}
    places = {key: place(name, roots) for key, name in named.items() if name and not is_certificate(name)}
    missing = [(key, named[key]) for key, path in places.items() if not _is_readable(path)]
    return {
        "missing": missing,
        "source_there": "://" in source or _is_readable(source),
        "certificate_fault": _fault(settings, places) if is_own and not missing else "",
    }


def _is_readable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.R_OK)


def _fault(settings: dict, places: dict) -> str:
    chain, key = places.get("certificate:chain"), places.get("certificate:key")
    if not chain or not key:
        return "mattermost:certificate:chain and :key must be set to your files (salt://mattermost/local/NAME)."
    try:
        certificate_files.check(chain, key, settings.get("names") or [settings["name"]], time.time())
    except CertificateError as err:
        return str(err)
    except UnsupportedAlgorithm:  # the host's openssl may know it, and looks before it takes the files
        return ""
    return ""


def named_files(settings, facts, outside) -> Finding:
    ca_file = settings["letsencrypt"]["ca_file"]
    if outside.get("by_minion") and ca_file and not ca_file.startswith(SHIPPED) and not is_certificate(ca_file):
        return refusal(
            "named-files",
            f"mattermost:letsencrypt:ca_file is {ca_file}, a path on the controller. A minion cannot read it.",
            "set it to a file of the file server (salt://mattermost/local/NAME), or to the certificate itself, in PEM format.",
        )
    missing = outside.get("missing", [])
    if missing:
        listed = ", ".join(f"{name} (mattermost:{key})" for key, name in missing)
        return refusal(
            "named-files",
            f"The controller has no {listed}, or this account cannot read it there.",
            "put each named file there (in a checkout, salt:// is the folder salt/) and make it readable, or correct the setting.",
        )
    return ok("named-files", "Every file that the settings name exists.")


def own_certificate(settings, facts, outside) -> Finding:
    fault = outside.get("certificate_fault", "")
    if fault:
        fix = "put the certificate (with its chain) and the key for the public name into the files on the controller that mattermost:certificate names."
        return refusal("own-certificate", fault, fix)
    is_own = settings["certificate"]["source"] == "files"
    return ok(
        "own-certificate",
        "Your own certificate is valid."
        if is_own
        else "No certificate of your own is used (mattermost:certificate:source), so none was checked.",
    )


def source(settings, facts, outside) -> Finding:
    where = settings["release"]["source"]
    is_needed = needs_archive(settings, facts)
    if is_needed and outside.get("by_minion") and "://" not in where:
        return refusal(
            "archive-source",
            f"mattermost:release:source is {where}, a path on the controller. That file is not copied to a minion.",
            "set mattermost:release:source to an https:// address, or to file:///PATH on the host.",
        )
    if is_needed and not outside.get("source_there", True):
        return refusal(
            "archive-source",
            f"The file {where} does not exist on the controller, or this account cannot read it.",
            "correct mattermost:release:source, or make that file readable.",
        )
    return ok("archive-source", f"The source of Mattermost's archive is {where}.")
