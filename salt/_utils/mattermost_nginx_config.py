"""nginx's configuration as one transaction: what would change, the proof aside, the swap and its undo.

Pure functions and file work on given paths; no Salt. The proof runs the real nginx against a copy of its whole
configuration, so that a file replaces a good one only after nginx has accepted it.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile

import mattermost_atomic_file as atomic
import mattermost_subprocess
from mattermost_lines import lines_of

LARGE = 1024 * 1024  # bytes; larger files (GeoIP tables ...) are linked into the copy, not copied
MAIN = "nginx.conf"


def render(template: str, context: dict) -> bytes:
    """Return *template* (Jinja) filled from *context*. Raises jinja2.UndefinedError for a name that is not there."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - nginx files, not web pages
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(template).render(**context).encode()


def differing(wanted: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """Return those entries of *wanted* (path -> content, None for "must not exist") that differ from the disk."""
    return {path: content for path, content in wanted.items() if _content(path) != content}


def _content(path: str) -> bytes | None:
    if os.path.islink(path) and not os.path.exists(path):
        return b""  # a dangling link is something that is there
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def copy_with(source: str, target: str, changes: dict[str, bytes | None]) -> None:
    """Copy the configuration *source* to *target* with *changes* applied, so that nginx can be asked about the result.

    source: nginx's directory (``/etc/nginx``). target: an existing directory that root alone reads.
    changes: absolute path -> content, or None to leave the file out. Paths below *source* inside the files are
    rewritten to *target*; the PID file too, because ``nginx -t`` would leave an empty one for the real service.
    """
    for folder, folders, files in os.walk(source):
        copied = _moved(folder, source, target)
        os.makedirs(copied, exist_ok=True)
        for name in folders + files:
            path = os.path.join(folder, name)
            if path in changes:
                continue
            if os.path.islink(path) and not os.path.isfile(path):  # a folder, or nothing
                os.symlink(_moved(os.path.join(folder, os.readlink(path)), source, target), os.path.join(copied, name))
            elif os.path.isfile(path):
                if os.path.getsize(path) > LARGE:
                    os.symlink(os.path.realpath(path), os.path.join(copied, name))
                else:
                    _write_copy(path, _content(path) or b"", source, target)
    for path, content in changes.items():
        if content is not None:
            os.makedirs(os.path.dirname(_moved(path, source, target)), exist_ok=True)
            _write_copy(path, content, source, target)


def _moved(path: str, source: str, target: str) -> str:
    return target + path[len(source) :] if path == source or path.startswith(source + "/") else path


def _write_copy(path: str, content: bytes, source: str, target: str) -> None:
    content = content.replace(f"{source}/".encode(), f"{target}/".encode())
    if path == os.path.join(source, MAIN):
        content = re.sub(rb"(?m)^\s*pid\s[^;]*;", b"", content)
        content = f"pid {target}/nginx.pid;\n".encode() + content
    with open(_moved(path, source, target), "wb") as file:
        file.write(content)


def find(program: str = "nginx") -> str | None:
    """Return the path of nginx, None when it is not installed."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def proof(changes: dict[str, bytes | None], directory: str, program: str = "nginx") -> str | None:
    """Ask nginx about a copy of its configuration with *changes*; return its reason to refuse, or None.

    directory: nginx's. program: name or path of nginx.
    """
    program = find(program) or program
    with tempfile.TemporaryDirectory(prefix="mattermost-nginx-") as copy:
        copy_with(directory, copy, changes)
        ended = mattermost_subprocess.run([program, "-t", "-q", "-c", os.path.join(copy, MAIN)])
        return refusal(ended.stderr, directory, copy) if ended.returncode else None


def refusal(output: str, source: str, target: str) -> str:
    """Return nginx's own reason from the *output* of ``nginx -t`` on a copy, with the real paths in it."""
    lines = [line.strip().replace(target + "/", source + "/") for line in lines_of(output) if line.strip()]
    reasons = [line for line in lines if "[emerg]" in line or "[alert]" in line] or lines[-1:] or ["no reason given"]
    return re.sub(r"^(nginx:|[\d/]+ [\d:]+) \[\w+\] (\d+#\d+: )?", "", reasons[0])


def culprit(reason: str, ours) -> str | None:
    """Return the file that *reason* names, when it is none of *ours*: then the fault was there before."""
    named = re.search(r" in (/\S+?):\d+$", reason)
    return named.group(1) if named and named.group(1) not in set(ours) else None


def write(path: str, content: bytes, mode: int = 0o644) -> None:
    """Replace *path* by *content*, as `mattermost_atomic_file` does, in a directory that is made where it is missing."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    atomic.write(path, content, mode)


def overwrite(path: str, content: bytes) -> None:
    """Replace the content of *path*: a link stays one, and the mode, for a file with a password may be root's alone; a new file has 0644."""
    mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else 0o644
    write(os.path.realpath(path), content, mode)


class Swap:
    """Put *changes* in place, and back again with ``undo`` when the running nginx does not take them."""

    def __init__(self, changes: dict[str, bytes | None], put_away: list[str], away: str):
        """changes: path -> content or None. put_away: foreign files to move to the directory *away*."""
        self.changes = changes
        self.away = {path: os.path.join(away, path.strip("/").replace("/", "_")) for path in put_away}
        self.before = {path: _content(path) for path in changes}
        self.links = {path: os.readlink(path) for path in put_away if os.path.islink(path)}

    def apply(self) -> None:
        """New files first, then what goes: at no moment is there less than before."""
        for path, content in self.changes.items():
            if content is not None:
                write(path, content)
        for path, content in self.changes.items():
            if content is None and os.path.lexists(path):
                os.unlink(path)
        for path, kept in self.away.items():
            if path in self.links:
                os.unlink(path)  # what the link names stays
            else:
                os.makedirs(os.path.dirname(kept), mode=0o700, exist_ok=True)
                shutil.move(path, kept)

    def undo(self) -> None:
        """Bring everything back as it was."""
        for path, content in self.before.items():
            if content is not None:
                write(path, content)
            elif os.path.lexists(path):
                os.unlink(path)
        for path, kept in self.away.items():
            if path in self.links:
                os.symlink(self.links[path], path)
            else:
                shutil.move(kept, path)
