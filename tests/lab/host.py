"""One throwaway host: a systemd machine in a container, with its own ssh and network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.lab import overlay, prepare
from tests.lab.cgroup import Group
from tests.lab.errors import LabError
from tests.lab.shell import run, wait_until

# nspawn ends with 133 when the host asks for a reboot: somebody has to start it again.
_LOOP = """
log=$1; shift
while :; do
  "$@" >>"$log" 2>&1 </dev/null
  rc=$?
  [ "$rc" = 133 ] || exit "$rc"
done
"""


class Host:
    """A host of a lab. Made by ``Lab.host``; everything about it lies in its directory."""

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        self.directory = lab.directory / "hosts" / name
        self.console = self.directory / "console.log"
        self.root = self.directory / "root"
        self.group = Group(f"{lab.instance.mark}/{name}")
        # of the connection that `ssh` keeps for its next calls
        self.connection = lab.short / f"{name}.ssh"

    # -- what it is ---------------------------------------------------------

    @property
    def facts(self):
        """Its noted facts: ``platform``, ``octet`` and ``lowers`` (list of directories)."""
        try:
            return json.loads((self.directory / "host.json").read_text())
        except FileNotFoundError:
            raise LabError(f"There is no host {self.name!r} in {self.lab.directory}.") from None

    @property
    def exists(self):
        return (self.directory / "host.json").exists()

    @property
    def platform(self):
        return self.facts["platform"]

    @property
    def address(self):
        return self.lab.instance.address(self.facts["octet"])

    @property
    def link(self):
        """Its network interface as the controller sees it."""
        return self.lab.instance.link(self.facts["octet"])

    @property
    def running(self):
        return bool(self.group.pids())

    def known_hosts(self, *names):
        """Its real ssh keys as known_hosts lines, under its address and further *names*."""
        keys = sorted((self.root / "etc/ssh").glob("ssh_host_*_key.pub"))
        label = ",".join([self.address, *names])
        return "".join(f"{label} {' '.join(key.read_text().split()[:2])}\n" for key in keys)

    # -- its file system ----------------------------------------------------

    def mount(self):
        """Lay the host's own layer over its lower ones; nothing to do when that is done."""
        overlay.mount(self.lab.instance.mount_label(self.name), self.facts["lowers"], self.directory)

    def unmount(self):
        overlay.unmount(self.directory)

    # -- its life -----------------------------------------------------------

    def start(self, wait=True, last_life=60):
        """Boot it. wait: until ssh answers. last_life: how many seconds a killed host may take to be gone. Nothing to do when it runs."""
        if not self.running:
            self.hang_up()
            self.lab.network.reset_connections(self.address)
            self._wait_for_the_end_of_the_last_life(last_life)
            self.mount()
            octet = self.facts["octet"]
            nspawn = [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
                *("-D", self.root, "-M", self.lab.instance.machine(octet), f"--hostname={self.name}"),
                f"--network-bridge={self.lab.instance.mark}",
                *("--resolv-conf=off", "--link-journal=no", "--timezone=off"),
            ]
            command = ["setsid", "--fork", "sh", "-c", _LOOP, "lab-host", self.console, *nspawn]
            with self.console.open("ab") as log:
                subprocess.run(
                    self.group.command(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True
                )
        if wait:
            self.wait()
        return self

    def left_over(self):
        """What is still there of a host that does not run: its control groups and its interface."""
        return [*map(str, self.group.directories), *([self.link] if Path("/sys/class/net", self.link).exists() else [])]

    def _wait_for_the_end_of_the_last_life(self, timeout):
        """After a power cut the kernel takes interface and control groups away when it has time for it; a boot before that fails."""

        def gone():
            self.group.remove()
            return not self.left_over()

        try:
            wait_until(gone, "", timeout=timeout)
        except LabError:
            left = ", ".join(self.left_over())
            raise LabError(
                f"Host {self.name} cannot start: {left} of its last life is left after {timeout} s."
            ) from None

    def greets(self):
        """Whether its sshd answers now."""
        try:
            with socket.create_connection((self.address, 22), 1) as connection:
                connection.settimeout(2)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def last_words(self):
        """The last lines of its console."""
        return self.console.read_text(errors="replace").strip().splitlines()[-5:] if self.console.exists() else []

    def wait(self, timeout=60):
        """Wait until its sshd greets. timeout: seconds."""

        def greets():
            if not self.running:
                said = [f"Host {self.name} went down while booting. {self.console} ends:", *self.last_words()]
                raise LabError("\n".join(said))
            return self.greets()

        wait_until(
            greets, f"An ssh greeting of host {self.name} ({self.address}; console: {self.console})", timeout=timeout
        )
        return self

    def wait_booted(self, timeout=60):
        """Wait until systemd says that the boot is over; returns its word (``running``)."""
        return self.ssh("systemctl is-system-running --wait", timeout=timeout, check=False).stdout.strip()

    def stop(self, timeout=60):
        """Shut it down cleanly. timeout: seconds, after which this raises LabError."""
        if not self.running:
            return
        self.hang_up()
        for pid in self._nspawn():
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        wait_until(lambda: not self.running, f"The clean stop of host {self.name}", timeout=timeout)
        self.group.remove()

    def _nspawn(self):
        """The nspawn process that answers SIGTERM with a clean shutdown of its host."""
        found = []
        for pid in self.group.pids():
            try:
                arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
                above = Path(f"/proc/{parent}/comm").read_text().strip()
            except OSError:
                continue
            if arguments[0].endswith(b"systemd-nspawn") and above == "sh":
                found.append(pid)
        return found

    def cut(self):
        """Cut its power: every process ends at once. What it wrote to the page cache stays."""
        self.hang_up()
        self.group.kill()
        self.group.remove()

    def reboot(self, timeout=60):
        """Reboot it from inside and wait for its ssh. timeout: seconds."""
        before = self.boot_id()
        self.ssh("systemctl reboot", check=False)
        self.hang_up()

        def changed():
            command = self.ssh_command("cat /proc/sys/kernel/random/boot_id", connect_timeout=5)
            done = run(command, check=False)
            return done.returncode == 0 and done.stdout.strip() != before

        wait_until(changed, f"The reboot of host {self.name}", timeout=timeout)
        return self

    def boot_id(self):
        return self.ssh("cat /proc/sys/kernel/random/boot_id").stdout.strip()

    def remove(self):
        """Take it away altogether; harmless when there is nothing."""
        self.cut()
        if self.exists:
            self.lab.network.reset_connections(self.address)
        self.unmount()
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def keep(self, layer):
        """Stop it and give its own layer away to the new directory *layer*, which takes
        its place among the lower ones: what it is now never changes again."""
        self.stop()
        self.unmount()
        layer.parent.mkdir(parents=True, exist_ok=True)
        (self.directory / "upper").rename(layer)
        shutil.rmtree(self.directory / "work")
        facts = self.facts
        self._note({**facts, "lowers": [str(layer), *facts["lowers"]]})
        self.mount()

    def _note(self, facts):
        new = self.directory / "host.json.new"
        new.write_text(json.dumps(facts))
        new.replace(self.directory / "host.json")

    # -- working on it ------------------------------------------------------

    def ssh_command(self, *command, connect_timeout=20):
        """The ssh command line (a list) that runs *command* on it as root.

        connect_timeout: seconds, long enough for a machine busy with other tests.
        """
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": self.directory / "known_hosts",
            "GlobalKnownHostsFile": "/dev/null",
            "ConnectTimeout": connect_timeout,
            "LogLevel": "ERROR",
        }
        flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
        return ["ssh", "-F", "none", "-i", self.lab.ssh_key, *flags, f"root@{self.address}", *command]

    def ssh(self, command, *, timeout=60, check=True, input=None):
        """Run a shell *command* on it by ssh and return the CompletedProcess. timeout: seconds.

        Calls share a connection that outlives each by half a minute: a login of its own costs the machine many
        times what most commands do.
        """
        (self.directory / "known_hosts").write_text(self.known_hosts())
        self.connection.parent.mkdir(parents=True, exist_ok=True)
        line = self.ssh_command(command)
        line[1:1] = ["-o", "ControlMaster=auto", "-o", "ControlPersist=30", "-o", f"ControlPath={self.connection}"]
        return run(line, timeout=timeout, check=check, input=input)

    def hang_up(self):
        """End the connection that `ssh` shares; harmless when there is none."""
        if self.connection.exists():
            run(["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={self.connection}", self.address], check=False)
            self.connection.unlink(missing_ok=True)

    def enter_command(self, *command):
        """The command line (a list) that runs *command* in it without ssh."""
        init = self.group.path + "/payload/init.scope"
        pids = Group(init).pids()
        if not pids:
            raise LabError(f"Host {self.name} does not run.")
        return ["nsenter", "-t", str(min(pids)), "-m", "-u", "-i", "-n", "-p", *command]

    def enter(self, *command, timeout=60, check=True, input=None):
        """Run *command* (a list) in its namespaces, without its network and ssh."""
        return run(self.enter_command(*command), timeout=timeout, check=check, input=input)


def create(lab, name, platform, lowers, octet):
    """Make the files of a new host and return it, not started.

    lowers: its lower layers, topmost first: furnished, or a snapshot.
    """
    host = Host(lab, name)
    host.directory.mkdir(parents=True)
    host._note({"platform": platform, "octet": octet, "lowers": [str(lower) for lower in lowers]})
    host.mount()
    prepare.identity(host.root, name, host.address, lab.instance.network)
    (host.directory / "ready").touch()
    return host
