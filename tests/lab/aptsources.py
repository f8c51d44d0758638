"""Where this machine gets its Debian packages from.

The lab's package cache asks the same mirror, so nothing about mirrors is written
down in the project.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.lab.errors import LabError


def entries(one_line, deb822):
    """Yield ``(uri, suite)`` of binary package sources.

    one_line: text of ``*.list`` files. deb822: text of ``*.sources`` files.
    Only http and https sources count.
    """
    for line in one_line.splitlines():
        found = re.match(r"\s*deb\s+(?:\[[^]]*\]\s+)?(https?://\S+)\s+(\S+)", line)
        if found:
            yield found.group(1), found.group(2)
    for block in re.split(r"\n\s*\n", deb822):
        fields = _fields(block)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "").lower() == "no":
            continue
        for uri in fields.get("uris", "").split():
            if uri.startswith(("http://", "https://")):
                for suite in fields.get("suites", "").split():
                    yield uri, suite


def _fields(block):
    fields, last = {}, None
    for line in block.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in " \t" and last:
            fields[last] += " " + line.strip()
        elif ":" in line:
            last, value = line.split(":", 1)
            last = last.strip().lower()
            fields[last] = value.strip()
    return fields


def choose(pairs, suites):
    """Pick from *pairs* the main and the security mirror.

    suites: Debian release names that the lab uses; a mirror of one of them counts.
    Returns ``{"debian": url, "debian-security": url or absent}`` without trailing slashes.
    """
    chosen = {}
    for uri, suite in pairs:
        uri = uri.rstrip("/")
        if suite in suites:
            chosen.setdefault("debian", uri)
        elif suite.endswith("-security") and suite[: -len("-security")] in suites:
            chosen.setdefault("debian-security", uri)
    return chosen


def mirrors(suites, root=Path("/etc/apt")):
    """Read this machine's apt sources and return what `choose` returns.

    Raises LabError when there is no Debian mirror among them.
    """
    lists = [root / "sources.list", *sorted((root / "sources.list.d").glob("*.list"))]
    blocks = sorted((root / "sources.list.d").glob("*.sources"))
    pairs = entries(
        "\n".join(path.read_text() for path in lists if path.exists()),
        "\n\n".join(path.read_text() for path in blocks),
    )
    chosen = choose(pairs, suites)
    if "debian" not in chosen:
        raise LabError(
            f"No Debian mirror for {' or '.join(suites)} in {root}: the lab makes its hosts from the packages "
            "that this machine can get. Run it on a Debian machine with working apt sources."
        )
    return chosen
