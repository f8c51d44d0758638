"""The path of the site's address: what it is, and how the web client is rewritten for it."""

from __future__ import annotations

import base64
import hashlib
import os
import posixpath
import re
from urllib.parse import urlsplit

META = re.compile(r"(<meta http-equiv=\"Content-Security-Policy\" content=\")script-src 'self'[^\"]*(\">)")
SCRIPT = re.compile(r"<script id=\"publicPathInWindowScript\">(window\.publicPath='([^']*)')</script>")


class SubpathError(Exception):
    """The web client cannot be rewritten; the text is the server's own."""


def of(site_url: str) -> str:
    """Return the path of an address, ``/`` for one without."""
    return posixpath.join("/", urlsplit(site_url).path).rstrip("/") or "/"


def _static(path: str) -> str:
    return "/static/" if path == "/" else f"{posixpath.normpath(path)}/static/"


def _rewritten(page: str, static: str) -> str:
    found = SCRIPT.search(page)
    page = SCRIPT.sub("", page).replace(found[2] if found else "/static/", static)
    script = "" if static == "/static/" else f"window.publicPath='{static}'"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = META.sub(rf"\g<1>script-src 'self'{f' {chr(39)}sha256-{digest}{chr(39)}' if script else ''}\g<2>", page)
    tag = f'<script id="publicPathInWindowScript">{script}</script>' if script else ""
    return page.replace("</head>", f"{tag}</head>", 1)


def rewrite(directory: str, path: str) -> None:
    """Rewrite root.html where it changes, the manifest and the style sheets where the path does. Raises SubpathError."""
    place, static = os.path.join(directory, "root.html"), _static(path)
    if not os.path.isdir(directory):
        raise SubpathError("failed to find client dir")
    try:
        with open(place, encoding="utf-8") as file:
            page = file.read()
    except OSError as error:
        raise SubpathError(f"failed to open root.html: open {place}: {error.strerror.lower()}") from None
    if not META.search(page):
        raise SubpathError("failed to update root.html: failed to find 'Content-Security-Policy' meta tag to rewrite")
    found = SCRIPT.search(page)
    before, new = found[2] if found else "/static/", _rewritten(page, static)
    try:
        if new != page:
            _write(place, new)
        for folder, _, names in os.walk(directory if before != static else ""):
            for name in names:
                if name == "manifest.json" or name.endswith(".css"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        text = file.read()
                    _write(file.name, text.replace(before, static))
    except OSError as error:
        reason = f"open {error.filename}: {error.strerror.lower()}"
        raise SubpathError(
            f"failed to update root.html: failed to update root.html with subpath {path}: {reason}"
        ) from None


def _write(place: str, text: str) -> None:
    """In place and truncating, as the real one."""
    with open(place, "r+", encoding="utf-8") as file:
        file.truncate()
        file.write(text)
