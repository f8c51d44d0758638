"""One installation: directories, database, configuration, environment; and the server in it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.conformance import ports, unprivileged
from tests.conformance.wire import Wire

PATIENCE = 60  # seconds after which something that should happen has not


def eventually(what, happened, seconds=PATIENCE):
    """Wait until *happened* returns something true, and return it."""
    step = 0.02
    for _ in range(int(seconds / step)):
        found = happened()
        if found:
            return found
        time.sleep(step)
    raise AssertionError(f"{seconds} s have passed without: {what}")


class Running:
    """A started server process."""

    def __init__(self, site, words, environment):
        self.site = site
        self.ready_messages = []
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = site.aside / str(time.monotonic_ns())
        self._notify.bind(str(address))
        self._notify.setblocking(False)
        address.chmod(0o777)
        self.output = (site.aside / "stdout").open("ab+")
        self.errors = (site.aside / "stderr").open("ab+")
        self.process = subprocess.Popen(
            [str(word) for word in words],
            cwd=site.root,
            env=environment | {"NOTIFY_SOCKET": str(address)},
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.errors,
            # tests that nohup started would hand on that SIGHUP is ignored
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
            **unprivileged.identity(),
        )

    def messages(self):
        """Everything that the server has told systemd so far."""
        try:
            while True:
                self.ready_messages.append(self._notify.recv(4096).decode())
        except BlockingIOError:
            return self.ready_messages

    def wait_ready(self, seconds=PATIENCE):
        eventually("READY=1", lambda: self.messages() or self.process.poll() is not None, seconds)
        assert self.messages(), (
            f"the server ended with {self.process.poll()}: {self.log_text()[-1500:]}{self.error_text()[-1500:]}"
        )
        return self

    def wait_end(self, seconds=PATIENCE):
        """Return the exit code."""
        return self.process.wait(seconds)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.wait_end()
        self.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.close()

    def close(self):
        for file in (self._notify, self.output, self.errors):
            file.close()

    def log_text(self):
        return (self.site.aside / "stdout").read_text()

    def error_text(self):
        return (self.site.aside / "stderr").read_text()

    def log(self):
        """The log lines on the console, parsed."""
        return [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]

    @property
    def http(self):
        return Wire(self.site.port)

    @property
    def local(self):
        return Wire(self.site.socket)


class Site:
    """release: what is installed. cluster: where its database is. root: the release's tree.

    home: the installation's own directories. aside: what the tests keep of a run.
    """

    def __init__(self, release, cluster, root=None):
        self.release, self.cluster, self.root = release, cluster, root or release.root
        self.home = unprivileged.directory("site-")
        self.aside = unprivileged.directory("aside-", mine=False)
        for name in ("config", "data", "logs", "plugins", "client-plugins", "run", "tmp"):
            unprivileged.own(self.make(name), 0o755)
        self.port, self.socket = ports.free(), self.home / "run/local.socket"
        self.database = cluster.database()
        self.config_file = self.home / "config/config.json"
        self.write_config(self.settings())
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.home / "tmp")}
        self.started = []

    def make(self, name):
        path = self.home / name
        path.mkdir()
        return path

    def settings(self):
        """What an installer sets, by dotted names."""
        return {
            "SqlSettings.DataSource": self.cluster.dsn(self.database),
            "ServiceSettings.ListenAddress": f"127.0.0.1:{self.port}",
            "ServiceSettings.EnableLocalMode": True,
            "ServiceSettings.LocalModeSocketLocation": str(self.socket),
            "ServiceSettings.EnableSecurityFixAlert": False,
            "FileSettings.Directory": f"{self.home}/data/",
            "LogSettings.FileLocation": f"{self.home}/logs",
            "LogSettings.EnableDiagnostics": False,
            "LogSettings.EnableSentry": False,
            "PluginSettings.Directory": f"{self.home}/plugins",
            "PluginSettings.ClientDirectory": f"{self.home}/client-plugins",
            "PluginSettings.EnableRemoteMarketplace": False,
            "AnnouncementSettings.AdminNoticesEnabled": False,
            "AnnouncementSettings.UserNoticesEnabled": False,
        }

    def write_config(self, settings, base=None):
        """Write the archive's configuration with *settings* in it."""
        config = json.loads(self.release.config.read_text()) if base is None else base
        for name, value in settings.items():
            section, key = name.split(".")
            config.setdefault(section, {})[key] = value
        self.write_text(json.dumps(config, indent=2))

    def write_text(self, text):
        self.config_file.write_text(text)
        unprivileged.own(self.config_file, 0o600)

    def config(self):
        return json.loads(self.config_file.read_text())

    def set(self, **settings):
        """Change the file: ``set(ServiceSettings__SiteURL="...")``."""
        self.write_config({name.replace("__", "."): value for name, value in settings.items()}, base=self.config())

    def start(self, *, words=("server",), **environment):
        """Start the server; it may fail."""
        command = [self.root / "bin/mattermost", *words, "--config", self.config_file]
        self.started.append(Running(self, command, self.environment | environment))
        return self.started[-1]

    def up(self, **environment):
        """Start the server and wait until it is ready."""
        return self.start(**environment).wait_ready()

    def mattermost(self, *words, **environment):
        """Run a command of the server to its end."""
        command = [self.root / "bin/mattermost", *words]
        if words[:1] == ("db",):
            command += ["--config", self.config_file]
        return unprivileged.run(command, cwd=self.root, env=self.environment | environment)

    def mmctl(self, *words, local=True, as_json=True, **environment):
        """Run mmctl to its end."""
        command = [self.root / "bin/mmctl", *(["--local"] if local else []), *(["--json"] if as_json else []), *words]
        there = {"MMCTL_LOCAL_SOCKET_PATH": str(self.socket)}
        return unprivileged.run(command, cwd=self.home, env=self.environment | there | environment)

    def sql(self, query):
        return self.cluster.sql(query, self.database)

    def remove(self):
        for server in self.started:
            if server.process.poll() is None:
                server.kill()
        unprivileged.remove(self.home)
        unprivileged.remove(self.aside)

    def files(self, folder):
        """Every file below a folder of the site, relative."""
        base = self.home / folder
        return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


def mode(path):
    """Permission bits of *path*."""
    return Path(path).stat().st_mode & 0o7777
