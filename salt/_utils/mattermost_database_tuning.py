"""PostgreSQL's settings by the host's memory and cores, for a host that it shares with the chat server. Pure but `machine`."""

from __future__ import annotations

import os

# What a package's own postgresql.conf says; the same value in a file that is not ours is no choice of the administrator's.
PACKAGED = {"shared_buffers": "128MB", "max_wal_size": "1GB", "min_wal_size": "80MB", "max_connections": "100"}
# Settings that have a setting of their own here, or that the server's login depends on.
NOT_BY_NAME = {
    "listen_addresses": "PostgreSQL listens on this host only",
    "port": "use mattermost:database:port",
    "max_connections": "use mattermost:database:max_connections, which also sets the server's pool",
    "password_encryption": "only scram-sha-256 is supported",
    "data_directory": "this bundle needs the value of PostgreSQL's package",
    "config_file": "this bundle needs the value of PostgreSQL's package",
    "hba_file": "this bundle needs the value of PostgreSQL's package",
    "ident_file": "this bundle needs the value of PostgreSQL's package",
    "unix_socket_directories": "this bundle needs the value of PostgreSQL's package",
    "include": "write the settings of that file one by one",
    "include_dir": "write the settings of that file one by one",
    "include_if_exists": "write the settings of that file one by one",
}


def tuned(total_kib: int, cores: int, max_connections: int) -> dict[str, str]:
    """Return settings for a host of *total_kib* memory and *cores* processors.

    shared_buffers is the largest power of two within a quarter of the memory, 128 MB to 2 GB: a power of two, so that a
    host whose memory reads a little differently after a boot keeps its value and needs no restart. work_mem rises above
    PostgreSQL's own 4 MB, to 16 MB at most, as long as the memory holds it once for each connection. That is no limit: a
    query may take it several times. Checkpoints are rarer with more memory; the log of changes takes 1 to 4 GB.
    """
    total = total_kib // 1024
    shared = 128
    while shared * 2 <= min(total // 4, 2048):
        shared *= 2
    work = 4
    while work * 2 <= min(shared * 4 // max_connections, 16):
        work *= 2
    return {
        "shared_buffers": megabytes(shared),
        "effective_cache_size": megabytes(shared * 2),
        "maintenance_work_mem": megabytes(max(64, min(shared // 4, 256))),
        "work_mem": megabytes(work),
        "max_wal_size": megabytes(max(1024, min(shared * 2, 4096))),
        "min_wal_size": megabytes(max(80, min(shared // 2, 1024))),
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "max_parallel_workers": str(max(1, min(cores, 8))),
        "max_parallel_workers_per_gather": str(min(cores // 2, 4)),
        "max_parallel_maintenance_workers": str(max(1, min(cores // 2, 4))),
    }


def megabytes(number: int) -> str:
    """Write a size the way that SHOW prints it."""
    return f"{number // 1024}GB" if number % 1024 == 0 else f"{number}MB"


def machine(root: str = "/sys/fs/cgroup") -> tuple[int, int]:
    """Return this host's memory in KiB and its cores, less where a container may use less.

    root: where control groups show the limits of the whole host (version 2).
    """
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
    limit = _read(os.path.join(root, "memory.max"))
    if limit.isdigit():
        total = min(total, int(limit) // 1024)
    cores = len(os.sched_getaffinity(0))
    quota = _read(os.path.join(root, "cpu.max")).split()
    if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit():
        cores = min(cores, max(1, int(quota[0]) // int(quota[1])))
    return total, cores


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def faults(given: dict) -> list[str]:
    """Return one sentence for each of the user's own settings that must not be set by name."""
    return [
        f"mattermost:database:settings:{name} must not be set: {NOT_BY_NAME[name.lower()]}."
        for name in sorted(given)
        if name.lower() in NOT_BY_NAME
    ]


def as_text(value) -> str:
    """Return a setting's value as PostgreSQL writes it: on and off for truth."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
