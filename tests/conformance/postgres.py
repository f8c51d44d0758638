"""A throwaway PostgreSQL cluster in a temporary directory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import quote

from tests.conformance import ports, unprivileged

PASSWORD = "p@ss:w/or#d%1"

HBA = """
local all postgres trust
local all all peer
host all all 127.0.0.1/32 scram-sha-256
"""


def find():
    """Directory of the newest PostgreSQL's programs, or None."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if homes:
        return homes[-1].parent
    found = shutil.which("initdb")
    return Path(os.path.realpath(found)).parent if found else None


class Cluster:
    """programs: directory of initdb and pg_ctl."""

    def __init__(self, programs):
        self.programs, self.port = programs, ports.free()
        self.home = unprivileged.directory("pg-")
        self.data, self.socket = self.home / "data", self.home
        self._count = 0
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        (self.data / "pg_hba.conf").write_text(HBA)
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(
                f"listen_addresses='127.0.0.1'\nport={self.port}\nunix_socket_directories='{self.socket}'\n"
                "fsync=off\nmax_connections=300\npassword_encryption=scram-sha-256\n"
            )
        self.start()

    def _run(self, program, *words):
        done = unprivileged.run([self.programs / program, *words])
        assert done.returncode == 0, f"{program} failed: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self):
        self._run("pg_ctl", "-D", self.data, "-l", self.home / "log", "-w", "start")

    def stop(self):
        self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")

    def remove(self):
        unprivileged.run([self.programs / "pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop"])
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def major(self):
        return int(self.sql("SHOW server_version_num")) // 10000

    def sql(self, query, database="postgres"):
        """Run *query* as the superuser and return its values, one row a line."""
        words = ["psql", "-h", self.socket, "-p", self.port, "-U", "postgres", "-d", database, "-Atqc", query]
        done = unprivileged.run(words)
        assert done.returncode == 0, f"{query}: {done.stderr}"
        return done.stdout.strip()

    def database(self, owner=True):
        """Make a role and a database; return their common name. Without *owner* it may only log in."""
        self._count += 1
        name = f"mm{self._count}"
        self.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        belongs = f"OWNER {name}" if owner else ""
        self.sql(f"CREATE DATABASE {name} {belongs} TEMPLATE template0")
        return name

    def dsn(self, name, password=PASSWORD, port=None):
        """The data source name for TCP, everything in the password encoded."""
        port = port or self.port
        return (
            f"postgres://{name}:{quote(password, safe='')}@127.0.0.1:{port}/{name}?sslmode=disable&connect_timeout=10"
        )
