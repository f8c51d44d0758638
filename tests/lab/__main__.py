"""The lab's command line: ``python -m tests.lab COMMAND``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.lab import platforms, trial
from tests.lab.errors import LabError
from tests.lab.lab import Lab

ROOT = Path(__file__).resolve().parents[2]


def up(options):
    """network and services, no host"""
    lab = Lab.open(ROOT)
    print(f"lab {lab.instance.mark} is up on {lab.instance.gateway}")


def down(options):
    """take hosts, network, mounts and processes away"""
    lab = Lab.down(ROOT)
    print(f"lab {lab.instance.mark} is gone; caches and packages stay" if lab else "There is no lab to take down.")


def base(options):
    """have what hosts of tests are made of; nothing without root"""
    if os.geteuid() == 0:
        # by a lab of its own: the end of the checkout's is the end of the labs of tests, which may run meanwhile
        directory = ROOT / ".lab/base"
        directory.mkdir(parents=True, exist_ok=True)
        Lab.open(ROOT, directory).layers(options.platform, as_shipped=False)
        Lab.down(ROOT, directory)


def trial_host(options):
    """a bare host and its .lab/trial.env"""
    trial.host(Lab.open(ROOT), options.platform)
    print("Use it with: . .lab/trial.env && salt-ssh $HOST_ID test.ping")


def run_trial(options):
    """a host with the orchestration run on it, left running"""
    return trial.run(
        Lab.open(ROOT), options.platform, options.archive, options.orchestration, options.engine, options.hosts
    )


def host(options):
    """have a host, started"""
    made = Lab.open(ROOT).host(options.name, options.platform, fresh=options.fresh)
    print(f"{made.name} {made.address}")


def show(options):
    """hosts, snapshots and services"""
    lab = Lab.open(ROOT)
    for made in lab.hosts():
        print(f"host {made.name} {made.address} {made.platform} {'running' if made.running else 'off'}")
    for name in lab.snapshots():
        print(f"snapshot {name}")
    for name, address in sorted(lab.names.read().items()):
        print(f"name {name} {address}")


def start(options):
    """boot a host"""
    Lab.open(ROOT).get(options.name).start()


def stop(options):
    """shut a host down cleanly"""
    Lab.open(ROOT).get(options.name).stop()


def cut(options):
    """cut a host's power"""
    Lab.open(ROOT).get(options.name).cut()


def reboot(options):
    """reboot a host from inside"""
    Lab.open(ROOT).get(options.name).reboot()


def remove(options):
    """take one host away"""
    Lab.open(ROOT).get(options.name).remove()


def snapshot(options):
    """stop a host and keep what is on its disk"""
    lab = Lab.open(ROOT)
    lab.snapshot(lab.get(options.name), options.snapshot)


def clone(options):
    """a new host from a snapshot"""
    made = Lab.open(ROOT).clone(options.snapshot, options.name)
    print(f"{made.name} {made.address}")


def name(options):
    """let a name mean an address, inside the lab"""
    Lab.open(ROOT).names.set(options.name, options.address)


def ssh(options):
    """a command, or a shell, on a host by ssh"""
    made = Lab.open(ROOT).get(options.name)
    (made.directory / "known_hosts").write_text(made.known_hosts())
    return subprocess.run(made.ssh_command(*options.command)).returncode


def shell(options):
    """a command, or a shell, on a host without ssh"""
    made = Lab.open(ROOT).get(options.name)
    return subprocess.run(made.enter_command(*(options.command or ["/bin/bash", "-l"]))).returncode


def parser():
    top = argparse.ArgumentParser(prog="python -m tests.lab", description="Throwaway hosts for trials and tests.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(function, *arguments, label=None):
        sub = commands.add_parser(label or function.__name__.replace("_", "-"), help=function.__doc__)
        sub.set_defaults(function=function)
        for argument in arguments:
            sub.add_argument(argument)
        return sub

    command(up)
    command(down)
    on_platform = [command(trial_host), command(run_trial, label="trial"), command(host, "name"), command(base)]
    for sub in on_platform:
        sub.add_argument("--platform", default="debian12", help=", ".join(platforms.load()))
    on_platform[1].add_argument("--archive", help="Team Edition archive to deploy")
    on_platform[1].add_argument("--orchestration", default="mattermost.ssl")
    on_platform[1].add_argument("--engine", default="ssh", choices=("ssh", "minion"))
    on_platform[1].add_argument("--hosts", type=int, default=1, help="how many, with the engine minion")
    on_platform[2].add_argument("--fresh", action="store_true", help="replace the one that is there")
    command(show)
    for function in (start, stop, cut, reboot, remove):
        command(function, "name")
    command(snapshot, "name", "snapshot")
    command(clone, "snapshot", "name")
    command(name, "name", "address")
    for function in (ssh, shell):
        command(function, "name").add_argument("command", nargs=argparse.REMAINDER)
    return top


def main():
    options = parser().parse_args()
    try:
        return options.function(options) or 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        sys.stdout.flush()


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
