"""The base system of an EL-shaped host, and the repositories that belong to it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tests.lab.el import recipes, rpm, shapes
from tests.lab.prepare import write
from tests.lab.shell import run

FOLDER = Path(__file__).parent
# Programs that no host of EL has: a branch of Debian's that is taken by mistake fails there. Of dnf only what comes back.
ALIEN = ("apt*", "dpkg*", "dnf*", "python3*", "pg_*", "debconf*", "ucf*", "deb-systemd-*")

# EL's own: what is in /usr/local is not found by its bare name there
SUDOERS = """\
Defaults   !visiblepw
Defaults    always_set_home
Defaults    env_reset
Defaults    secure_path = /sbin:/bin:/usr/sbin:/usr/bin
root    ALL=(ALL)       ALL
%wheel  ALL=(ALL)       ALL
#includedir /etc/sudoers.d
"""


def source() -> str:
    """Return the text of all that makes this base."""
    ours = (path for path in sorted(FOLDER.rglob("*")) if "__pycache__" not in path.parts)
    return "".join(path.read_text() for path in ours if path.is_file())


def sites(base: Path) -> Path:
    """Return where the repositories that belong to the base system *base* lie, one folder per host name."""
    return base.with_name(base.name.removesuffix(".tmp") + ".sites")


def build(shape: shapes.Shape, target: Path) -> None:
    """Make the Debian tree at *target*, which has the platform's packages, an EL one; lay its repositories beside it."""
    made = sites(target)
    shutil.rmtree(made, ignore_errors=True)
    # gpg's socket needs a short path
    with tempfile.TemporaryDirectory(prefix="el-") as temporary:
        work = Path(temporary)
        debs = target / "root/debs"
        debs.mkdir()
        plain = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        # as root: apt's own user cannot write there
        download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *recipes.DEBS]
        run(
            ["chroot", target, "sh", "-c", f"cd /root/debs && apt-get -qq update && exec {' '.join(download)}"],
            timeout=300,
            env=plain,
        )
        shutil.move(debs, work / "debs")
        recipes.unpack(work / "debs")
        signer = rpm.Signer(work / "gpg")
        try:
            recipes.publish(shape, recipes.repositories(shape, work / "rpm", work / "debs"), signer, made)
            if shape.restic:
                recipes.publish_restic(work / "debs", made)
            installed = recipes.shipped(shape, work / "rpm")
            signer.sign(installed)
            reshape(shape, target, signer.public())
            _install(target, installed)
        finally:
            signer.close()
    run(["chroot", target, "localedef", "-i", "en_US", "-f", "UTF-8", "en_US.UTF-8"], env=plain, timeout=120)


def reshape(shape: shapes.Shape, root: Path, key: str) -> None:
    """Give the tree at *root* EL's names and paths. key: that signs its packages, armoured."""
    (root / "etc/os-release").unlink(missing_ok=True)
    (root / "usr/lib/os-release").unlink(missing_ok=True)
    write(root, "etc/os-release", (shape.files / "os-release").read_text())
    write(root, f"etc/{shape.release_file}", f"{shape.release}\n")
    for name in ("redhat-release", "system-release"):
        (root / "etc" / name).symlink_to(shape.release_file)
    for name in ("debian_version", "lsb-release"):
        (root / "etc" / name).unlink(missing_ok=True)
    _hide_python(shape, root)
    write(root, "etc/yum.conf", "[main]\ngpgcheck=1\nclean_requirements_on_remove=True\n")
    (root / "etc/dnf").mkdir(exist_ok=True)
    (root / "etc/dnf/dnf.conf").unlink(missing_ok=True)
    (root / "etc/dnf/dnf.conf").symlink_to("../yum.conf")
    write(root, f"etc/yum.repos.d/{shape.repository_file}", (shape.files / shape.repository_file).read_text())
    write(root, f"etc/pki/rpm-gpg/{shape.key}", key)
    bundle = root / "etc/pki/tls/certs/ca-bundle.crt"
    bundle.parent.mkdir(parents=True)
    bundle.symlink_to("/etc/ssl/certs/ca-certificates.crt")
    # Debian's rpm keeps its database in the home folder
    write(root, "etc/rpm/macros", "%_dbpath /var/lib/rpm\n")
    # PGDG's user is 26, on Debian a group of magnetic tapes that comes back at boot when it is only deleted
    groups = root / "etc/group"
    groups.write_text(groups.read_text().replace("\ntape:x:26:", "\ntape:x:826:"))
    write(root, "etc/sudoers", SUDOERS, 0o440)
    if shape.manager == "yum":  # as coreutils 8.22: it knows no names, says so, and flushes everything
        shutil.move(root / "usr/bin/sync", root / "usr/libexec/lab/sync")
        words = "sync: ignoring all arguments"
        write(
            root, "usr/bin/sync", f'#!/bin/sh\n[ "$#" = 0 ] || echo "{words}" >&2\nexec /usr/libexec/lab/sync\n', 0o755
        )
    write(root, "selinux/enforce", "1\n")
    recipes.selinux_of_the_system(root)
    for folder in ("etc/sysconfig", "var/lib/lab/selinux"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    write(root, "etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    write(root, "var/lib/lab/calls", "")


def _hide_python(shape: shapes.Shape, root: Path) -> None:
    """Leave the package manager as the only program of the base that is Python, and Python where only such find it."""
    hidden = root / "usr/libexec/lab"
    hidden.mkdir(parents=True)
    shutil.move(root / "usr/bin/python3.11", hidden / "python3.11")
    recipes.install(recipes.FILES / "python3", hidden / "python3", 0o755)
    shutil.move(root / "usr/bin/dnf-3", hidden / "manager")
    for folder in ("usr/bin", "usr/sbin"):
        for pattern in ALIEN:
            for path in (root / folder).glob(pattern):
                path.unlink()
    # Salt takes dnf where there is one: its branch for yum is taken only without
    caller = "recorded-yum" if shape.manager == "yum" else "recorded"
    recipes.python_program(hidden / "manager", root, f"/usr/bin/{shape.manager}", caller_file=caller)
    (hidden / "manager").unlink()
    shutil.rmtree(root / "etc/apt", ignore_errors=True)


def _install(root: Path, packages: list[Path]) -> None:
    """Note *packages* as installed in the tree's own database."""
    for package in packages:
        shutil.copy(package, root / "root")
    names = [f"/root/{package.name}" for package in packages]
    shutil.rmtree(root / "root/.rpmdb", ignore_errors=True)
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"}
    run(["chroot", root, "rpm", "-i", "--nosignature", "--force-debian", *names], env={**os.environ, **path})
    for package in packages:
        (root / "root" / package.name).unlink()
