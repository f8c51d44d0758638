"""The Debian packages that the lab and the tests need on their machine: ``python3 -m tests.lab.packages`` installs them.

It needs none of the modules that `make setup` installs, so that both can happen at once.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.lab.claim import REGISTRY, locked
from tests.lab.errors import LabError
from tests.lab.shell import run

# package: a program that it brings
NEEDED = {
    "systemd-container": "systemd-nspawn",
    "mmdebstrap": "mmdebstrap",
    "dnsmasq-base": "dnsmasq",
    "pebble": "pebble",
    "nftables": "nft",
    "iproute2": "ip",
    "openssh-client": "ssh-keygen",
    "util-linux": "nsenter",
    "mount": "mount",
    "patchelf": "patchelf",
    "xz-utils": "xz",
    "rpm": "rpmbuild",
    "createrepo-c": "createrepo_c",
    "gnupg": "gpg",
}
# what tests of any tier run beside the lab; a test whose program is not there is skipped
FOR_TESTS = {
    "chromium-headless-shell": "chromium-headless-shell",  # a person's browser
    "busybox": "busybox",  # the third shell that host programs are tried under
    "tcsh": "tcsh",  # login shells that an account may have
    "fish": "fish",
    "original-awk": "original-awk",  # an awk beside mawk; gawk, which would become the machine's own, is unpacked (tests/config/debian_packages.py)
    "curl": "curl",
    "openssl": "openssl",
    "postgresql": "initdb",  # the database of the conformance tier
    "setools": "sesearch",  # what SELinux's policy allows, and how that policy is put together
    "semodule-utils": "semodule_expand",
    "xfsprogs": "mkfs.xfs",  # a disk of EL whose power is cut
    "restic": "restic",  # while folders are exchanged for links under it
    "vagrant": "vagrant",
}


def missing(which=shutil.which, needed=NEEDED):
    """The packages of *needed* whose program is not there. which: looks a program up."""
    places = ["/usr/sbin", "/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    path = os.pathsep.join([os.environ.get("PATH", ""), *places])
    return [package for package, program in needed.items() if which(program, path=path) is None]


def require_root():
    if os.geteuid() != 0:
        raise LabError(
            "The lab needs root: it makes a network bridge, mounts and control groups. "
            "Run it as root on a machine that you can spare, or use your own host (README)."
        )


def install(needed=NEEDED):
    """Say which packages are missing and install them; nothing to do is silent. Who comes second waits for the first."""
    if not missing(needed=needed):
        return
    with locked(REGISTRY / "packages.lock"):
        lacking = missing(needed=needed)
        if lacking:
            _install(lacking, needed)


def _install(lacking, needed):
    if not Path("/usr/bin/apt-get").exists():
        raise LabError(f"Missing: {', '.join(lacking)}; and no apt-get to install them. The lab runs on Debian.")
    print(f"lab: installing {' '.join(lacking)} (they stay installed)", file=sys.stderr)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    # a machine that has just started may be at its own updates
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    run([*apt, "update"], timeout=300, env=env)
    run([*apt, "-y", "install", "--no-install-recommends", *lacking], timeout=900, env=env)
    still = missing(needed=needed)
    if still:
        raise LabError(f"apt-get ended well, but the programs of {', '.join(still)} are still missing.")


def main():
    """Install what the tests of all tiers need; without root, say what is missing."""
    needed = {**NEEDED, **FOR_TESTS}
    if os.geteuid() == 0:
        install(needed)
    elif lacking := missing(needed=needed):
        print(f"NO ROOT: {', '.join(lacking)} not installed; tests that need them are skipped.", file=sys.stderr)


if __name__ == "__main__":
    main()
