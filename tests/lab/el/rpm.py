"""One RPM out of a staged tree, and signed repositories out of RPMs."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.lab.shell import run

OWNER = "lab@example.test"

# directories that are there without any of our packages
SYSTEM = re.compile(
    r"(etc|usr|var)(/(bin|sbin|lib|libexec|share|log|cache|sysconfig|default|modprobe\.d|dbus-1(/system\.d)?))?"
    r"|usr/libexec/lab|usr/lib/(systemd(/system)?|tmpfiles\.d|python3(/dist-packages)?)"
    r"|usr/share/(polkit-1|dbus-1|bash-completion)(/[^/]+)?"
)
SPEC = """\
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links none
%global _binary_payload w1.gzdio
Name: {name}
Version: {version}
Release: {release}
Summary: stand-in of the lab with the names and paths of EL
License: see the Debian packages that it was made of
BuildArch: x86_64
AutoReqProv: no
{tags}
%description
A stand-in, for tests only.
%install
mkdir -p %{{buildroot}}
cp -a {stage}/. %{{buildroot}}/
{scripts}
%files{files}
"""


def build(work: Path, name: str, version: str, stage: Path | None = None, pre="", post="", tags="") -> Path:
    """Build one RPM and return its path.

    work: directory for rpmbuild. version: VERSION-RELEASE. stage: tree that it installs, None for an empty package.
    pre, post: scripts. tags: further lines of the preamble, as ``Requires:``.
    """
    version, release = version.split("-", 1)
    for folder in ("SPECS", "RPMS", "BUILD", "BUILDROOT", "empty"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    listed = ""
    if stage is not None:
        lines = []
        for path in sorted(stage.rglob("*")):
            if path.is_dir() and not path.is_symlink() and not SYSTEM.fullmatch(str(path.relative_to(stage))):
                lines.append(f'%dir "/{path.relative_to(stage)}"')
            if path.is_symlink() or path.is_file():
                inside = path.relative_to(stage)
                lines.append(f'{"%config(noreplace) " if inside.parts[0] == "etc" else ""}"/{inside}"')
        (work / "SPECS" / f"{name}.files").write_text("\n".join(lines) + "\n")
        listed = f" -f {work}/SPECS/{name}.files"
    scripts = "".join(f"%{kind}\n{text}\n:\n" for kind, text in (("pre", pre), ("post", post)) if text)
    spec = work / "SPECS" / f"{name}.spec"
    spec.write_text(
        SPEC.format(
            name=name,
            version=version,
            release=release,
            stage=stage or work / "empty",
            tags=tags,
            scripts=scripts,
            files=listed,
        )
    )
    target = ["--target", "x86_64", "--define", f"_topdir {work}", "--define", f"_rpmdir {work}/RPMS"]
    run(["rpmbuild", "-bb", "--quiet", *target, "--nodeps", spec], timeout=300, env={**os.environ, "LC_ALL": "C"})
    return work / "RPMS/x86_64" / f"{name}-{version}-{release}.x86_64.rpm"


class Signer:
    """A key of the lab's own. folder: for gpg; its path must be short, gpg keeps a socket there."""

    def __init__(self, folder: Path):
        self.home = folder
        folder.mkdir(mode=0o700, parents=True)
        self.env = {**os.environ, "GNUPGHOME": str(folder)}
        # RSA: the rpm of EL 7 knows nothing newer
        self._gpg("--passphrase", "", "--quick-gen-key", OWNER, "rsa3072", "sign", "never")

    def _gpg(self, *arguments):
        return run(["gpg", "--batch", "--yes", *arguments], env=self.env, timeout=120).stdout

    def public(self) -> str:
        """Return the key, armoured."""
        return self._gpg("--armor", "--export", OWNER)

    def fingerprint(self) -> str:
        """Return the key's full fingerprint."""
        lines = self._gpg("--with-colons", "--fingerprint", OWNER).splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def sign(self, rpms) -> None:
        """Sign *rpms* in place."""
        # Debian's macro names a program that Debian does not have
        macros = {"__gpg": "/usr/bin/gpg", "_gpg_digest_algo": "sha256", "_gpg_name": OWNER, "_gpg_path": self.home}
        defines = [part for key, value in macros.items() for part in ("--define", f"{key} {value}")]
        run(["rpmsign", *defines, "--addsign", *rpms], env=self.env, timeout=120)

    def publish(self, folder: Path, modules: Path | None = None) -> None:
        """Make the RPMs in *folder* a repository with signed metadata. modules: file of its module streams."""
        run(["createrepo_c", "-q", folder], timeout=120)
        if modules:
            run(["modifyrepo_c", "--mdtype=modules", modules, folder / "repodata"], timeout=60)
        self._gpg("--detach-sign", "--armor", folder / "repodata/repomd.xml")

    def close(self) -> None:
        """End gpg's agent."""
        run(["gpgconf", "--kill", "gpg-agent"], env=self.env)
