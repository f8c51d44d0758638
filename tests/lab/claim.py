"""Which of the machine's lab instances belongs to which checkout."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.plan import INSTANCES, Instance
from tests.lab.shell import run

REGISTRY = Path("/run/mmlab")


@contextlib.contextmanager
def locked(path):
    """Hold the lock file *path* (made when missing) for the length of a ``with``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def choose(remembered, owners, alive, busy, me):
    """Pick an instance number.

    remembered: number of the last time, or None. owners: number to the ``.lab``
    directory that claims it. alive: predicate, whether such a claim still stands.
    busy: numbers whose subnet something else on the machine uses. me: our ``.lab``.
    Returns None when nothing is free.
    """
    mine = [number for number in INSTANCES if owners.get(number) == me]
    order = [*mine, *([remembered] if remembered in INSTANCES else []), *INSTANCES]
    for number in order:
        owner = owners.get(number)
        if owner == me:
            return number
        if number not in busy and (owner is None or not alive(owner, number)):
            return number
    return None


def acquire(directory):
    """Claim an instance for the ``.lab`` *directory*.

    Returns ``(instance, fresh)``; *fresh* says that this machine did not hold it for
    us before, so that leftovers of its mark are another's and may be cleaned away.
    """
    with locked(REGISTRY / "lock"):
        owners = {n: path.read_text() for n in INSTANCES if (path := REGISTRY / str(n)).exists()}
        me = str(directory.resolve())
        number = choose(remembered(directory), owners, _alive, _busy(), me)
        if number is None:
            raise LabError("All 16 labs of this machine are in use: take one down (make trial-down in its checkout).")
        (REGISTRY / str(number)).write_text(me)
        (directory / "instance").write_text(f"{number}\n")
        return Instance(number), owners.get(number) != me


def held(directory):
    """The number that the ``.lab`` *directory* holds, or None. Asks the machine when the
    directory has forgotten it."""
    me = str(directory.resolve())
    for number in [remembered(directory), *INSTANCES]:
        path = REGISTRY / str(number)
        if number is not None and path.exists() and path.read_text() == me:
            return number
    return None


def below(directory):
    """The directories of labs that live inside the ``.lab`` *directory*."""
    owners = [path.read_text() for path in REGISTRY.glob("[0-9]*") if path.is_file()]
    return [Path(owner) for owner in owners if directory.resolve() in Path(owner).parents]


def release(directory):
    """Give the claim back; harmless when there is none. True when no lab of this machine is left."""
    number = held(directory)
    with locked(REGISTRY / "lock"):
        path = REGISTRY / str(number)
        if path.exists() and path.read_text() == str(directory.resolve()):
            path.unlink()
        (directory / "instance").unlink(missing_ok=True)
        return not any(REGISTRY.glob("[0-9]*"))


def remembered(directory):
    """The instance number that the ``.lab`` *directory* noted, or None."""
    try:
        return int((Path(directory) / "instance").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _alive(owner, number):
    return remembered(owner) == number


def _busy():
    """Numbers whose subnet overlaps one of another network interface."""
    busy = set()
    for link in json.loads(run(["ip", "-j", "-4", "addr"]).stdout or "[]"):
        for entry in link.get("addr_info", []):
            network = ipaddress.ip_interface(f"{entry['local']}/{entry['prefixlen']}").network
            busy.update(
                n for n in INSTANCES if network.overlaps(Instance(n).network) and link["ifname"] != Instance(n).mark
            )
    return busy
