"""A salt-master with several minions on loopback, and a small orchestration of stages that change nothing but a file of the test's."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import yaml

from tests import repository
from tests.engine import daemons
from tests.render import compiler

TREE = repository.ROOT / "salt"
ORCHESTRATION = """
{% for name in ("first", "second") %}
{{ name }}:
  mattermost_stage.applied:
    - apply: rolling.{{ name }}
{% if name == "second" %}
    - require: [mattermost_stage: first]
{% endif %}
{% endfor %}
report:
  mattermost_report.shown:
    - order: last
"""
# what a host does in a stage: it notes when it began and when it ended
STAGE = """
NAME-works:
  {% if grains.id in pillar.get("broken", {}).get("NAME", []) %}
  test.fail_without_changes: []
  {% else %}
  cmd.run:
    - name: echo "$(date +%s.%N) {{ grains.id }} NAME" >>FOLDER/work; sleep {{ pillar.get("seconds", 0) }}; echo "$(date +%s.%N) {{ grains.id }} end" >>FOLDER/work
  {% endif %}
"""


def with_rolling(served: Path, noted: Path) -> None:
    """Have the tree at *served*, with the small orchestration. noted: where its hosts note what they do."""
    shutil.copytree(TREE, served, ignore=shutil.ignore_patterns("__pycache__"))
    (served / "rolling").mkdir()
    # in the place of one that minions may run
    (served / "mattermost/renew.sls").write_text(ORCHESTRATION)
    for name in ("first", "second"):
        (served / f"rolling/{name}.sls").write_text(STAGE.replace("NAME", name).replace("FOLDER", str(noted)))


class Many(daemons.Daemons):
    """count: how many minions; those after the first one are ``m1.example`` and so on."""

    def __init__(self, folder: Path, count: int):
        self.served = folder / "salt"
        with_rolling(self.served, folder)
        grains = compiler.GRAINS["Debian-12"]
        super().__init__(folder, [self.served], {daemons.MINION: grains, daemons.MASTERLESS: {}})
        self.minions = [daemons.MINION, *(f"m{number}.example" for number in range(1, count))]
        common = yaml.safe_load((folder / "minion/etc/minion").read_text())
        for name in self.minions[1:]:
            self._configure(name, common | {"id": name}, "minion")

    def start(self) -> None:
        super().start()
        for name in self.minions[1:]:
            self._launch("salt-minion", name)
        deadline = time.monotonic() + daemons.START_SECONDS
        while set(self.run("manage.up", "timeout=3")) < set(self.minions):
            assert time.monotonic() < deadline, self.log("master").read_text()

    def stop(self) -> None:
        for each in self._started:  # all at once: each takes seconds
            each.terminate()
        super().stop()

    def roll(self) -> dict:
        """Run the small orchestration; return its steps by ID."""
        return self.orchestrate("mattermost.renew")

    def give(self, pillar: dict, own: dict | None = None, **settings) -> None:
        """Give the hosts this *pillar*, and the orchestrations all hosts and further *settings*. own: by host, what it alone gets below ``mattermost``."""
        for_all = {"name": "chat.example.test", "email": "admin@example.test"}
        settings = {"engine": "minion", "hosts": self.minions, **settings}
        self.set_pillar({"mattermost": for_all, **pillar}, {"mattermost": settings})
        top = self.folder / "pillar/top.sls"
        tops = yaml.safe_load(top.read_text())
        for host, alone in (own or {}).items():
            name = host.partition(".")[0]
            tops["base"][host] = [name]
            (top.parent / f"{name}.sls").write_text(yaml.safe_dump({"mattermost": alone}))
        top.write_text(yaml.safe_dump(tops))

    def work(self) -> list[list[str]]:
        """Return what the hosts noted, in order: time, host, stage (or end); forget it."""
        path = self.folder / "work"
        noted = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        path.unlink(missing_ok=True)
        return noted
