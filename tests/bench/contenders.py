"""The ways to deploy that are compared, each on a fresh host of its own in the same lab."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.lab import archives
from tests.probe import Probe, Target
from tests.scenarios.deployment import ROOT, Deployment

SCRIPT = Path(__file__).with_name("deploy.sh")
EMAIL = "admin@example.test"
LIMIT = 900  # seconds that one run may take


class Contender:
    """A host and a way to deploy to it. title: for the report. name: public name and host name in the lab."""

    title = ""

    def __init__(self, lab, name: str, archive, platform: str):
        self.lab, self.archive = lab, archive
        self.name = f"{name}.example.test"
        self.host = lab.host(name, platform, fresh=True)
        self.host.wait_booted()
        lab.names.set(self.name, self.host.address)

    def run(self) -> None:
        """Deploy once. Raises RuntimeError with what was said when that fails."""
        raise NotImplementedError

    def timed(self, *arguments) -> float:
        """Deploy once and return the seconds it took. arguments: of this way's `run`."""
        began = time.monotonic()
        self.run(*arguments)
        return time.monotonic() - began

    def watched(self):
        """Deploy once under the probe and return its report."""
        with Probe(Target(self.name, self.host.address, ca_file=str(self.lab.ca_file))) as probe:
            time.sleep(1)
            self.run()
            time.sleep(1)
        return probe.report

    def remove(self) -> None:
        """Take the host away."""
        self.host.remove()


class ByHand(Contender):
    """deploy.sh as root over one ssh connection, then a look at the site from the controller. packages: beside those that a site needs."""

    title = "script by hand"
    # what the bundle installs too (tests/unit/test_bench.py)
    packages = "logrotate nftables python3-cap-ng restic"

    def run(self) -> None:
        variables = {
            "NAME": self.name,
            "EMAIL": EMAIL,
            "ARCHIVE_URL": self.archive.url,
            "ARCHIVE_SHA256": self.archive.sha256,
            "VERSION": self.archive.version,
            "MORE_PACKAGES": self.packages,
            "ACME_DIRECTORY": self.lab.acme_directory,
            "ACME_ROOT": Path(self.lab.authority.root).read_text(),
        }
        head = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
        known_hosts = self.host.directory / "known_hosts.bench"
        known_hosts.write_text(self.host.known_hosts())
        ssh = ["ssh", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known_hosts}", "-i", str(self.lab.ssh_key)]
        _checked([*ssh, f"root@{self.host.address}", "sh -s"], head + SCRIPT.read_text())
        headers = _checked(
            [
                *("curl", "--silent", "--show-error", "--fail", "--max-time", "15", "--cacert", str(self.lab.ca_file)),
                *("--resolve", f"{self.name}:443:{self.host.address}", "--output", "/dev/null", "--dump-header", "-"),
                f"https://{self.name}/api/v4/system/ping",
            ]
        )
        if f"x-version-id: {self.archive.version}." not in headers.lower():
            raise RuntimeError(f"The site does not answer as version {self.archive.version}:\n{headers}")


class Smaller(ByHand):
    """The same without what only backups and a stricter host need."""

    title = "smaller script"
    packages = ""


class Bundle(Contender):
    """``salt-run state.orchestrate mattermost.ssl`` of the checkout *tree* with a configuration of its own, as a user starts it."""

    title = "mattermost.ssl"
    tree = ROOT

    def __init__(self, lab, name, archive, platform):
        super().__init__(lab, name, archive, platform)
        self.deployment = Deployment(lab, self.host, archive, self.name, self.tree)
        self.deployment.warm = False

    def run(self, orchestration: str = "mattermost.ssl") -> None:
        done = self.deployment.orchestrate(orchestration, timeout=LIMIT)
        if done.rc != 0:
            raise RuntimeError(str(done))


def of_tree(tree: Path, title: str) -> type[Bundle]:
    """Return the bundle as it is in another checkout."""
    return type("Base", (Bundle,), {"title": title, "tree": tree})


@contextlib.contextmanager
def checked_out(commit: str):
    """Enter to have the tree of *commit* in a temporary folder. It is used with the same virtual environment."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        tree = Path(folder) / "base"
        _checked(["git", "-C", str(ROOT), "worktree", "add", "--detach", str(tree), commit])
        try:
            yield tree
        finally:
            _checked(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(tree)])


def offered(lab, path: Path) -> archives.Archive:
    """Return the archive file *path* as the lab's mirror offers it to hosts, outside of what trials and tests choose from."""
    found = archives.describe(path)
    place = Path("bench") / found.version / path.name
    target = lab.directory / "sites" / lab.instance.gateway / place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    return archives.Archive(found.version, found.sha256, f"https://{lab.instance.gateway}/{place}", target)


def _checked(command: list[str], given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)[:200]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def warm_up(lab, kind: type[Contender], archive, platform: str) -> None:
    """Deploy once, uncounted, so that the lab's package cache, Python's bytecode and Salt's own archive are there for all."""
    print(f"warming up: {kind.title}", file=sys.stderr, flush=True)
    contender = kind(lab, "bench-warm", archive, platform)
    try:
        contender.run()
    finally:
        contender.remove()
