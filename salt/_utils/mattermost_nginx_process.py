"""The running nginx: who listens on a port, which workers serve, whether a reload was taken.

Reads /proc only, so that it works on every platform without ss, lsof or netstat.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
import time

import mattermost_subprocess
from mattermost_lines import lines_of

LISTEN = "0A"  # TCP state in /proc/net/tcp
TAKEN_WITHIN = 15  # seconds for a master to start its new workers; it needs milliseconds


def listeners(port: int, proc: str = "/proc") -> list[tuple[int, str]]:
    """Return (process id, program name) of each process that listens on TCP *port* on any address."""
    sockets = set()
    for table in ("net/tcp", "net/tcp6"):
        try:
            with open(os.path.join(proc, table), encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except FileNotFoundError:
            continue
        sockets |= {f"socket:[{row[9]}]" for row in rows if row[3] == LISTEN and int(row[1].split(":")[1], 16) == port}
    if not sockets:
        return []
    return sorted((pid, program(pid, proc)) for pid in processes(proc) if sockets & open_files(pid, proc))


def processes(proc: str = "/proc") -> list[int]:
    """Return the ids of all processes."""
    return [int(name) for name in os.listdir(proc) if name.isdigit()]


def open_files(pid: int, proc: str = "/proc") -> set[str]:
    """Return what the open files of process *pid* link to; empty when it has ended."""
    folder = os.path.join(proc, str(pid), "fd")
    found = set()
    try:
        for name in os.listdir(folder):
            found.add(os.readlink(os.path.join(folder, name)))
    except OSError:  # it ended meanwhile
        pass
    return found


def program(pid: int, proc: str = "/proc") -> str:
    """Return the short name of process *pid*, empty when it has ended."""
    try:
        with open(os.path.join(proc, str(pid), "comm"), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def parent(pid: int, proc: str = "/proc") -> int:
    """Return the parent of process *pid*, 0 when it has ended."""
    try:
        with open(os.path.join(proc, str(pid), "stat"), encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def occupant(ports: list[int], own: str = "nginx") -> str | None:
    """Return one sentence when another program than *own* holds one of the TCP *ports*, else None."""
    for port in ports:
        holders = [(pid, name) for pid, name in listeners(port) if name != own]
        if holders:
            pid, name = holders[0]
            return (
                f"Port {port} is in use by {name} (process {pid}), and nginx needs it. Stop and disable that program, or move it "
                "to another port. Then run the same command again."
            )
    return None


def speaks_ipv6() -> bool:
    """Return whether this host's kernel lets a program listen on IPv6; a ``listen [::]`` is fatal without it."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


def master(service: str) -> int:
    """Return the process id of the service's main process, 0 while it does not run."""
    shown = mattermost_subprocess.run(["systemctl", "show", "-p", "MainPID", "-p", "ActiveState", service]).stdout
    values = dict(line.split("=", 1) for line in lines_of(shown) if "=" in line)
    return int(values.get("MainPID") or 0) if values.get("ActiveState") in ("active", "reloading") else 0


def workers(pid: int) -> set[int]:
    """Return the child processes of the master *pid*."""
    return {child for child in processes() if parent(child) == pid}


def reload(service: str, error_log: str) -> str | None:
    """Reload *service* and see its master start new workers. Return None, or the reason why it goes on with the old.

    error_log: where the master writes why it refused.
    """
    pid = master(service)
    old, written = workers(pid), _size(error_log)
    ended = mattermost_subprocess.run(["systemctl", "reload", service])
    if ended.returncode == 0:
        deadline = time.monotonic() + TAKEN_WITHIN
        while time.monotonic() < deadline:
            if workers(pid) - old:
                return None
            time.sleep(0.02)
    # requests stand in the same log, and one may hold a newline: only what has the number of the master is its word, or
    # that of the program which the unit reloads by
    shown = ["systemctl", "show", "-p", "ExecReload", service]
    units = mattermost_subprocess.run(shown).stdout
    numbers = "|".join({str(pid), *re.findall(r"\bpid=([1-9][0-9]*)", units)})
    said = re.findall(
        rf"^[0-9/]+ [0-9:]+ \[emerg\] (?:{numbers})#[0-9]+: (.*)", _since(error_log, written), re.MULTILINE
    )
    return said[-1].strip() if said else (ended.stderr.strip() or "no new worker was started")


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _since(path: str, offset: int) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return ""


def served_certificate(name: str, port: int = 443) -> str | None:
    """Return the SHA-256 of the certificate that this host serves for *name*, None when there is no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # compared, not trusted
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=name) as secure:
                return hashlib.sha256(secure.getpeercert(binary_form=True)).hexdigest()
    except OSError:
        return None


def stored_certificate(path: str) -> str | None:
    """Return the SHA-256 of the first certificate in the PEM file *path*, None when there is none."""
    try:
        with open(path, encoding="ascii") as file:
            text = file.read()
        leaf = text[text.index(ssl.PEM_HEADER) : text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
    except (OSError, ValueError):
        return None
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()
