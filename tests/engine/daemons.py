"""A salt-master, one salt-minion and a masterless host of this Python's Salt, on loopback, with all that they write below one folder."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

from tests import repository
from tests.scenarios import warm

WARM = warm.Warm()
MINION = "minion.example"
MASTERLESS = "masterless.example"
START_SECONDS = 120
# what was imported shows by what was compiled
COMPILING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ANSWER_SECONDS = 30


def new_folder() -> Path:
    """Return an empty folder with a short name, for a socket's path has a small limit."""
    return Path(tempfile.mkdtemp(prefix="mm"))


class Daemons:
    """folder: of `new_folder`. file_roots: what the master serves. To enter starts them; to leave ends them and removes the folder.

    grains: by ID, what that host says it is. more: of the master's configuration. The masterless host has the master's files and pillar.
    """

    def __init__(self, folder: Path, file_roots: list[Path], grains: dict[str, dict], **more):
        self.folder = folder
        self._started: list[subprocess.Popen] = []
        publish, answer = _free_ports(2)
        common = {"user": getpass.getuser(), "interface": "127.0.0.1", "publish_port": publish}
        master = {"ret_port": answer, "auto_accept": True, "worker_threads": 3}
        minion = {"id": MINION, "master": "127.0.0.1", "master_port": answer, "enable_fqdns_grains": False}
        roots = {"file_roots": _base(file_roots), "pillar_roots": _base([folder / "pillar"])}
        alone = {"id": MASTERLESS, "file_client": "local"}
        self._configure("master", common | master | roots | more)
        self._configure("minion", common | minion | {"grains": grains[MINION]})
        self._configure("masterless", minion | alone | roots | {"grains": grains[MASTERLESS]}, "minion")

    def _configure(self, name: str, options: dict, file: str = "") -> None:
        root = self.folder / name
        (root / "etc").mkdir(parents=True)
        options |= {"root_dir": str(root), "sock_dir": str(root / "run")}
        (root / "etc" / (file or name)).write_text(yaml.safe_dump(options))

    def set_pillar(self, pillar: dict, master: dict | None = None) -> None:
        """Give both hosts this pillar; each run of a state reads it anew. master: what the orchestrations get, the same by default."""
        folder = self.folder / "pillar"
        folder.mkdir(exist_ok=True)
        top = {"*": ["site"]} if master is None else {"*.example": ["site"], "*_master": ["master"]}
        (folder / "top.sls").write_text(yaml.safe_dump({"base": top}))
        (folder / "master.sls").write_text(yaml.safe_dump(master))
        (folder / "site.sls").write_text(yaml.safe_dump(pillar))

    def log(self, name: str) -> Path:
        """Return what *name*, ``master`` or ``minion``, and its processes said: warnings and worse."""
        return self.folder / f"{name}.log"

    def extmods(self, name: str) -> Path:
        """Return where *name* keeps what it synced."""
        return self.folder / name / f"var/cache/salt/{name}/extmods"

    def start(self) -> None:
        """Start both, wait until the minion answers, then empty the minion's log. stop() ends them, whether they came up or not."""
        for name in ("master", "minion"):
            self._launch(f"salt-{name}", name)
        deadline = time.monotonic() + START_SECONDS
        while self.ask("test.ping", seconds=3) is not True:
            assert time.monotonic() < deadline, self.log("master").read_text() + self.log("minion").read_text()
        os.truncate(self.log("minion"), 0)  # it asked for a master that was not up yet

    def _launch(self, program: str, name: str) -> None:
        command = [repository.BIN / program, "-c", self.folder / name / "etc"]
        with self.log(name).open("a") as log:
            self._started.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=COMPILING, start_new_session=True)
            )

    def stop(self) -> None:
        """End both with their processes, by the process groups that start() made."""
        for daemon in reversed(self._started):
            daemon.terminate()
            try:
                daemon.wait(timeout=15)
            except subprocess.TimeoutExpired:
                pass
            with contextlib.suppress(ProcessLookupError):
                os.killpg(daemon.pid, signal.SIGKILL)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def ask(self, *words: str, seconds: int = ANSWER_SECONDS):
        """Return what the minion returns for ``salt MINION words``, None when it does not return."""
        options = ["--static", "--out=json", "--no-color", f"--timeout={seconds}"]
        done = self._run("salt", *options, MINION, *words)
        answers = json.loads(done.stdout or "{}") if done.stdout.startswith("{") else {}
        answer = answers.get(MINION)
        return None if isinstance(answer, str) and answer.startswith("Minion did not return") else answer

    def run(self, *words: str):
        """Return what ``salt-run words`` returns on the master."""
        done = self._run("salt-run", "--out=json", "--no-color", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def orchestrate(self, name: str, *words: str) -> dict:
        """Return the steps of the orchestration *name* by their ID, whether it failed or not."""
        done = self._run("salt-run", "--out=json", "--no-color", "state.orchestrate", name, *words)
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        (steps,) = json.loads(done.stdout)["data"].values()
        assert isinstance(steps, dict), steps
        return {step["__id__"]: step for step in steps.values()}

    def call(self, *words: str):
        """Return what ``salt-call words`` returns on the masterless host."""
        done = self._run("salt-call", "--out=json", "--no-color", *words, host="masterless")
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        return json.loads(done.stdout)["local"]

    def _run(self, program: str, *words: str, host: str = "master") -> subprocess.CompletedProcess:
        command = [program, "-c", str(self.folder / host / "etc"), *words]
        return WARM.run(command, cwd=repository.ROOT, env=os.environ, timeout=600)


def _base(folders: list[Path]) -> dict:
    return {"base": [str(folder) for folder in folders]}


def _free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
