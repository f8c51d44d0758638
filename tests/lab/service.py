"""The lab's background programs, each in a control group of its own."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
from pathlib import Path

from tests.lab.cgroup import Group
from tests.lab.errors import LabError
from tests.lab.shell import run, wait_until

PREFIX = "_svc-"


class Service:
    """A program that runs until it is told to stop, found again by its control group."""

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        self.group = Group(f"{lab.instance.mark}/{PREFIX}{name}")
        self.log = lab.directory / "log" / f"{name}.log"
        self._note = lab.directory / "run" / f"{name}.fingerprint"

    @property
    def running(self):
        return bool(self.group.pids())

    def ensure(self, command, *, env=None, address, port, depends="", seconds=20):
        """Have it running with just this *command*; one that runs otherwise is restarted.

        env: added to the environment. address, port: where it answers when it is up.
        depends: text (a configuration, say) whose change also asks for a restart.
        seconds: until it answers.
        """
        fingerprint = hashlib.sha256(json.dumps([list(map(str, command)), env, depends]).encode()).hexdigest()
        if self.running and self._note.exists() and self._note.read_text() == fingerprint:
            return False
        self.stop()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._note.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            variables = [f"{key}={value}" for key, value in (env or {}).items()]
            full = self.group.command(["setsid", "--fork", "env", *variables, *command])
            subprocess.run(full, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.lab.root, check=True)
        self.wait(address, port, seconds)
        self._note.write_text(fingerprint)
        return True

    def ensure_module(self, module, port, *arguments, depends=""):
        """Have the lab's own program ``tests.lab.MODULE`` running on the bridge's address.

        A changed source restarts it too.
        """
        source = Path(__file__).with_name(f"{module}.py").read_text()
        address = self.lab.instance.gateway
        return self.ensure(
            [
                sys.executable,
                "-c",
                f"from tests.lab.{module} import main; main()",
                "--listen",
                address,
                "--port",
                str(port),
                *arguments,
            ],
            address=address,
            port=port,
            depends=source + depends,
        )

    def wait(self, address, port, seconds=20):
        def answers():
            if not self.running:
                raise LabError(f"The lab's {self.name} ended at once. Its log {self.log} ends with:\n{self._tail()}")
            try:
                socket.create_connection((address, port), 1).close()
            except OSError:
                return False
            return True

        wait_until(
            answers, f"An answer of the lab's {self.name} on {address}:{port} (log: {self.log})", timeout=seconds
        )

    def _tail(self):
        return run(["tail", "-n", "8", self.log]).stdout

    def stop(self):
        """End it at once; harmless when it does not run."""
        self.group.kill()
        self.group.remove()
        self._note.unlink(missing_ok=True)
