"""A directory that looks like a host to the host program, with small stand-ins for the programs that it calls."""

import datetime
import hashlib
import os
import pathlib
import shlex
import subprocess

from tests import programs

HERE = pathlib.Path(__file__).parent
OLD, NEW = "11.7.100", "11.8.100"
SCHEMA = hashlib.md5(b"1,2", usedforsecurity=False).hexdigest()  # of the old version's migrations
ID = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=2)).strftime(
    "%Y%m%d%H%M%S"
)  # of what is kept aside


class Host:
    """The host in *folder*; the program runs under *shell*, a list."""

    def __init__(self, folder, shell):
        self.folder = folder
        for name in (
            "bin",
            "install",
            "state/config",
            "settings",
            "work",
            "run",
            "databases",
            "rows",
            "faults",
            "columns",
            "dropped",
        ):
            (folder / name).mkdir(parents=True)
        for name in ("systemctl", "curl", "psql", "journalctl", "mv", "runuser", "df", "sync"):
            (folder / "bin" / name).symlink_to(HERE / "stub.sh")
        for version in (OLD, NEW):
            self.unpack(version)
        (folder / "state/config/config.json").write_text("{old}")
        (folder / "settings/environment").write_text("A=old\nMM_SQLSETTINGS_DATASOURCE=very-secret\n")
        values = {
            "install": folder / "install", "state": folder / "state", "settings": folder / "settings", "work": folder / "work",
            "port": 1, "socket": folder / "run/local.socket", "local_mode": "yes", "service": "mattermost.service", "database": "mattermost", "role": "mattermost", "psql": folder / "bin/psql",
            "socket_dir": "/run", "database_port": 1, "start_timeout": 1, "database_timeout": 1, "unhealthy_timeout": 0, "settle": 0,
            "copy": "always", "keep": 1, "keep_days": 30, "keep_messages": "yes",
        }  # fmt: skip
        (folder / "settings/switch.conf").write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        self.command = [*shell, str(programs.installed("mattermost-switch", folder))]
        kept = programs.installed("mattermost-kept", folder)
        (folder / "bin/mattermost-kept").write_text(f'#!/bin/sh\nexec {shlex.join([*shell, str(kept)])} "$@"\n')
        (folder / "bin/mattermost-kept").chmod(0o755)
        self.environment = {
            "PATH": f"{folder}/bin:/usr/bin:/bin",
            "WORLD": str(folder),
            "MATTERMOST_SWITCH_SETTINGS": str(folder / "settings/switch.conf"),
            "MATTERMOST_SWITCH_RUNTIME": str(folder / "run"),
        }
        self.set(
            active="inactive",
            pid="100",
            log="",
            free_kib="1000000000",
            size_kib="1000",
            program=shlex.join(self.command),
        )
        self.set(**{"databases/mattermost": ""})
        self.set(**{f"columns/{OLD}": "posts id\nposts message\nusers id"})
        self.set(**{f"columns/{NEW}": "posts id\nposts message\nrecaps id\nrecaps title\nusers id\nusers mood"})
        self.takes_back()

    def setting(self, name, value):
        """Set one of the program's own settings."""
        with (self.folder / "settings/switch.conf").open("a") as file:
            file.write(f"{name}={value}\n")

    def unpack(self, version):
        server = self.folder / "install" / version / "bin/mattermost"
        server.parent.mkdir(parents=True)
        server.write_text("")
        server.chmod(0o755)

    def takes_back(self, script="echo {old} >databases/mattermost"):
        """Have the new version's server take its migrations back by *script*, a line of sh in the world's directory."""
        server = self.folder / f"install/{NEW}/bin/mattermost"
        says = 'cd "$WORLD"; echo "$*" >took_back; cp rows/mattermost rows_then; env >down_environment'
        server.write_text(f'#!/bin/sh\n[ "$1 $2" = "db downgrade" ] || exit 9\n{says}\n{script.format(old=OLD)}\n')

    def set(self, **values):
        """Write files of the world; see stub.sh."""
        for name, value in values.items():
            (self.folder / name).write_text(f"{value}\n")

    def get(self, name):
        return (self.folder / name).read_text().strip()

    def fault(self, version, what):
        self.set(**{f"faults/{version}": what})

    def run(self, *arguments):
        return subprocess.run(
            [*self.command, *arguments], env=self.environment, capture_output=True, text=True, timeout=60
        )

    @property
    def current(self):
        link = self.folder / "install/current"
        return os.readlink(link) if link.is_symlink() else None

    @property
    def databases(self):
        return {path.name: path.read_text().strip() for path in (self.folder / "databases").iterdir()}

    @property
    def kept(self):
        """The databases beside the server's own."""
        return sorted(name for name in self.databases if name != "mattermost")

    @property
    def journal(self):
        return self.folder / "work/switch/journal"

    def report(self):
        lines = (self.folder / "work/switch/report").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def upgraded(self, really=False):
        """Be a host that was upgraded from the old to the new version, with one message before and two more after it.

        really: by the program itself, which takes a second; else what it leaves is written here.
        """
        self.deployed().set(**{"rows/mattermost": "m1"})
        if really:
            assert self.run("to", NEW).returncode == 0
        else:
            self.point_at(NEW)
            self.keep("before", OLD, {"from": OLD, "to": NEW, "copied": "yes", "schema": SCHEMA, "applied": "4,3"})
            (self.folder / f"work/switch/before/{ID}/added").write_text("table recaps\ncolumn users mood\n")
            folder = self.folder / f"work/switch/before/{ID}"
            for name in ("state/config/config.json", "settings/environment"):
                (folder / name.rpartition("/")[2]).write_text((self.folder / name).read_text())
            self.set(**{f"rows/mattermost_before_{ID}": "m1", "databases/mattermost": NEW})
        (self.folder / "state/config/config.json").write_text("{new}")
        (self.folder / "settings/environment").write_text("A=new\nMM_SQLSETTINGS_DATASOURCE=rotated\n")
        (self.folder / "work/switch/good-environment").write_text("A=new\nMM_SQLSETTINGS_DATASOURCE=rotated\n")
        self.set(**{"rows/mattermost": "m1\nm2\nm3"})
        return self

    def point_at(self, version):
        (self.folder / "install/current").unlink()
        (self.folder / "install/current").symlink_to(version)

    def keep(self, kind, schema=None, facts=None, identity=None):
        """Have something kept aside: its database, when *schema* is given, and its folder, when *facts* are."""
        identity = identity or ID
        if schema:
            self.set(**{f"databases/mattermost_{kind}_{identity}": schema})
        if facts:
            folder = self.folder / "work/switch" / kind / identity
            folder.mkdir(parents=True)
            (folder / "facts").write_text("".join(f"{key}={value}\n" for key, value in facts.items()))

    def deployed(self):
        """Be a host that runs the old version, as a first deploy leaves it."""
        (self.folder / "install/current").symlink_to(OLD)
        (self.folder / "work/switch").mkdir()
        environment = (self.folder / "settings/environment").read_text()
        (self.folder / "work/switch/good-environment").write_text(environment)
        self.set(active="active", **{"databases/mattermost": OLD})
        return self

    def assert_old(self):
        assert self.current == OLD
        assert self.databases["mattermost"] == OLD, "the database is not the old one"
        assert self.get("active") == "active"
        assert self.get("state/config/config.json") == "{old}"
        assert self.get("settings/environment").startswith("A=old\n")
        assert not self.journal.exists()

    def assert_new(self):
        assert self.current == NEW
        assert self.databases["mattermost"] == NEW
        assert self.get("active") == "active"
        assert not self.journal.exists()
