"""What the repositories of an EL host hold: Debian's builds under EL's names, paths, units and users."""

from __future__ import annotations

import bz2
import hashlib
import shutil
from pathlib import Path

from tests.lab.el import rpm, shapes
from tests.lab.shell import run

FILES = shapes.FILES
PYTHON = "/usr/libexec/lab/python3"
# fetched inside the base system, before it loses apt
DEBS = (
    *("nginx", "nginx-common", "postgresql-15", "postgresql-client-15"),
    *("certbot", "python3-certbot", "firewalld", "python3-firewall", "restic"),
)


def shipped(shape: shapes.Shape, work: Path) -> list[Path]:
    """Build the packages that the base system has installed, the one of the release first.

    Debian's programs of the others are there already: the packages are only names.
    """
    provides = f"Provides: system-release = {shape.major}, redhat-release = {shape.major}\n{shapes.PROVIDES}"
    release = rpm.build(work, shape.release_file, shape.release_version, tags=provides)
    return [release, *(rpm.build(work, name, version) for name, version in shape.shipped.items())]


def repositories(shape: shapes.Shape, work: Path, debs: Path) -> dict[str, list[Path]]:
    """Build all packages and return them by repository. debs: Debian's packages, unpacked to DEBS/NAME."""
    recipes = {
        "nginx": _nginx,
        "certbot": _certbot,
        "firewalld": _firewalld,
        "restic": _restic,
        "postgresql15": _postgresql_client,
        "postgresql15-server": _postgresql_server,
        shape.selinux: _selinux,
    }

    def build(name):
        version = shape.versions[name.removesuffix("-server")]
        return recipes.get(name, _only_a_name)(work, debs, name, version)

    return {place: [build(name) for name in names] for place, names in shape.repositories.items()}


def _only_a_name(work, debs, name, version):
    return rpm.build(work, name, version)


def _stage(work: Path, name: str) -> Path:
    stage = work / "stage" / name
    (stage / "usr/lib/systemd/system").mkdir(parents=True)
    return stage


