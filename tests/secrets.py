"""Secrets to plant before a run, and a search for their bytes wherever they must not be.

The programs that search run on a host by ``python3 -`` and carry the patterns disguised, so that they are no find
themselves: neither in their text nor in their arguments.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import urllib.parse

# One value for each way in which a user hands a secret over. Signs that need quoting somewhere are in each on purpose.
PLANTED = {
    "database:password": 'dbp-Zq7@:/#%1$x"4f9c2e',
    "database:superuser_password": "sup-Kw3 '`\\8d1b7a",
    "mail:password": "smtp-Vn5&=+?^6e0a91c",
    "server:environment": "env-Hs2$HOME`id`9b7d33",
    "server:config": "cfg-Qm4<&>\"'5c6a40f",
}


def pillar() -> dict:
    """Return settings (below ``mattermost:``) that hold every planted secret; to merge over a host's own."""
    return {
        "database": {
            "password": PLANTED["database:password"],
            "superuser_password": PLANTED["database:superuser_password"],
        },
        "mail": {"server": "smtp.example.test", "username": "chat", "password": PLANTED["mail:password"]},
        "server": {
            "environment": {"MM_FILESETTINGS_AMAZONS3ACCESSKEYID": PLANTED["server:environment"]},
            "config": {"FileSettings": {"AmazonS3SecretAccessKey": PLANTED["server:config"]}},
        },
    }


def forms(value: str) -> dict:
    """Return the byte strings in which *value* may stand somewhere, by name of the form.

    base64 has three, one for each place of the value in groups of three bytes; their ends, which depend on what stands
    beside the value, are left out.
    """
    raw = value.encode()
    found = {
        "plain": raw,
        "JSON": json.dumps(value)[1:-1].encode(),
        "JSON in JSON": json.dumps(json.dumps(value)[1:-1])[1:-1].encode(),
        "JSON of the server": _go_json(value).encode(),
        "environment file": re.sub(r'(["\\`$])', r"\\\1", value).encode(),
        "percent-encoded": urllib.parse.quote(value, safe="").encode(),
    }
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw).decode()
        first = -(-shift * 8 // 6)
        last = (shift + len(raw)) * 8 // 6
        found[f"base64 at {shift}"] = whole[first:last].encode()
    kept: dict = {}
    for name, pattern in found.items():
        if pattern not in kept.values():
            kept[name] = pattern
    return kept


def _go_json(value: str) -> str:
    text = json.dumps(value)[1:-1]
    for sign in "&<>":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def found_in(data: bytes, planted=None) -> list[str]:
    """Return ``NAME (FORM)`` for each planted secret whose bytes stand in *data*."""
    values = PLANTED if planted is None else planted
    return [
        f"{name} ({form})"
        for name, value in values.items()
        for form, pattern in forms(value).items()
        if pattern in data
    ]


def below(folder, planted=None, places=(".",)) -> set[str]:
    """Return the files at or below *places* of *folder*, relative to it, in which a planted secret stands."""
    found = set()
    for place in (folder / place for place in places):
        for path in place.rglob("*") if place.is_dir() else [place]:
            with contextlib.suppress(FileNotFoundError):  # Salt writes beside a file and renames
                if path.is_file() and found_in(path.read_bytes(), planted):
                    found.add(str(path.relative_to(folder)))
    return found


_MASK = 0x5A

_COMMON = """
import json, os, stat, subprocess, sys, time
PATTERNS = {where: bytes(int(code[i:i + 2], 16) ^ %(mask)d for i in range(0, len(code), 2))
            for where, code in %(disguised)s.items()}
found = {}
def look(data, place):
    for where, pattern in PATTERNS.items():
        if pattern in data:
            found.setdefault(place, []).append(where)
def look_at_file(path):
    tail = b""
    try:
        with open(path, "rb") as file:
            while True:
                part = file.read(1 << 20)
                if not part:
                    break
                look(tail + part, path)
                tail = part[-512:]
    except OSError:
        pass
"""

_AT_REST = """
for top in %(tops)s:
    for folder, names, files in os.walk(top):
        open_folder = not %(others)s or os.lstat(folder).st_mode & stat.S_IXOTH
        names[:] = [name for name in names if open_folder and os.path.join(folder, name) not in %(skip)s]
        for name in files if open_folder else []:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) and (not %(others)s or mode & stat.S_IROTH):
                look_at_file(path)
for command in %(commands)s:
    look(subprocess.run(command, capture_output=True).stdout, " ".join(command))
print(json.dumps({place: sorted(set(names)) for place, names in found.items()}))
"""

_IN_FLIGHT = """
deadline = time.monotonic() + %(seconds)d
while time.monotonic() < deadline and not os.path.exists(%(stop)r):
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/" + process + "/cmdline", "rb") as file:
                data = file.read()
        except OSError:
            continue
        look(data, "arguments of " + data.split(b"\\0")[0].decode("utf-8", "replace"))
    time.sleep(0.02)
print(json.dumps({place: sorted(set(names)) for place, names in found.items()}))
"""

# Never on a disk, or the host's own business: what others read there is no file.
SKIP = ("/proc", "/sys", "/dev", "/run/systemd/journal", "/usr/share", "/usr/lib")


def _program(body: str, values, **parts) -> str:
    planted = PLANTED if values is None else values
    disguised = {
        f"{name} ({form})": bytes(byte ^ _MASK for byte in pattern).hex()
        for name, value in planted.items()
        for form, pattern in forms(value).items()
    }
    return (_COMMON + body) % {"mask": _MASK, "disguised": disguised, **parts}


def search_readable(tops=("/",), planted=None, skip=SKIP) -> str:
    """Return a program that prints ``{place: [secret (form), ..]}`` for every file below *tops* that any user can read,
    and for the journal."""
    journal = [["journalctl", "--no-pager", "-a", "-o", "json"]]
    return _program(_AT_REST, planted, tops=list(tops), others=True, skip=list(skip), commands=journal)


def search_all(tops, planted=None) -> str:
    """Return a program that does the same for every file below *tops*, whoever may read it: for Salt's working folders
    and caches, which must keep nothing."""
    return _program(_AT_REST, planted, tops=list(tops), others=False, skip=[], commands=[])


def watch_arguments(seconds: int, stop: str, planted=None) -> str:
    """Return a program that looks at all processes' arguments until the file *stop* exists, at most *seconds*."""
    return _program(_IN_FLIGHT, planted, seconds=seconds, stop=stop)
