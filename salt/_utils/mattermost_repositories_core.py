"""Package repositories of yum, dnf and apt, and the keys that sign them. Pure: texts in, texts out."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.parse

from mattermost_lines import lines_of

HEAD = "# Managed by Salt (mattermost.deploy.repositories)."
PUBLIC_KEY = 6  # OpenPGP packet
MODULES = "/etc/dnf/modules.d"
NOT_PROVED = ".mattermost-not-proved"  # beside the repositories: that a run was cut short before it had asked yum


class RepositoryError(Exception):
    """A repository or its key cannot be used; the text says why and what to do."""


def fingerprints(armoured: str) -> list[str]:
    """Return the fingerprints of all primary keys in an OpenPGP key file.

    Raises RepositoryError when it is none.
    """
    found = []
    for block in re.findall(
        r"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)-----END PGP PUBLIC KEY BLOCK-----", armoured, re.DOTALL
    ):
        body = re.split(r"\r?\n[ \t]*\r?\n", block, maxsplit=1)[-1]
        lines = [line.strip() for line in lines_of(body)]
        try:
            data = base64.b64decode("".join(line for line in lines if line and not line.startswith("=")), validate=True)
            found += [_fingerprint(packet) for kind, packet in _packets(data) if kind == PUBLIC_KEY]
        except (ValueError, IndexError):
            raise RepositoryError(
                "The OpenPGP key in that file is damaged. Check its address in mattermost:platform:repositories:keys."
            ) from None
    if not found:
        raise RepositoryError(
            "That file contains no OpenPGP key. Check its address in mattermost:platform:repositories:keys."
        )
    return found


def _fingerprint(packet: bytes) -> str:
    if packet[0] != 4:
        raise ValueError(packet[0])
    # SHA-1 is what the format (RFC 4880, 12.2) defines a fingerprint by
    return hashlib.sha1(b"\x99" + len(packet).to_bytes(2, "big") + packet).hexdigest().upper()  # noqa: S324


def _packets(data: bytes):
    """Yield ``(kind, body)`` of each OpenPGP packet (RFC 4880, 4.2)."""
    position = 0
    while position < len(data):
        tag = data[position]
        if not tag & 0x80:
            raise ValueError(tag)
        if tag & 0x40:
            kind, first, position = tag & 0x3F, data[position + 1], position + 2
            if first < 192:
                size = first
            elif first < 224:
                size, position = ((first - 192) << 8) + data[position] + 192, position + 1
            elif first == 255:
                size, position = int.from_bytes(data[position : position + 4], "big"), position + 4
            else:
                raise ValueError(first)
        else:
            kind, width = (tag & 0x3C) >> 2, {0: 1, 1: 2, 2: 4}[tag & 3] if tag & 3 != 3 else 0
            size = (
                int.from_bytes(data[position + 1 : position + 1 + width], "big") if width else len(data) - position - 1
            )
            position += 1 + width
        body = data[position : position + size]
        if len(body) != size:
            raise ValueError(size)
        yield kind, body
        position += size


def module_file(name: str) -> str:
    """Return where dnf keeps the state of a module."""
    return f"{MODULES}/{name}.module"


def is_disabled(module: str) -> bool:
    """Say whether a module's streams are disabled. module: the text of its file."""
    return "state=disabled" in module.replace(" ", "")


def imported(known: dict, pinned) -> list[str]:
    """Return the names of those packages that hold an imported key that is *pinned*.

    known: what rpm calls a key (the end of its fingerprint, the whole one since rpm 6) -> name of its package.
    """
    wanted = [fingerprint.lower() for fingerprint in pinned]
    return sorted(
        package for key, package in known.items() if key and any(each.endswith(key.lower()) for each in wanted)
    )


def unknown(armoured: str, pinned: list[str]) -> list[str]:
    """Return the fingerprints in a key file that are not *pinned*."""
    return [found for found in fingerprints(armoured) if found not in pinned]


def text(sections: dict, key_file) -> str:
    """Return a repository file.

    sections: ID -> ``{name, baseurl, keys, options}``. key_file: called with a key's name, returns its path.
    """
    lines = [HEAD]
    for identity, section in sections.items():
        lines += ["", f"[{identity}]", f"name={section['name']}", f"baseurl={section['baseurl']}"]
        files = " ".join(f"file://{key_file(key)}" for key in section["keys"])
        lines += ["enabled=1", "gpgcheck=1", f"gpgkey={files}"]
        lines += [f"{name}={value}" for name, value in (section.get("options") or {}).items()]
    return "\n".join(lines) + "\n"


def identities(repo: str) -> list[str]:
    """Return the IDs of all sections of a repository file."""
    return re.findall(r"(?m)^\[([^]]+)\]", repo)


def blamed(output: str, known) -> list[str]:
    """Return which repositories a failed ``makecache`` speaks of.

    output: what yum or dnf printed. known: IDs that there are. yum 3 says ``from ID:`` or ``for repo: ID/7/x86_64``, dnf
    ``for repo 'ID'``.
    """
    named = re.findall(r"(?=(?:\brepo:? |\bfrom |\bfor )['\"]?([A-Za-z0-9_.-]+))", output)
    return [identity for identity in known if identity in named]


def reason(output: str) -> str:
    """Return the line of yum's or dnf's output that says why, without its prefix."""
    lines = [line.strip() for line in lines_of(output) if line.strip()]
    # yum 3 goes on with a page of advice after its first line of failure
    telling = [line for line in lines if re.match(r"(Error|failure|Cannot find|One of the configured)", line)]
    chosen = telling or lines or ["it printed nothing"]
    return re.sub(r"^Error: ", "", chosen[0])


def apt_text(uri: str, suite: str, components: str, key_file: str) -> str:
    """Return a source file of apt. key_file: the armoured key that must sign it."""
    return f"{HEAD}\nTypes: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {components}\nSigned-By: {key_file}\n"


def without_dead(repo: str, dead: list[str]) -> tuple[str, list[str]]:
    """Return the text of a repository file with the sections switched off that ask a dead host, and their IDs.

    dead: host names that no longer answer. Nothing but ``enabled`` is changed; a section with a baseurl of its own that
    works is left alone.
    """
    parts = re.split(r"(?m)^(?=\[)", repo)
    off = []
    for number, part in enumerate(parts):
        identity = re.match(r"\[([^]]+)\]", part)
        values = {key: value.strip() for key, value in re.findall(r"(?m)^([a-z_]+)[ \t]*=[ \t]*(.*)$", part)}
        if not identity or values.get("enabled", "1") == "0":
            continue
        asked = [values[key] for key in ("mirrorlist", "metalink", "baseurl") if values.get(key)]
        if asked and all(urllib.parse.urlsplit(url).hostname in dead for url in asked):
            off.append(identity[1])
            part = re.sub(r"(?m)^enabled[ \t]*=.*\n?", "", part)
            head, _, rest = part.partition("\n")
            parts[number] = f"{head}\n# switched off by Salt: its host no longer answers\nenabled=0\n{rest}"
    return "".join(parts), off