def install(source: Path, target: Path, mode: int = 0o644) -> None:
    """Copy one file, its directories made, with *mode*."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def python_program(source: Path, stage: Path, path: str, recorded: bool = True, caller_file="recorded") -> None:
    """Put the Python script *source* at /usr/libexec/lab below *stage*, and at *path* what calls it.

    caller_file: of FILES, notes the call.
    """
    hidden = stage / "usr/libexec/lab" / Path(path).name
    lines = source.read_text().splitlines(keepends=True)
    hidden.parent.mkdir(parents=True, exist_ok=True)
    hidden.write_text("".join([f"#!{PYTHON} -Es\n", *lines[1:]]))
    hidden.chmod(0o755)
    caller = stage / path.lstrip("/")
    if recorded:
        install(FILES / caller_file, caller, 0o755)
    else:
        caller.parent.mkdir(parents=True, exist_ok=True)
        caller.write_text(f'#!/bin/sh\nexec /usr/libexec/lab/{Path(path).name} "$@"\n')
        caller.chmod(0o755)


def _nginx(work, debs, name, version):
    stage = _stage(work, "nginx")
    install(debs / "nginx/usr/sbin/nginx", stage / "usr/sbin/nginx", 0o755)
    for file in ("mime.types", "fastcgi_params", "scgi_params", "uwsgi_params"):
        install(debs / "nginx-common/etc/nginx" / file, stage / "etc/nginx" / file)
    install(debs / "nginx-common/usr/share/nginx/html/index.html", stage / "usr/share/nginx/html/index.html")
    install(FILES / "nginx.conf", stage / "etc/nginx/nginx.conf")
    install(FILES / "nginx.service", stage / "usr/lib/systemd/system/nginx.service")
    account = (
        "getent group nginx >/dev/null || groupadd -r nginx\n"
        "getent passwd nginx >/dev/null || useradd -r -g nginx -s /sbin/nologin -d /var/lib/nginx nginx"
    )
    for folder in ("etc/nginx/conf.d", "var/log/nginx", "var/lib/nginx"):
        (stage / folder).mkdir(parents=True)
    return rpm.build(work, name, version, stage, account, "systemctl daemon-reload")


def _postgresql(work, debs, name, deb):
    """Stage the programs apart, where /usr/pgsql-15/bin links to them: PostgreSQL finds its files by its real path."""
    real = "usr/libexec/lab/pg"
    stage = _stage(work, name)
    ignore = shutil.ignore_patterns("bitcode", "llvmjit*", "man", "vacuumlo", "oid2name")
    for part in ("lib/postgresql", "share/postgresql"):
        shutil.copytree(debs / deb / "usr" / part, stage / real / part, symlinks=True, ignore=ignore)
    links = stage / "usr/pgsql-15/bin"
    links.mkdir(parents=True)
    for program in (stage / real / "lib/postgresql/15/bin").iterdir():
        (links / program.name).symlink_to(f"/{real}/lib/postgresql/15/bin/{program.name}")
    return stage


def _postgresql_client(work, debs, name, version):
    stage = _postgresql(work, debs, name, "postgresql-client-15")
    (stage / "usr/bin").mkdir()
    for program in ("psql", "pg_dump", "pg_restore", "createdb", "createuser"):
        (stage / "usr/bin" / program).symlink_to(f"/usr/pgsql-15/bin/{program}")
    return rpm.build(work, name, version, stage)


def _postgresql_server(work, debs, name, version):
    stage = _postgresql(work, debs, name, "postgresql-15")
    install(FILES / "postgresql-15-setup", stage / "usr/pgsql-15/bin/postgresql-15-setup", 0o755)
    install(FILES / "postgresql-15.service", stage / "usr/lib/systemd/system/postgresql-15.service")
    (stage / "usr/lib/tmpfiles.d").mkdir()
    line = "d /run/postgresql 0755 postgres postgres -\n"
    (stage / "usr/lib/tmpfiles.d/postgresql-15.conf").write_text(line)
    for folder in ("data", "backups"):
        (stage / "var/lib/pgsql/15" / folder).mkdir(parents=True)
    account = (
        "getent group postgres >/dev/null || groupadd -g 26 -r postgres\n"
        "getent passwd postgres >/dev/null || "
        "useradd -M -g postgres -r -d /var/lib/pgsql -s /bin/bash -u 26 postgres"
    )
    folders = (
        "chown -R postgres:postgres /var/lib/pgsql; chmod 700 /var/lib/pgsql/15/data\n"
        "systemd-tmpfiles --create postgresql-15.conf; systemctl daemon-reload"
    )
    tags = f"Requires: postgresql15 = {version.partition('-')[0]}"
    return rpm.build(work, name, version, stage, account, folders, tags)


def _restic(work, debs, name, version):
    stage = _stage(work, name)
    install(debs / "restic/usr/bin/restic", stage / "usr/bin/restic", 0o755)
    return rpm.build(work, name, version, stage)


def _certbot(work, debs, name, version):
    stage = _stage(work, name)
    shutil.copytree(debs / "python3-certbot/usr/lib/python3", stage / "usr/lib/python3")
    python_program(debs / "certbot/usr/bin/certbot", stage, "/usr/bin/certbot")
    for unit in ("certbot-renew.service", "certbot-renew.timer"):
        install(FILES / unit, stage / "usr/lib/systemd/system" / unit)
    settings = stage / "etc/sysconfig/certbot"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "".join(f'{name}_HOOK=""\n' for name in ("PRE", "POST", "RENEW", "DEPLOY")) + 'CERTBOT_ARGS=""\n'
    )
    return rpm.build(work, name, version, stage, post="systemctl daemon-reload")


def _firewalld(work, debs, name, version):
    stage = _stage(work, name)
    source = debs / "firewalld"
    ignore = shutil.ignore_patterns("man", "doc", "locale", "lintian", "zsh", "logrotate.d", "firewalld", "firewall-*")
    for part in ("etc", "usr/share"):
        shutil.copytree(source / part, stage / part, symlinks=True, dirs_exist_ok=True, ignore=ignore)
    for part in ("etc/firewalld", "usr/lib/firewalld"):
        shutil.copytree(source / part, stage / part, symlinks=True, dirs_exist_ok=True)
    shutil.copytree(debs / "python3-firewall/usr/lib/python3", stage / "usr/lib/python3")
    install(source / "lib/systemd/system/firewalld.service", stage / "usr/lib/systemd/system/firewalld.service")
    python_program(source / "usr/sbin/firewalld", stage, "/usr/sbin/firewalld", recorded=False)
    for program in ("firewall-cmd", "firewall-offline-cmd"):
        python_program(source / "usr/bin" / program, stage, f"/usr/bin/{program}")
    # Debian chooses between two policies by its alternatives
    actions = stage / "usr/share/polkit-1/actions"
    (actions / "org.fedoraproject.FirewallD1.policy").symlink_to("org.fedoraproject.FirewallD1.server.policy.choice")
    post = "systemctl daemon-reload; systemctl reload dbus; systemctl enable --quiet firewalld"
    return rpm.build(work, name, version, stage, post=post)


def _selinux(work, debs, name, version):
    """The one tool that a minimal system does not have; one recorder is under the names of all."""
    stage = _stage(work, name)
    (stage / "usr/sbin").mkdir()
    (stage / "usr/sbin/semanage").symlink_to("/usr/libexec/lab/selinux")
    return rpm.build(work, name, version, stage)


def selinux_of_the_system(root: Path) -> None:
    """Give the tree at *root* the tools of libselinux-utils and policycoreutils, which every EL has."""
    install(FILES / "selinux", root / "usr/libexec/lab/selinux", 0o755)
    for tool in ("setsebool", "getsebool", "restorecon", "getenforce", "setenforce", "semodule"):
        (root / "usr/sbin" / tool).symlink_to("/usr/libexec/lab/selinux")


def publish(shape: shapes.Shape, repositories: dict, signer: rpm.Signer, sites: Path) -> None:
    """Lay signed repositories and their keys below *sites*, as the vendors' servers have them."""
    signer.sign([package for packages in repositories.values() for package in packages])
    for place, packages in repositories.items():
        folder = sites / place
        folder.mkdir(parents=True)
        for package in packages:
            shutil.copy(package, folder)
        signer.publish(folder, shape.files / "modules.yaml" if place == shape.modules else None)
    for key in shape.keys:
        (sites / key).parent.mkdir(parents=True, exist_ok=True)
        (sites / key).write_text(signer.public())
    (sites / "fingerprint").write_text(signer.fingerprint())


def publish_restic(debs: Path, sites: Path) -> None:
    """Lay restic's compressed program below *sites*, and its SHA-256 beside them."""
    packed = bz2.compress((debs / "restic/usr/bin/restic").read_bytes(), compresslevel=1)
    (sites / shapes.RESTIC).parent.mkdir(parents=True)
    (sites / shapes.RESTIC).write_bytes(packed)
    (sites / "restic.sha256").write_text(hashlib.sha256(packed).hexdigest())


def unpack(folder: Path) -> None:
    """Unpack each ``NAME_VERSION.deb`` in *folder* to ``folder/NAME``."""
    for deb in folder.glob("*.deb"):
        run(["dpkg-deb", "-x", deb, folder / deb.name.split("_")[0]])
