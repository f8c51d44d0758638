"""What makes a copy of a base system one particular host, before its first boot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.lab.shell import run


def network_unit(address, prefix, gateway):
    """The host's network configuration, as text. prefix: length in bits."""
    return (
        "[Match]\nName=host0\n\n"
        f"[Network]\nAddress={address}/{prefix}\nGateway={gateway}\n"
        "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    )


def apt_sources(url, suite, kinds):
    """The host's package sources, as text in apt's deb822 form.

    url: of the lab's mirror. suite: Debian release. kinds: which of ``debian``,
    ``debian-security`` the machine's own mirror has.
    """
    suites = {"debian": f"{suite} {suite}-updates", "debian-security": f"{suite}-security"}
    return "\n".join(
        f"Types: deb\nURIs: {url}/{kind}\nSuites: {suites[kind]}\nComponents: main\n"
        for kind in suites
        if kind in kinds
    )


def identity(root, name, address, network):
    """Give the tree at *root* its own name, address, machine id and ssh keys.

    network: the instance's network (its prefix and gateway are the host's).
    """
    write(root, "etc/hostname", f"{name}\n")
    hosts = root / "etc/hosts"
    kept = [line for line in _lines(hosts) if not line.startswith(("127.0.0.1", "127.0.1.1"))]
    write(root, "etc/hosts", "\n".join(["127.0.0.1 localhost", f"127.0.1.1 {name}", *kept]) + "\n")
    # Empty, not absent: the first boot then makes one and units see a first boot.
    write(root, "etc/machine-id", "")
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    unit = network_unit(address, network.prefixlen, network[1])
    write(root, "etc/systemd/network/10-host0.network", unit)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for kind in ("ed25519", "ecdsa"):  # making RSA's costs more than the rest of a host's identity
        key = root / f"etc/ssh/ssh_host_{kind}_key"
        run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{name}", "-f", key])


def furnish(root, gateway, public_key, lab_root, sources):
    """Give the tree at *root* what all hosts of a lab have in common.

    gateway: address that answers name queries. public_key: who may log in as root.
    lab_root: certificate file to trust. sources: text for apt, or None.
    """
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    write(root, "etc/resolv.conf", f"nameserver {gateway}\n")
    write(root, "root/.ssh/authorized_keys", public_key, 0o600)
    (root / "root/.ssh").chmod(0o700)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    link = wants / "systemd-networkd.service"
    link.unlink(missing_ok=True)
    link.symlink_to("/lib/systemd/system/systemd-networkd.service")
    if sources is not None:
        (root / "etc/apt/sources.list").unlink(missing_ok=True)
        for old in (root / "etc/apt/sources.list.d").glob("*"):
            old.unlink()
        write(root, "etc/apt/sources.list.d/debian.sources", sources)
    trusted = root / "usr/local/share/ca-certificates"
    trusted.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(lab_root, trusted / "lab-root.crt")
    run(["chroot", root, "update-ca-certificates"], env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})


def write(root, path, text, mode=0o644):
    """Write *text* to *path* below *root*, replacing a link rather than following it."""
    target = Path(root) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    target.write_text(text)
    target.chmod(mode)


def _lines(path):
    return path.read_text().splitlines() if path.is_file() else []
