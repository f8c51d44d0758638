"""What an EL host of one version is called and has: names, versions, and where its repositories stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

FILES = Path(__file__).with_name("files")
# what every package's script asks for, and Debian's programs give
PROVIDES = "Provides: /bin/sh, /bin/bash, bash, coreutils, systemd, shadow-utils, glibc"
# restic's own release, which no repository of EL 7 has; the program in it is Debian's
_PLATFORMS = Path(__file__).resolve().parents[3] / "salt/mattermost/platforms.yaml"
RESTIC = yaml.safe_load(_PLATFORMS.read_text(encoding="utf-8"))["RedHat-7"]["backup"]["program"]["source"].removeprefix(
    "https://"
)


@dataclass(frozen=True)
class Shape:
    """One version of EL.

    release: the text of its release file. release_file: that file's name, and its package's. release_version: of the package.
    manager: yum or dnf, the only one that is there. repository_file: the host's own. key: of the system's packages, in
    /etc/pki/rpm-gpg. keys: where vendors offer theirs. repositories: place (host and path) to the names of its packages.
    versions: by package. shipped: installed already, only as names. restic: whether its own release is offered.
    settings_keys: names of the keys in the platform's data. modules: place of a module stream that hides packages.
    """

    name: str
    release: str
    release_file: str
    release_version: str
    repository_file: str
    key: str
    keys: tuple
    repositories: dict
    versions: dict
    shipped: dict
    settings_keys: tuple = ("epel", "pgdg")
    manager: str = "dnf"
    restic: bool = False
    modules: str = ""
    selinux: str = "policycoreutils-python-utils"

    @property
    def files(self) -> Path:
        """The folder of what only this version has."""
        return FILES / self.name

    @property
    def major(self) -> str:
        return self.name.removeprefix("el")


PGDG = "download.postgresql.org/pub/repos/yum"
EPEL_7 = "dl.fedoraproject.org/pub/archive/epel/7/x86_64"
EL7 = Shape(
    name="el7",
    release="CentOS Linux release 7.9.2009 (Core)",
    release_file="centos-release",
    release_version="7-9.2009.1.el7.centos",
    manager="yum",
    repository_file="CentOS-Base.repo",
    key="RPM-GPG-KEY-CentOS-7",
    keys=(
        "vault.centos.org/7.9.2009/os/x86_64/RPM-GPG-KEY-CentOS-7",
        "dl.fedoraproject.org/pub/archive/epel/RPM-GPG-KEY-EPEL-7",
        f"{PGDG}/keys/PGDG-RPM-GPG-KEY-RHEL7",
    ),
    repositories={
        "vault.centos.org/7.9.2009/os/x86_64": ["firewalld", "policycoreutils-python"],
        "vault.centos.org/7.9.2009/updates/x86_64": ["ca-certificates"],
        "vault.centos.org/7.9.2009/extras/x86_64": [],
        EPEL_7: ["nginx", "certbot"],
        f"{PGDG}/15/redhat/rhel-7-x86_64": ["postgresql15", "postgresql15-server"],
    },
    versions={
        "firewalld": "0.6.3-13.el7_9",
        "policycoreutils-python": "2.5-34.el7",
        "ca-certificates": "2021.2.50-72.el7_9",
        "nginx": "1.20.1-10.el7",
        "certbot": "1.11.0-2.el7",
        "postgresql15": "15.8-1PGDG.rhel7",
    },
    shipped={
        "curl": "7.29.0-59.el7_9.2",
        "openssl": "1.0.2k-26.el7_9",
        "tar": "1.26-35.el7",
        "xz": "5.2.2-2.el7_9",
        "ca-certificates": "2020.2.41-70.0.el7_8",
    },
    settings_keys=("centos", "epel", "pgdg"),
    restic=True,
    selinux="policycoreutils-python",
)
ALMA_8 = "repo.almalinux.org/almalinux/8"
EL8 = Shape(
    name="el8",
    release="AlmaLinux release 8.10 (Cerulean Leopard)",
    release_file="almalinux-release",
    release_version="8.10-1.el8",
    repository_file="almalinux.repo",
    key="RPM-GPG-KEY-AlmaLinux",
    keys=("dl.fedoraproject.org/pub/epel/RPM-GPG-KEY-EPEL-8", f"{PGDG}/keys/PGDG-RPM-GPG-KEY-RHEL"),
    repositories={
        f"{ALMA_8}/BaseOS/x86_64/os": ["firewalld", "ca-certificates", "policycoreutils-python-utils"],
        f"{ALMA_8}/AppStream/x86_64/os": ["nginx"],
        "dl.fedoraproject.org/pub/epel/8/Everything/x86_64": ["certbot", "restic"],
        f"{PGDG}/15/redhat/rhel-8-x86_64": ["postgresql15", "postgresql15-server"],
    },
    versions={
        "firewalld": "0.9.11-9.el8_10",
        "policycoreutils-python-utils": "2.9-26.el8_10",
        "ca-certificates": "2024.2.69_v8.0.303-80.0.el8_10",
        "nginx": "1.14.1-9.el8",
        "certbot": "1.22.0-1.el8",
        "restic": "0.15.2-1.el8",
        "postgresql15": "15.8-1PGDG.rhel8",
    },
    shipped={
        "openssl": "1.1.1k-14.el8_6",
        "tar": "1.30-9.el8",
        "xz": "5.2.4-4.el8_6",
        "ca-certificates": "2024.2.69_v8.0.303-80.0.el8_10",
    },
    modules=f"{ALMA_8}/AppStream/x86_64/os",
)
ROCKY_9 = "dl.rockylinux.org/pub/rocky/9"
EL9 = Shape(
    name="el9",
    release="Rocky Linux release 9.6 (Blue Onyx)",
    release_file="rocky-release",
    release_version="9.6-1.el9",
    repository_file="rocky.repo",
    key="RPM-GPG-KEY-Rocky-9",
    keys=("dl.fedoraproject.org/pub/epel/RPM-GPG-KEY-EPEL-9", f"{PGDG}/keys/PGDG-RPM-GPG-KEY-RHEL"),
    repositories={
        f"{ROCKY_9}/BaseOS/x86_64/os": ["firewalld", "ca-certificates"],
        f"{ROCKY_9}/AppStream/x86_64/os": ["nginx", "policycoreutils-python-utils"],
        "dl.fedoraproject.org/pub/epel/9/Everything/x86_64": ["certbot", "restic"],
        f"{PGDG}/15/redhat/rhel-9-x86_64": ["postgresql15", "postgresql15-server"],
    },
    versions={
        "firewalld": "1.3.4-9.el9_5",
        "policycoreutils-python-utils": "3.6-2.1.el9",
        "ca-certificates": "2024.2.69_v8.0.303-91.4.el9_4",
        "nginx": "1.20.1-22.el9",
        "certbot": "3.1.0-1.el9",
        "restic": "0.16.5-1.el9",
        "postgresql15": "15.8-1PGDG.rhel9",
    },
    shipped={
        "openssl": "3.2.2-6.el9_5",
        "tar": "1.34-7.el9",
        "xz": "5.2.5-8.el9_0",
        "ca-certificates": "2024.2.69_v8.0.303-91.4.el9_4",
    },
    modules=f"{ROCKY_9}/AppStream/x86_64/os",
)
SHAPES = {shape.name: shape for shape in (EL7, EL8, EL9)}
