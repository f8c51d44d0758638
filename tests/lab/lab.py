"""A lab: its network, its services and its hosts, as one object."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path

from tests.lab import aptsources, base, claim, overlay, packages, plan, platforms, prepare
from tests.lab import host as hosts
from tests.lab.acme import Acme
from tests.lab.ca import Authority
from tests.lab.cgroup import Group, children
from tests.lab.dns import Names
from tests.lab.el import settings as el
from tests.lab.errors import LabError
from tests.lab.mail import Mailbox
from tests.lab.mirror import Mirror
from tests.lab.network import Network
from tests.lab.service import PREFIX, Service
from tests.lab.shell import run

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")


def make_room(limit=INOTIFY, before=claim.REGISTRY / "inotify", wanted=1024):
    """Let as many hosts boot as several labs make: each takes a dozen of the inotify instances, of which root has 128 by default.

    Only ever raised. The file *before* notes what it was, for :func:`give_back`.
    """
    with contextlib.suppress(OSError):  # of a machine that is itself a container it may be another's
        if int(was := limit.read_text()) < wanted:
            before.write_text(was)
            limit.write_text(f"{wanted}\n")


def give_back(limit=INOTIFY, before=claim.REGISTRY / "inotify"):
    """Set the limit as it was before the first lab of this machine raised it."""
    with contextlib.suppress(OSError):
        limit.write_text(before.read_text())
        before.unlink()


class Lab:
    """The lab of one checkout. ``Lab.open(root)`` makes it, ``down`` takes it away."""

    def __init__(self, root, instance, directory):
        self.root = Path(root).resolve()
        self.directory = directory
        self.cache = Path(os.environ.get("LAB_CACHE") or self.root / ".lab" / "cache").resolve()
        self.instance = instance
        self.ssh_key = self.directory / "ssh" / "id"
        self.authority = Authority(self.directory / "ca")
        self.network = Network(instance)
        self.names = Names(self)
        self.acme = Acme(self)
        self.mirror = Mirror(self.directory / "run" / "faults.json", self.directory / "log" / "mirror.log")
        self.mailbox = Mailbox(self.directory / "mail")
        self.archives = self.directory / "archives"
        # What clients outside the hosts trust: the ACME CA's root and the lab's.
        self.ca_file = self.directory / "ca.pem"
        self.acme_directory = self.acme.url
        self.as_shipped = True
        # For unix sockets, whose paths must be short.
        self.short = claim.REGISTRY / f"{instance.number}.s"

    # -- up and down --------------------------------------------------------

    @classmethod
    def open(cls, root, directory=None):
        """Have the lab of the checkout *root* up: packages, network and services.

        directory: where its files are, ``.lab`` of the checkout by default; another one
        makes a lab of its own. What already runs is kept, what a killed run left behind
        is cleaned away. Raises LabError without root, without Debian packages, or with all labs taken.
        """
        packages.require_root()
        packages.install()
        directory = Path(directory or Path(root) / ".lab").resolve()
        directory.mkdir(exist_ok=True)
        with claim.locked(directory / "lock"):
            instance, fresh = claim.acquire(directory)
            lab = cls(root, instance, directory)
            lab._clear_leftovers(everything=fresh)
            lab._ensure_key()
            lab.authority.ensure()
            lab.network.ensure()
            make_room()
            lab._ensure_services()
        return lab

    def _ensure_key(self):
        if not self.ssh_key.exists():
            self.ssh_key.parent.mkdir(parents=True, exist_ok=True)
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", self.ssh_key])

    def _ensure_services(self):
        self.names.ensure()
        self._mirrors = aptsources.mirrors({entry["suite"] for entry in platforms.load().values()})
        cache = ("--cache", self.cache / "apt", "--mirrors", json.dumps(self._mirrors))
        Service(self, "apt").ensure_module("aptcache", 80, *cache)
        self.archives.mkdir(exist_ok=True)
        names = [*plan.SERVICE_NAMES, *platforms.mirror_names(), self.instance.gateway]
        chain, key = self.authority.issue("mirror", names)
        Service(self, "mirror").ensure_module(
            "mirror",
            443,
            *("--chain", chain, "--key", key, "--faults", self.mirror.faults),
            *("--archives", self.archives, "--sites", self.directory / "sites"),
            depends=chain.read_text(),
        )
        Service(self, "mail").ensure_module("mail", 25, "--directory", self.mailbox.directory)
        if not self.acme.service.running:
            self.acme.ensure()

    def _clear_leftovers(self, everything):
        """Clean what nobody will use again: hosts half made, groups without a host;
        *everything* of the mark when the instance was not ours before."""
        if everything:
            self._wipe()
        # The lock: a host that another process is just making is not half made.
        with claim.locked(self.directory / "hosts.lock"):
            made = set() if everything else {host.name for host in self.hosts()}
            for name in children(self.instance.mark):
                if name not in made and not name.startswith(PREFIX):
                    Group(f"{self.instance.mark}/{name}").kill()
                    Group(f"{self.instance.mark}/{name}").remove()
            for path in (self.directory / "hosts").glob("*"):
                if path.name not in made:
                    hosts.Host(self, path.name).remove()

    def _wipe(self):
        """End and remove all that carries the instance's mark."""
        mark = self.instance.mark
        Group(mark).kill()
        for target in reversed(self._mounts()):
            if run(["umount", target], check=False).returncode:
                run(["umount", "--lazy", target])
        Group(mark).remove()
        self.network.reset_connections()
        self.network.remove()
        shutil.rmtree(self.short, ignore_errors=True)

    def _mounts(self):
        """Where the instance's file systems are mounted, in mount order."""
        lines = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
        return [target for source, target, *_ in lines if source.startswith(f"{self.instance.mark}-")]

    @classmethod
    def down(cls, root, directory=None):
        """Take a lab away: hosts, processes, mounts, network, and the files of all these.

        Caches, archives and installed packages stay. Labs with their files inside this
        one's directory go too. Safe to repeat: returns None when there was no lab.
        """
        packages.require_root()
        directory = Path(directory or Path(root) / ".lab").resolve()
        for inner in claim.below(directory):
            cls.down(root, inner)
        number = claim.held(directory)
        if number is None:
            return None
        with claim.locked(directory / "lock"):
            lab = cls(root, plan.Instance(number), directory)
            lab._wipe()
            stays = {"cache", "archives", "lock", "instance"}
            for path in directory.iterdir():
                if path.name in stays:
                    continue
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            if claim.release(directory):
                give_back()
        return lab

    # -- hosts --------------------------------------------------------------

    def hosts(self):
        """All hosts that are made, running or not."""
        return [hosts.Host(self, path.parent.name) for path in sorted((self.directory / "hosts").glob("*/ready"))]

    def get(self, name):
        """The host *name*; LabError when there is none."""
        host = hosts.Host(self, name)
        if not host.exists:
            there = ", ".join(other.name for other in self.hosts()) or "none"
            raise LabError(f"No host {name!r} in this lab; there are: {there}.")
        return host

    def host(self, name, platform="debian12", *, start=True, fresh=False, as_shipped=None):
        """A host called *name*: the one that is there, or a new bare one. Started.

        fresh: replace the one that is there. as_shipped: without the libraries that tests do not want to wait for;
        the lab's own ``as_shipped`` by default. Raises LabError when it is kept but has another platform.
        """
        existing = hosts.Host(self, plan.check_host_name(name))
        if fresh:
            existing.remove()
        if existing.exists and existing.platform != platform:
            raise LabError(
                f"Host {name} is there, but as {existing.platform}, not {platform}: remove it first (make trial-down)."
            )
        if not existing.exists:
            shipped = self.as_shipped if as_shipped is None else as_shipped
            existing = self._create(name, platform, self.layers(platform, as_shipped=shipped))
        return existing.start() if start else existing

    def layers(self, platform, *, as_shipped):
        """What a new host stands on, topmost first, made where it is not there yet; as for `host`."""
        entry = platforms.get(platform)
        mirror = f"http://{self.instance.gateway}"
        lower = base.ensure(platform, entry, self.cache, mirror)
        if entry["builder"] == "el":
            el.offer(self, lower)
            return [self._furnished(platform, lower, None), lower]
        sources, here = (
            prepare.apt_sources(url, entry["suite"], self._mirrors) for url in (f"http://{plan.APT_NAME}", mirror)
        )
        made = [self._furnished(platform, lower, sources), lower]
        if entry.get("prepared") and not as_shipped:
            made[1:1] = [base.prepared(platform, entry, lower, self.cache, here)]
        return made

    def _furnished(self, platform, lower, sources):
        """The layer over the base *lower* with what all hosts of this lab have in common,
        made once: a new host then needs nothing but its identity."""
        public_key = Path(f"{self.ssh_key}.pub").read_text()
        parts = [str(lower), sources, public_key, self.authority.root.read_text(), self.instance.gateway]
        label = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
        layer = self.directory / "layers" / f"{platform}-{label}"
        with claim.locked(self.directory / "layers.lock"):
            if not layer.exists():
                work = layer.with_suffix(".new")
                with overlay.mounted(self.instance.mount_label("layer"), [lower], work) as root:
                    prepare.furnish(root, self.instance.gateway, public_key, self.authority.root, sources)
                (work / "upper").rename(layer)
                shutil.rmtree(work)
        return layer

    def _create(self, name, platform, lowers):
        with claim.locked(self.directory / "hosts.lock"):
            note = self.directory / "run" / "octet"
            last = int(note.read_text()) if note.exists() else None
            octet = plan.free_octet({host.facts["octet"] for host in self.hosts()}, last)
            note.write_text(str(octet))
            return hosts.create(self, name, platform, lowers, octet)

    @contextlib.contextmanager
    def passing(self, name):
        """The host *name*, made inside, goes away with the context, also when it never came up.

        Hosts left behind take a share of the machine (inotify instances, say) until no further one boots.
        With LAB_KEEP in the environment it stays, and this says how to get at it.
        """
        try:
            yield name
        finally:
            host = hosts.Host(self, name)
            if os.environ.get("LAB_KEEP") and host.exists:
                print(f"\nHost {name} stays: .venv/bin/python -m tests.lab ssh {name}; its console: {host.console}")
            else:
                host.remove()

    # -- snapshots ----------------------------------------------------------

    def snapshot(self, host, name):
        """Stop *host* and remember under *name* what is on its disk; returns *name*.

        The host can go on afterwards. A snapshot of that name is replaced.
        """
        layers = self.directory / "layers"
        number = 1 + sum(1 for _ in layers.glob("*")) if layers.exists() else 1
        host.keep(layers / f"{number}-{plan.check_host_name(name)}")
        facts = {key: host.facts[key] for key in ("platform", "lowers")}
        (layers.parent / "snapshots").mkdir(exist_ok=True)
        (layers.parent / "snapshots" / f"{name}.json").write_text(json.dumps(facts))
        return name

    def snapshots(self):
        """The names of all snapshots."""
        return sorted(path.stem for path in (self.directory / "snapshots").glob("*.json"))

    def clone(self, snapshot, name, *, start=True):
        """A new host *name* from a *snapshot* (its name), with an identity of its own:
        address, host name, machine id, ssh keys. A host of that name is replaced."""
        path = self.directory / "snapshots" / f"{snapshot}.json"
        if not path.exists():
            raise LabError(f"No snapshot {snapshot!r}; there are: {', '.join(self.snapshots()) or 'none'}.")
        facts = json.loads(path.read_text())
        hosts.Host(self, plan.check_host_name(name)).remove()
        made = self._create(name, facts["platform"], facts["lowers"])
        return made.start() if start else made
