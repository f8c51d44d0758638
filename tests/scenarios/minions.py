"""A Salt master on the controller, of this Python's Salt, and minions on lab hosts; the master cannot log in anywhere.

A minion is the lab's own archive of Salt with a Python of its own, as Salt's packages are, so it runs on every platform.
"""

from __future__ import annotations

import contextlib
import copy
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests import repository
from tests.lab import relenv, shell
from tests.lab.trial import dump
from tests.scenarios.deployment import ROOT, Run

HOME = "opt/minion"
PACKAGES = f"{HOME}/salt/lib/python3.11/dist-packages"
START_SECONDS = 300


class Master:
    """deployment: whose host gets the minion, and whose settings the master's pillar has. others: further hosts, by ID, with the same.

    own: whether the deployment's host gets one, too.
    """

    def __init__(self, deployment, others=None, own=True):
        self.deployment, self.host = deployment, deployment.host
        self.hosts = {**({deployment.name: deployment.host} if own else {}), **(others or {})}
        self.folder = Path(tempfile.mkdtemp(prefix="mm"))  # a socket's path has a small limit
        self.gateway = str(self.host.lab.instance.gateway)
        self.etc = self.folder / "etc"
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
            for each in sockets:
                each.bind((self.gateway, 0))
            self.publish, self.answer = [each.getsockname()[1] for each in sockets]
        options = {
            "user": "root",
            "root_dir": str(self.folder),
            "sock_dir": str(self.folder / "run"),
            "interface": self.gateway,
            "publish_port": self.publish,
            "ret_port": self.answer,
            "auto_accept": True,
            "worker_threads": 3,
            "file_roots": {"base": [str(ROOT / "salt")]},
            "pillar_roots": {"base": [str(self.folder / "pillar")]},
        }
        dump(self.etc / "master", options)
        self.take_settings()

    def take_settings(self):
        """Give the host's settings to its pillar, and what the orchestrations need to the master's own."""
        settings = copy.deepcopy(self.deployment.settings)
        branch = settings["mattermost"]
        branch["letsencrypt"]["ca_file"] = Path(branch["letsencrypt"]["ca_file"]).read_text()
        own = {"mattermost": {"engine": "minion", "hosts": [self.deployment.name]}}
        top = {**{name: ["mattermost"] for name in (self.deployment.name, *self.hosts)}, "*_master": ["engine"]}
        dump(self.folder / "pillar/top.sls", {"base": top})
        dump(self.folder / "pillar/engine.sls", own)
        dump(self.folder / "pillar/mattermost.sls", settings)

    def start(self):
        """Start all and wait until the minions answer. `stop` ends the master; a minion ends with its host."""
        with (self.folder / "master.log").open("w") as log:
            command = [repository.BIN / "salt-master", "-c", self.etc]
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        archive = relenv.build(self.host.lab.cache)
        for name, host in self.hosts.items():
            (host.root / HOME).mkdir()
            shell.run(["tar", "-xf", archive, "-C", host.root / HOME], timeout=300)
            minion = {
                "id": name,
                "root_dir": f"/{HOME}",
                "master": self.gateway,
                "master_port": self.answer,
                "publish_port": self.publish,
                "enable_fqdns_grains": False,
            }
            dump(host.root / HOME / "etc/minion", minion)
            self.start_minion(name)
        self.run("saltutil.sync_all")

    def start_minion(self, name=None):
        """Start the minion *name*, the deployment's by default, also after a kill, and wait until it answers."""
        name = name or self.deployment.name
        # not by PYTHONPATH: the host's own programs in Python would inherit it
        program = f'import sys; sys.path.insert(0, "/{PACKAGES}"); from salt.scripts import salt_minion; salt_minion()'
        run = f"systemd-run --unit=minion -p KillMode=process /{HOME}/salt/bin/python3 -I -c '{program}' -c /{HOME}/etc"
        self.hosts[name].ssh(f"systemctl reset-failed minion 2>/dev/null; {run}")
        deadline = time.monotonic() + START_SECONDS
        while not self.pings(name):
            assert time.monotonic() < deadline, (self.folder / "master.log").read_text()
            time.sleep(1)

    def stop(self):
        self.daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.daemon.wait(timeout=15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.daemon.pid, signal.SIGKILL)
        shutil.rmtree(self.folder)

    def pings(self, name):
        done = self.command("salt", "--static", "--timeout=3", name, "test.ping")
        return f'"{name}": true' in done.out

    @contextlib.contextmanager
    def events_kept(self):
        """While it is entered, every event of the master's bus is written to ``events.log`` of its folder."""
        command = [repository.BIN / "salt-run", "-c", self.etc, "state.event"]
        with (self.folder / "events.log").open("w") as log:
            listener = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            time.sleep(3)  # it says nothing before the first event
            yield
        finally:
            listener.terminate()
            listener.wait(timeout=15)

    def run(self, *words):
        return self.command("salt-run", *words)

    def orchestrate(self, name="mattermost.ssl", *words):
        """``salt-run state.orchestrate NAME``, as root on the master."""
        return self.run("state.orchestrate", name, *words)

    def command(self, program, *words):
        command = [str(repository.BIN / program), "-c", str(self.etc), "--out=json", "--no-color", *words]
        environment = {**os.environ, "CURL_CA_BUNDLE": str(self.host.lab.authority.root)}
        done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=900)
        return Run(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def master_of(deployment, others=None, own=True):
    """A master with its minion on the deployment's host, up. others, own: as for `Master`."""
    made = Master(deployment, others, own)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def let_in(host, source, name):
    """Have root of *host* log in to *source* by ``ssh NAME``: by a key of its own, that the operator allowed there."""
    key = host.ssh("ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/source </dev/null && cat ~/.ssh/source.pub").stdout
    config = f"Host {name}\n HostName {source.address}\n User root\n IdentityFile ~/.ssh/source\n"
    host.ssh(
        f"cat >>~/.ssh/config <<'END'\n{config}END\ncat >>~/.ssh/known_hosts <<'END'\n{source.known_hosts(name)}END\n"
    )
    source.ssh(f"cat >>~/.ssh/authorized_keys <<'END'\n{key}END\n")
