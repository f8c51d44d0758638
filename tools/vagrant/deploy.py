"""Run the orchestration from this checkout on the machine that Vagrant made. The Vagrantfile starts it after each `up`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import authority
import machine
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the machine's configuration is kept")
    parser.add_argument("--address", required=True, help="the machine's address in the private network")
    parser.add_argument("--settings", default="", help="YAML file with your settings, as in pillar/mattermost.sls")
    given = parser.parse_args()
    try:
        configure(given.folder.resolve(), given.address, given.settings)
    except (machine.MachineError, OSError, yaml.YAMLError) as err:
        print(
            f"On this computer, Salt's configuration for the Vagrant machine could not be made: {err}\n"
            "The Vagrant machine stays up. When the cause is corrected: vagrant provision",
            file=sys.stderr,
        )
        return 1
    folder = given.folder.resolve()
    environment = {**os.environ, "SALT_SALTFILE": str(folder / "Saltfile"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    status = subprocess.run(
        [BIN / "salt-run", "state.orchestrate", "mattermost.ssl"], cwd=ROOT, env=environment, check=False
    ).returncode
    if status == 0:
        print(machine.farewell(given.address, folder / "files/machine/authority.pem", folder / "Saltfile"), flush=True)
    else:
        print(
            "The machine stays up for inspection (vagrant ssh). When the cause is corrected: vagrant provision",
            file=sys.stderr,
            flush=True,
        )
    return status


def configure(folder: Path, address: str, own: str) -> None:
    """Write all that Salt needs to know of the machine into *folder*."""
    os.umask(0o077)
    shown = subprocess.run(
        ["vagrant", "ssh-config"], cwd=os.environ.get("VAGRANT_CWD", ROOT), capture_output=True, text=True, check=False
    )
    if shown.returncode:
        raise machine.MachineError(f"vagrant ssh-config: {shown.stderr.strip()}")
    ssh = machine.ssh_config(shown.stdout)
    pair = folder / "files" / "machine"
    if authority.ensure(pair, machine.NAME):
        print(f"A new certificate authority for {machine.NAME} was made: {pair / 'authority.pem'}", flush=True)
    checkout = yaml.safe_load((ROOT / "etc/salt/master").read_text())
    near = min(os.path.relpath(folder, ROOT), str(folder), key=len)
    config = machine.master(checkout, str(ROOT), str(folder), near, ssh["identityfile"])
    chosen = (yaml.safe_load(Path(own).read_text()) or {}) if own else {}
    put(folder / "etc/salt/master", config)
    sections = ("salt-ssh", "salt-run", "salt-call")
    put(folder / "Saltfile", {name: {"config_dir": str(folder / "etc/salt")} for name in sections})
    put(folder / "roster", machine.roster(ssh))
    put(folder / "pillar/top.sls", {"base": {"*": ["mattermost"]}})
    put(folder / "pillar/mattermost.sls", machine.settings(address, str(pair / "authority.pem"), chosen))


def put(path: Path, value: dict) -> None:
    """Write YAML, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# Written by tools/vagrant/deploy.py at each run.\n" + yaml.safe_dump(value, sort_keys=False))


if __name__ == "__main__":
    sys.exit(main())
