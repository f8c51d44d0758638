"""One host of the lab with a Salt configuration of its own, driven as a user would: by salt-run and salt-ssh."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.lab import archives, trial
from tests.scenarios import warm

ROOT = Path(__file__).resolve().parents[2]
WARM = warm.Warm()
BIN = Path(sys.executable).parent
# not the trial's name: a trial that a person left running stays what it is
PUBLIC_NAME = "talk.example.test"
# each platform's unit of the cluster
POSTGRESQL = {
    "debian12": "postgresql@15-main",
    "debian13": "postgresql@17-main",
    "el7": "postgresql-15",
    "el8": "postgresql-15",
    "el9": "postgresql-15",
}


@dataclass(repr=False)
class Run:
    """What a Salt command came to: exit status, its result parsed from JSON, and both streams."""

    rc: int
    out: str
    err: str

    @property
    def stages(self) -> dict:
        """Per stage name its result dict, of an orchestration, without the report that it ends in."""
        data = json.loads(self.out)["data"]
        (steps,) = data.values()
        assert isinstance(steps, dict), steps
        found = {part["__id__"]: part for part in sorted(steps.values(), key=lambda part: part["__run_num__"])}
        found.pop("report", None)
        return found

    @property
    def states(self) -> dict:
        """Per state ID its result dict, of a ``salt-ssh state.apply``."""
        (found,) = json.loads(self.out).values()
        assert isinstance(found, dict), found
        return {part["__id__"]: part for part in found.values()}

    @property
    def changes(self) -> dict:
        """What changed, by stage or state."""
        try:
            parts = self.stages
        except KeyError:
            parts = self.states
        return {name: part["changes"] for name, part in parts.items() if part["changes"]}

    @property
    def comments(self) -> str:
        """All stages' comments, a failing run's reason among them."""
        return "\n".join(f"{name}: {part['comment']}" for name, part in self.stages.items())

    def __repr__(self):
        try:
            said = self.comments
        except (ValueError, KeyError, AssertionError):
            said = self.out
        return f"exit status {self.rc}\n{said}\n{self.err}"


class Deployment:
    """A host that the orchestrations deploy to.

    lab: the Lab. host: its Host. name: the public name, which the lab's DNS gives the host's address.
    archive: the release archive to set, or None to set none. tree: the checkout to deploy from.
    ``warm``: whether Salt's commands are forks of a process that has Salt at hand, or the programs as a user starts them.
    """

    warm = True

    def __init__(self, lab, host, archive, name=PUBLIC_NAME, tree=ROOT):
        self.lab, self.host, self.name, self.tree = lab, host, name, tree
        self.directory = lab.directory / "scenarios" / host.name
        lab.names.set(name, host.address)
        self.settings = trial.chosen(lab, host, archive)
        self.entry = {"host": host.address, "user": "root", "priv": str(lab.ssh_key)}
        self.write()
        self._share_thin()

    def use(self, archive) -> None:
        """Set the release to *archive*, as a user who names a version does."""
        self.settings["mattermost"]["release"] = {
            "version": archive.version,
            "sha256": archive.sha256,
            "source": archive.url,
        }
        self.write()

    def write(self, **roster_entry) -> None:
        """Write the configuration, roster and pillar of this deployment."""
        self.lab.short.mkdir(parents=True, exist_ok=True)
        config = yaml.safe_load((self.tree / "etc/salt/master").read_text())
        config = trial.master_config(config, self.tree, self.directory, self.lab.short)
        trial.dump(self.directory / "etc/salt/master", config)
        sections = {tool: {"config_dir": str(self.directory / "etc/salt")} for tool in ("salt-ssh", "salt-run")}
        trial.dump(self.directory / "Saltfile", sections)
        trial.dump(self.directory / "roster", {self.name: {**self.entry, **roster_entry}})
        (self.directory / "known_hosts").write_text(self.host.known_hosts(self.name))
        trial.dump(self.directory / "pillar/top.sls", {"base": {"*": ["mattermost"]}})
        settings = copy.deepcopy(self.settings)
        if "release_sources:" not in (self.tree / "salt/mattermost/schema.yaml").read_text():  # an earlier bundle's
            settings["mattermost"].pop("release_sources", None)
        trial.dump(self.directory / "pillar/mattermost.sls", settings)

    def set(self, **settings) -> None:
        """Merge *settings* into the pillar's ``mattermost`` branch."""
        merged = copy.deepcopy(self.settings)
        for key, value in settings.items():
            branch = merged["mattermost"]
            branch[key] = {**branch.get(key, {}), **value} if isinstance(value, dict) else value
        self.settings = merged
        self.write()

    @contextlib.contextmanager
    def settings_put_back(self):
        """What is set while it is entered is forgotten afterwards."""
        kept = copy.deepcopy(self.settings)
        try:
            yield
        finally:
            self.settings = kept
            self.write()

    @property
    def environment(self) -> dict:
        """The environment in which Salt's commands use this deployment's configuration."""
        return {
            **os.environ,
            "SALT_SALTFILE": str(self.directory / "Saltfile"),
            "CURL_CA_BUNDLE": str(self.lab.authority.root),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }

    def command(self, *argv, timeout=600) -> Run:
        """Run a Salt command with this deployment's configuration. timeout: seconds."""
        if argv[0] in warm.COMMANDS and self.warm:
            done = WARM.run(argv, cwd=self.tree, env=self.environment, timeout=timeout)
        else:
            more = {"capture_output": True, "text": True, "timeout": timeout}
            done = subprocess.run(argv, cwd=self.tree, env=self.environment, **more)
        self._share_thin()
        self._keep(argv, done)
        return Run(done.returncode, done.stdout, done.stderr)

    def _keep(self, argv, done) -> None:
        """Where hosts are kept for a look, so is what Salt's commands said."""
        if os.environ.get("LAB_KEEP"):
            log = self.directory / "commands.log"
            with log.open("a") as file:
                file.write(f"$ {' '.join(map(str, argv))}\n{done.stdout}{done.stderr}exit status {done.returncode}\n\n")
            print(f"{' '.join(argv[:3])}: exit status {done.returncode}; what it said: {log}")

    def _share_thin(self) -> None:
        """Have Salt pack itself (three seconds of a processor) once for all deployments of this lab."""
        own, shared = self.directory / "salt/var/cache/salt/master/thin", self.lab.directory / "thin"
        source, target = (shared, own) if shared.exists() else (own, shared)
        if (source / "version").exists() and not target.exists():
            copied = target.with_name("thin.new")
            shutil.copytree(source, copied, dirs_exist_ok=True)
            copied.rename(target)

    def started(self, *argv) -> subprocess.Popen:
        """Start a Salt command as the leader of a session of its own, its output thrown away."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(argv, cwd=self.tree, env=self.environment, start_new_session=True, **quiet)

    def killed_at(self, words, name, pillar, also=lambda: None) -> None:
        """Run the orchestration *name* until it says *words*, kill it, and do *also* at once. AssertionError when it never says them."""
        command = ["salt-run", "state.orchestrate", name, "pillar=" + json.dumps(pillar)]
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        with subprocess.Popen(command, cwd=self.tree, env=self.environment, **streams) as run:
            said = []
            for line in run.stderr:
                said.append(line)
                if words in line:
                    run.kill()
                    also()
                    break
            else:
                raise AssertionError("".join(said))
            run.stderr.close()

    def orchestrate(self, name="mattermost.ssl", *arguments, timeout=600) -> Run:
        """``salt-run state.orchestrate NAME``, its result as JSON."""
        return self.command("salt-run", "state.orchestrate", name, *arguments, "--out=json", timeout=timeout)

    def apply(self, name, *arguments, timeout=600) -> Run:
        """``salt-ssh '*' state.apply mattermost.deploy.NAME``, its result as JSON."""
        sls = f"mattermost.deploy.{name}"
        return self.command("salt-ssh", "*", "state.apply", sls, *arguments, "--out=json", "--static", timeout=timeout)

    def ssh(self, script, *, check=True, timeout=60) -> str:
        """Run a shell script on the host as root and return what it printed."""
        return self.host.ssh(script, check=check, timeout=timeout).stdout

    def url(self, path="/") -> list[str]:
        """Return curl arguments for *path* of the site, from the controller, trusting the lab's CA."""
        return [
            "curl", "--silent", "--show-error", "--max-time", "15", "--cacert", str(self.lab.ca_file),
            "--resolve", f"{self.name}:443:{self.host.address}", "--resolve", f"{self.name}:80:{self.host.address}",
            f"https://{self.name}{path}",
        ]  # fmt: skip

    def curl(self, path="/", *options) -> str:
        """Return the body of *path* of the site over HTTPS."""
        return subprocess.run([*self.url(path), *options], capture_output=True, text=True, timeout=30).stdout

    def wait_until_healthy(self, seconds=90) -> None:
        """Return when the site says that server, database and files are healthy. Raises AssertionError after *seconds*."""
        deadline = time.monotonic() + seconds
        while '"status":"OK"' not in self.curl("/api/v4/system/ping?get_server_status=true").replace(" ", ""):
            assert time.monotonic() < deadline, f"The site was not healthy within {seconds} s."
            time.sleep(0.5)

    def main_pids(self) -> dict:
        """Return the main process ID of each service that serves users."""
        units = ["mattermost", "nginx", POSTGRESQL[self.host.platform]]
        shown = self.ssh("systemctl show --property=Id,MainPID,ExecMainStartTimestampMonotonic " + " ".join(units))
        return dict(zip(units, shown.strip().split("\n\n"), strict=True))


def standins(folder=ROOT / ".lab/archives") -> list:
    """Return the stand-in archives, oldest version first: of what is in *folder* those that its build has marked.

    A person's archive, which a trial or a bench has put there, is no test's.
    """
    found = archives.available(folder)
    return [archives.describe(path) for path in found if (folder / f".{path.name}.stamp").exists()]
