"""What a first deploy of several hosts takes of the controller: over ssh, and by the minions of a master.

The hosts' own work is a wait, of WAIT seconds: two cores could not do that of twenty hosts. What Salt itself takes on a host is not
replaced. The minions run on this machine; the hosts of ssh are one of the lab, by several addresses, each with a Salt of its own.
"""

from __future__ import annotations

import ipaddress
import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

import yaml

from tests import repository
from tests.engine import daemons, many

WAIT = 39  # docs/measurements.md: a first deploy without what the same run takes again, which is Salt's and the controller's
COUNTS = {"ssh": (1, 2, 4, 8), "minion": (1, 5, 20)}
AIMS = {"ssh": 1.5, "minion": 2.0}
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(lab) -> dict:
    """Return by engine a row for each number of hosts: ``hosts``, ``wall`` and ``cpu`` in seconds, ``connections`` per host."""
    found = {"ssh": _over_ssh(lab), "minion": [_by_minions(count) for count in COUNTS["minion"]]}
    for rows in found.values():
        for row in rows:
            row["ratio"] = row["wall"] / rows[0]["wall"]
    return found


def _timed(run, daemons_of=lambda: 0.0) -> dict:
    """Run it; return ``wall`` and ``cpu``, of our children and of what *daemons_of* tells."""
    used, began = _children() + daemons_of(), time.monotonic()
    run()
    return {"wall": time.monotonic() - began, "cpu": _children() + daemons_of() - used}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _of_group(group: int) -> float:
    """Return the seconds of the processors that the processes of a group took, with their children that have ended."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group:
            total += sum(map(int, fields[11:15]))
    return total / _TICKS


def _by_minions(count: int) -> dict:
    folder = daemons.new_folder()
    site = many.Many(folder, count)
    site.give({"seconds": WAIT / 2})
    with site:
        site.run("saltutil.sync_all")

        def run():
            steps = site.roll()
            if not all(step["result"] for step in steps.values()):
                raise RuntimeError(steps["second"]["comment"])

        row = _timed(run, lambda: _of_group(site._started[0].pid))
        answers = list((folder / "master/var/cache/salt/master/jobs").glob(f"*/*/{daemons.MINION}/return.p"))
    return {"hosts": count, **row, "connections": len(answers)}


def _over_ssh(lab) -> list[dict]:
    host = lab.host("bench-ssh", fresh=True)
    folder = daemons.new_folder()
    try:
        host.wait_booted()
        first = ipaddress.ip_address(host.address) + 100
        addresses = [str(first + number) for number in range(max(COUNTS["ssh"]))]
        link = "$(ip -o -4 route show default | sed 's/.* dev \\([^ ]*\\).*/\\1/')"
        host.ssh("".join(f"ip addr add {address}/24 dev {link}\n" for address in addresses))
        _checkout(folder, lab, host, addresses)
        _roll(folder, host, addresses[:1], 0, "first")  # packs Salt once
        return [_roll(folder, host, addresses[:count], WAIT / 2, str(count)) for count in COUNTS["ssh"]]
    finally:
        host.remove()
        shutil.rmtree(folder)


def _checkout(folder: Path, lab, host, addresses: list[str]) -> None:
    """Have a checkout at *folder* whose only orchestration is the small one, and whose hosts are these addresses."""
    many.with_rolling(folder / "salt", Path("/root"))
    shutil.copytree(repository.ROOT / "etc", folder / "etc")
    (folder / "known_hosts").write_text(host.known_hosts(*addresses))


def _roll(folder: Path, host, addresses: list[str], seconds: float, name: str) -> dict:
    """Run the small orchestration on *addresses*, where nothing of Salt is yet. name: of its run."""
    login = {"user": "root", "priv": str(host.lab.ssh_key)}
    hosts = {f"m{number}.example": {"host": each, **login} for number, each in enumerate(addresses)}
    for key, entry in hosts.items():
        entry["thin_dir"] = f"/var/tmp/{name}-{key}"
    settings = {"name": "chat.example.test", "email": "admin@example.test", "hosts": list(hosts)}
    pillar = {"mattermost": settings, "seconds": seconds}
    (folder / "pillar").mkdir(exist_ok=True)
    (folder / "pillar/top.sls").write_text(yaml.safe_dump({"base": {"*": ["mattermost"]}}))
    (folder / "pillar/mattermost.sls").write_text(yaml.safe_dump(pillar))
    (folder / "roster").write_text("#!yaml\n" + yaml.safe_dump(hosts))
    for path in ("roster", "pillar/mattermost.sls"):
        (folder / path).chmod(0o600)

    def run():
        command = [repository.BIN / "salt-run", "-c", "etc/salt", "state.orchestrate", "mattermost.renew"]
        environment = {**os.environ, "PATH": f"{repository.BIN}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    before = _logins(host)
    row = _timed(run)
    return {"hosts": len(hosts), **row, "connections": (_logins(host) - before) / len(hosts)}


def _logins(host) -> int:
    return int(host.ssh("journalctl -q --no-pager | grep -c 'Accepted publickey'; true").stdout)


def text(found: dict) -> str:
    """Return what the bench prints."""
    lines = []
    for engine, rows in found.items():
        for row in rows:
            lines.append(
                f"{engine}, {row['hosts']} hosts: {row['wall']:.1f} s, the controller's CPU {row['cpu']:.1f} s, "
                f"{'connections' if engine == 'ssh' else 'jobs'} per host {row['connections']:.0f}"
            )
        met = "met" if rows[-1]["ratio"] <= AIMS[engine] else "MISSED"
        lines.append(f"{engine}, {rows[-1]['hosts']} hosts / 1: {rows[-1]['ratio']:.2f} (aim {AIMS[engine]:g}: {met})")
    return "\n".join(lines)
